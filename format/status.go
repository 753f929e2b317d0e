package format

import (
	"fmt"
	"strings"
)

// WaitStatus is the kernel's 16-bit wait status, kept whole: an exit code
// 0..255 in bits 8..15, or a signal 1..64 in bits 0..6 with the core flag in
// bit 7. Source: wait(2), include/uapi/linux/wait.h, kernel/exit.c.
type WaitStatus uint16

// CoreFlag is the bit of a wait status that says a core was dumped.
const CoreFlag WaitStatus = 0x80

// ExitStatus makes the status of a task that exited with code.
func ExitStatus(code uint8) WaitStatus { return WaitStatus(code) << 8 }

// SignalStatus makes the status of a task that sig killed.
func SignalStatus(sig Signal, core bool) WaitStatus {
	s := WaitStatus(sig) & 0x7f
	if core {
		s |= CoreFlag
	}
	return s
}

// Exited says whether the task ended by exit.
func (s WaitStatus) Exited() bool { return s&0xff == 0 }

// Signaled says whether a signal ended the task.
func (s WaitStatus) Signaled() bool { return s&0x7f != 0 && s&0x7f != 0x7f }

// ExitCode is the exit code, 0..255; meaningful if Exited.
func (s WaitStatus) ExitCode() uint8 { return uint8(s >> 8) }

// Signal is the signal that ended the task; meaningful if Signaled.
func (s WaitStatus) Signal() Signal { return Signal(s & 0x7f) }

// Core says whether the core flag is set.
func (s WaitStatus) Core() bool { return s&CoreFlag != 0 }

// WellFormed says whether a dead task can have this status: an exit code with
// no other bit set, or a signal in 1..64 with or without the core flag.
func (s WaitStatus) WellFormed() bool {
	if s.Exited() {
		return true
	}
	return s>>8 == 0 && s.Signal() >= 1 && s.Signal() <= MaxSignal
}

// Reachable says whether a task can end with this status: well formed, and if
// a signal ended it, one whose default action ends a process, with the core
// flag only where that action dumps core.
func (s WaitStatus) Reachable() bool {
	if !s.WellFormed() {
		return false
	}
	if s.Exited() {
		return true
	}
	action := s.Signal().DefaultAction()
	return action == ActionCore || action == ActionTerminate && !s.Core()
}

// String says the status in words: "exit 3", "SIGSEGV, core dumped".
func (s WaitStatus) String() string {
	switch {
	case s.Exited():
		return fmt.Sprintf("exit %d", s.ExitCode())
	case !s.WellFormed():
		return fmt.Sprintf("malformed status %#x", uint16(s))
	case s.Core():
		return s.Signal().String() + ", core dumped"
	}
	return s.Signal().String()
}

// Signal is a signal number, 1..64; zero means none.
type Signal uint8

// MaxSignal is the highest signal number (_NSIG on all Linux architectures
// but MIPS).
const MaxSignal Signal = 64

// Signal numbers of x86, arm and the generic table
// (include/uapi/asm-generic/signal.h).
const (
	SIGHUP   Signal = 1
	SIGQUIT  Signal = 3
	SIGILL   Signal = 4
	SIGTRAP  Signal = 5
	SIGABRT  Signal = 6
	SIGBUS   Signal = 7
	SIGFPE   Signal = 8
	SIGKILL  Signal = 9
	SIGSEGV  Signal = 11
	SIGTERM  Signal = 15
	SIGCHLD  Signal = 17
	SIGCONT  Signal = 18
	SIGSTOP  Signal = 19
	SIGTSTP  Signal = 20
	SIGTTIN  Signal = 21
	SIGTTOU  Signal = 22
	SIGURG   Signal = 23
	SIGXCPU  Signal = 24
	SIGXFSZ  Signal = 25
	SIGWINCH Signal = 28
	SIGSYS   Signal = 31
	SIGRTMIN Signal = 32
)

var signalNames = [...]string{
	"", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1",
	"SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP",
	"TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
}

// String gives the signal's name; real-time signals count from the kernel's
// SIGRTMIN, 32.
func (s Signal) String() string {
	switch {
	case s == 0:
		return "none"
	case int(s) < len(signalNames):
		return "SIG" + signalNames[s]
	case s == SIGRTMIN:
		return "SIGRTMIN"
	case s <= MaxSignal:
		return fmt.Sprintf("SIGRTMIN+%d", s-SIGRTMIN)
	}
	return fmt.Sprintf("signal %d", uint8(s))
}

// Valid says whether the number is a signal's.
func (s Signal) Valid() bool { return s >= 1 && s <= MaxSignal }

// Action is what the kernel does with a signal that has no handler.
type Action uint8

// The default actions of signal(7).
const (
	ActionTerminate Action = iota
	ActionCore
	ActionIgnore
	ActionStop
	ActionContinue
)

var actions = map[Signal]Action{
	SIGQUIT: ActionCore, SIGILL: ActionCore, SIGTRAP: ActionCore, SIGABRT: ActionCore,
	SIGFPE: ActionCore, SIGBUS: ActionCore, SIGSEGV: ActionCore, SIGSYS: ActionCore,
	SIGXCPU: ActionCore, SIGXFSZ: ActionCore,
	SIGCHLD: ActionIgnore, SIGURG: ActionIgnore, SIGWINCH: ActionIgnore,
	SIGSTOP: ActionStop, SIGTSTP: ActionStop, SIGTTIN: ActionStop, SIGTTOU: ActionStop,
	SIGCONT: ActionContinue,
}

// DefaultAction is what happens to a task without a handler for s
// (signal(7), include/linux/signal.h).
func (s Signal) DefaultAction() Action { return actions[s] }

// SignalSet is a set of signals as the kernel holds it: bit n-1 is signal n.
type SignalSet uint64

// Has says whether s is in the set.
func (m SignalSet) Has(s Signal) bool { return s.Valid() && m&(1<<(s-1)) != 0 }

// With is the set with s added.
func (m SignalSet) With(s Signal) SignalSet { return m | 1<<(s-1) }

// String lists the signals: "SIGINT SIGCHLD".
func (m SignalSet) String() string {
	var names []string
	for s := Signal(1); s <= MaxSignal; s++ {
		if m.Has(s) {
			names = append(names, s.String())
		}
	}
	return strings.Join(names, " ")
}

// MarshalJSON writes the set as a hexadecimal string.
func (m SignalSet) MarshalJSON() ([]byte, error) { return marshalHex(uint64(m)) }

// UnmarshalJSON reads what MarshalJSON writes.
func (m *SignalSet) UnmarshalJSON(b []byte) error {
	v, err := unmarshalHex(b)
	*m = SignalSet(v)
	return err
}
