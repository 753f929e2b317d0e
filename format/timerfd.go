package format

// Timerfd as of timerfd_create(2). Times are in nanoseconds.
type Timerfd struct {
	Clock int32 `json:"clock"`
	// SetFlags of the last timerfd_settime(2).
	SetFlags uint32 `json:"set_flags,omitempty"`
	// Ticks are expiries not yet read.
	Ticks     uint64 `json:"ticks,omitempty"`
	Remaining uint64 `json:"remaining,omitempty"`
	Interval  uint64 `json:"interval,omitempty"`
}
