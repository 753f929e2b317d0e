package format

// SignalHandlers is a table of signal actions (the kernel's sighand_struct).
// Signals without an entry have their default action.
type SignalHandlers struct {
	ID      ObjectID       `json:"id"`
	Actions []SignalAction `json:"actions,omitempty"`
}

// SignalAction is one entry of sigaction(2).
type SignalAction struct {
	Signal Signal `json:"signal"`
	// Handler is a function's address, or 0 for the default, 1 for ignore.
	Handler  Addr      `json:"handler"`
	Flags    uint64    `json:"flags,omitempty"`
	Restorer Addr      `json:"restorer,omitempty"`
	Mask     SignalSet `json:"mask,omitempty"`
}

// The two handlers that are not addresses.
const (
	HandlerDefault Addr = 0
	HandlerIgnore  Addr = 1
)

// SigInfo is one queued signal.
type SigInfo struct {
	Signal Signal `json:"signal"`
	// Code is si_code.
	Code int32 `json:"code"`
	// Raw is the kernel's siginfo_t, 128 bytes.
	Raw []byte `json:"raw"`
}

// SigInfoSize is the size of siginfo_t in bytes.
const SigInfoSize = 128
