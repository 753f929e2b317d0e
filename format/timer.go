package format

// IntervalTimer is one timer of setitimer(2). Times are in microseconds.
type IntervalTimer struct {
	// Which is ITIMER_REAL 0, ITIMER_VIRTUAL 1, ITIMER_PROF 2.
	Which uint8 `json:"which"`
	// Remaining until the next expiry, and the interval after that.
	Remaining uint64 `json:"remaining"`
	Interval  uint64 `json:"interval,omitempty"`
}

// PosixTimer is one timer of timer_create(2). Times are in nanoseconds.
type PosixTimer struct {
	// Number is the timer's id.
	Number int32 `json:"number"`
	Clock  int32 `json:"clock"`
	// Notify is SIGEV_SIGNAL 0, SIGEV_NONE 1, SIGEV_THREAD 2, with
	// SIGEV_THREAD_ID 4 as a flag; Target is its thread then.
	Notify int32  `json:"notify"`
	Signal Signal `json:"signal,omitempty"`
	Value  uint64 `json:"value,omitempty"`
	Target PID    `json:"target,omitempty"`
	// Remaining until the next expiry; zero for a disarmed timer.
	Remaining uint64 `json:"remaining,omitempty"`
	Interval  uint64 `json:"interval,omitempty"`
	Overrun   int32  `json:"overrun,omitempty"`
}
