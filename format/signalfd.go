package format

// Signalfd as of signalfd(2).
type Signalfd struct {
	Mask SignalSet `json:"mask"`
}
