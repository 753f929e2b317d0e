package capture

import (
	"context"
	"errors"
	"syscall"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/internal/sys"
)

// A guard is a process that lets a frozen control group go on if this program is
// killed: it waits for the end of a pipe that nobody else has open. It is a husk
// in a session of its own, so that signals of terminals do not reach it. What
// kills it together with this program, as the end of a service does that both
// run in, leaves the group frozen.
type guard struct {
	pid   int
	pipe  int
	table *husk.Table
}

// Where the guard's table is, which is all that it maps.
const (
	guardTable = 1 << 33
	guardSize  = 64 << 10
)

// The guard's descriptors.
const (
	guardPipe = iota + 3
	guardFile
	guardMemory
	guardBoot
	guardFiles
)

// startGuard starts the guard of the cgroup.freeze that is open as file, and
// waits until it is on guard.
func startGuard(ctx context.Context, file int) (*guard, error) {
	r, w, err := sys.Pipe(abi.OCloexec)
	if err != nil {
		return nil, err
	}
	defer sys.Close(r) //nolint:errcheck // the guard has it
	g := &guard{pipe: w}
	if g.table, err = husk.NewTable(guardTable, guardSize, -1); err != nil {
		return nil, errors.Join(err, sys.Close(w))
	}
	t := g.table
	ready := t.Word()
	p := t.Program("guard of the control group")
	p.Signal(ready, 1)
	p.Call("wait for the end", abi.SysRead, guardPipe, t.Alloc(8, 8), 1).Any()
	p.Call("let go", abi.SysWrite, guardFile, t.String("0"), 1).Any()
	p.Call("end", abi.SysExitGroup, 0)
	attr := husk.Attr{Files: make([]uintptr, guardFiles), Boot: guardBoot, Sys: &syscall.SysProcAttr{Setsid: true}}
	for i := range attr.Files {
		attr.Files[i] = husk.Closed
	}
	attr.Files[guardPipe], attr.Files[guardFile], attr.Files[guardMemory] = uintptr(r), uintptr(file), uintptr(t.FD())
	if g.pid, err = husk.Start(t, p, guardMemory, attr); err != nil {
		return nil, errors.Join(err, t.Close(), sys.Close(w))
	}
	if err := t.Await(ctx, ready, 1, g.alive); err != nil {
		return nil, errors.Join(err, g.dismiss())
	}
	return g, nil
}

var errNoGuard = errors.New("the guard has ended")

// alive gives an error if the guard has ended.
func (g *guard) alive() error {
	info, err := sys.Waitid(abi.PPid, g.pid, abi.WExited|abi.WNohang|abi.WNowait)
	if err == nil && info.PID != 0 {
		err = errNoGuard
	}
	return err
}

// dismiss ends the guard before it does anything: by now the group may be frozen
// by somebody else.
func (g *guard) dismiss() error {
	err := sys.Kill(g.pid, abi.SIGKILL)
	return errors.Join(err, g.release())
}

// release lets the guard do its work and end.
func (g *guard) release() error {
	err := sys.Close(g.pipe)
	_, _, werr := sys.Wait4(g.pid, abi.WAll)
	return errors.Join(err, werr, g.table.Close())
}
