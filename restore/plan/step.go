package plan

import "github.com/thaw-cr/thaw/format"

// A Plan builds one tree.
type Plan struct {
	// Procs are the processes that exist at some time, in order of creation.
	// The first is the seed: the engine starts it, it makes all others.
	Procs []Proc `json:"procs"`
	// Steps in an order that is right if carried out one by one.
	Steps []Step `json:"steps"`
	// Order is the hand-over: the image's tasks as saved, coordinator first.
	Order []format.PID `json:"order"`
	// Notes say what of the image the tree will not have: little things that no
	// program looks at, but nothing is left out in silence.
	Notes []Reason `json:"notes,omitempty"`
}

// Role says why a process exists.
type Role string

// The roles.
const (
	RoleSeed   Role = "seed"   // the first; it stays as pid 1 of a new pid namespace (RoleInit) or exits
	RoleInit   Role = "init"   // pid 1 of a new pid namespace that the image does not hold; the seed
	RoleTask   Role = "task"   // a process of the image
	RoleGhost  Role = "ghost"  // stands in for a leader of a session or group that is gone
	RoleAnchor Role = "anchor" // keeps a group or a session alive for a while
	RoleMaker  Role = "maker"  // makes orphans and dies
)

// Proc is a process of the plan.
type Proc struct {
	PID  format.PID `json:"pid"`
	Role Role       `json:"role"`
	// ExitSignal it is created with; helpers have none, but for those that make
	// siblings with CLONE_PARENT, which inherit it.
	ExitSignal format.Signal `json:"exit_signal,omitempty"`
	// Why in words, for helpers: "leader of session 200".
	Why string `json:"why,omitempty"`
}

// Op is what a step does.
type Op string

// The operations. Actor does it; Target is what it is about.
const (
	OpFork      Op = "fork"     // Actor creates process Target (Flags apply)
	OpThread    Op = "thread"   // Actor creates thread Target of its own group
	OpSetsid    Op = "setsid"   // Actor becomes leader of a new session
	OpSetpgid   Op = "setpgid"  // Actor enters group Target (its own number: a new group)
	OpReaper    Op = "reaper"   // Actor becomes child subreaper (Target 1) or stops being one (Target 0)
	OpExit      Op = "exit"     // Actor, a helper, exits with status 0
	OpReap      Op = "reap"     // Actor waits for its dead child Target, a helper
	OpReport    Op = "report"   // Actor reports in; all its tree steps are done
	OpDie       Op = "die"      // Actor, a zombie of the image, ends with its saved status
	OpWitness   Op = "witness"  // Actor sees that its child Target is a zombie, without reaping it
	OpLeaveLead Op = "leave"    // Actor, a dead leader, exits alone; its threads live on
	OpStop      Op = "stop"     // Actor stops itself with signal number Target
	OpSeeStop   Op = "see-stop" // Actor takes note of the stop of its child Target
)

// Flags of a fork.
type Flags uint8

// The flags.
const (
	// CloneParent makes Target a child of Actor's parent (CLONE_PARENT).
	CloneParent Flags = 1 << iota
	// ShareVM, ShareFiles, ShareFS and ShareHandlers are CLONE_VM and so on.
	ShareVM
	ShareFiles
	ShareFS
	ShareHandlers
)

// Step is one operation of one process.
type Step struct {
	Op     Op         `json:"op"`
	Actor  format.PID `json:"actor"`
	Target format.PID `json:"target,omitempty"`
	Flags  Flags      `json:"flags,omitempty"`
	// After are the indexes of earlier steps, of other processes, that must be
	// done before this one.
	After []int `json:"after,omitempty"`
}
