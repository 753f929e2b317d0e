package restore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// Values of rax that tell the kernel to restart a system call
// (include/linux/errno.h).
const (
	restartNoHand = -514 // with the same arguments, if no handler runs
	restartBlock  = -516 // with what the restart block says
)

// finishers is how many threads trace many tasks; each has its share of them, as
// a task answers only the thread that seized it. Few tasks have one, which has
// them outlive the engine in one go.
const (
	finishers = 2
	fewTasks  = 64
)

// A finisher gives tasks that are done with their programs their registers, by
// ptrace. All its methods but the constructor's run on its tracer's thread.
type finisher struct {
	e      *engine
	tracer *sys.Tracer
	tasks  []*target
	size   int // of this machine's XSAVE area
	proc   procfs.Reader
	// template are a husk's registers, the same for all as far as it matters.
	template abi.UserRegs
}

// finishSteps are done by all finishers before any goes on to the next: what
// tasks share may be in the hands of several. Before them all are seized and
// have let go of the engine.
var finishSteps = []func(*finisher) error{
	(*finisher).stopAll, (*finisher).restartSleeps, (*finisher).closeFiles, (*finisher).takeLocks, (*finisher).setOwners,
	(*finisher).unmapEngine,
	(*finisher).settle, (*finisher).setAll,
}

// releaseSteps let the tree run. Between them all have done the first.
var releaseSteps = []func(*finisher) error{(*finisher).commit, (*finisher).release}

// traceGrace is how long traced tasks may take to die when time is over.
const traceGrace = 2 * time.Second

// trace runs a step on the threads of all finishers. When time is over it does
// not wait for them much longer: their tasks have been killed.
func (e *engine) trace(ctx context.Context, step func(*finisher) error) error {
	var group errgroup.Group
	for _, f := range e.finishers {
		group.Go(func() error { return f.tracer.Do(func() error { return step(f) }) })
	}
	done := make(chan error, 1)
	go func() { done <- group.Wait() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(traceGrace):
		return context.Cause(ctx)
	}
}

// fail says at what task a step failed.
func (x *target) fail(step string, err error) error {
	return fmt.Errorf("task %d (%s): %s: %w", x.t.TID, x.t.Comm, step, err)
}

// seizeAll makes all tasks die with the engine from now on.
func (f *finisher) seizeAll() error {
	for _, x := range f.tasks {
		if err := sys.Seize(x.tid, abi.PtraceOExitKill); err != nil {
			return x.fail("seize", err)
		}
	}
	return nil
}

// stopAll waits for the tasks that stop by themselves and stops the others in
// their last wait.
func (f *finisher) stopAll() error {
	for _, leaves := range []bool{true, false} {
		if !leaves {
			if err := f.interruptOthers(); err != nil {
				return err
			}
		}
		for _, x := range f.tasks {
			if x.leaves != leaves {
				continue
			}
			if err := f.stop(x); err != nil {
				return x.fail("stop", err)
			}
		}
	}
	return nil
}

func (f *finisher) interruptOthers() error {
	for _, x := range f.tasks {
		if x.leaves {
			continue
		}
		if err := sys.Interrupt(x.tid); err != nil {
			return x.fail("interrupt", err)
		}
	}
	return nil
}

// stop waits until a task stands still. The first shows how husks' registers
// look.
func (f *finisher) stop(x *target) error {
	_, err := f.wait(x)
	if err == nil && f.template == (abi.UserRegs{}) {
		err = f.learn(x)
	}
	return err
}

var errDied = errors.New("the task died")

// wait waits until a task stops.
func (f *finisher) wait(x *target) (sys.WaitStatus, error) {
	st, err := f.look(x)
	x.settled = st.Event() != 0
	return st, stopped(st, err)
}

func (f *finisher) look(x *target) (sys.WaitStatus, error) {
	if x.crowded {
		return f.poll(x)
	}
	_, st, err := sys.Wait4(x.tid, abi.WAll)
	return st, err
}

func stopped(st sys.WaitStatus, err error) error {
	if err == nil && !st.Stopped() {
		return fmt.Errorf("%w: %s", errDied, st)
	}
	return err
}

// pollPause is between looks at a leader with threads.
const pollPause = 20 * time.Microsecond

// poll is wait for leaders with threads: should the process be killed, the
// leader's end is told only after the ends of its threads, for which nobody
// waits meanwhile.
func (f *finisher) poll(x *target) (sys.WaitStatus, error) {
	for {
		tid, st, err := sys.Wait4(x.tid, abi.WAll|abi.WNohang)
		if tid != 0 || err != nil {
			return st, err
		}
		if stat, err := f.proc.Stat(x.tid); err != nil || stat.Dead() {
			return 0, errDied
		}
		time.Sleep(pollPause)
	}
}

// callAll makes the same system call in several tasks at once and checks that
// it returned zero.
func (f *finisher) callAll(step string, which func(*target) bool, nr uint64, args ...uint64) error {
	var tasks []*target
	for _, x := range f.tasks {
		if which(x) {
			tasks = append(tasks, x)
		}
	}
	for _, x := range tasks {
		if err := f.call(x, nr, args...); err != nil {
			return x.fail(step, err)
		}
		if err := x.step(); err != nil {
			return x.fail(step, err)
		}
	}
	for _, x := range tasks {
		if err := f.stepped(x); err != nil {
			return x.fail(step, err)
		}
		r, err := result(x.tid)
		if err == nil && r != 0 {
			err = sys.Errno(-r)
		}
		if err != nil {
			return x.fail(step, err)
		}
	}
	return nil
}

// step lets a task run for one instruction, or to the next end of its system
// call. A single step ends with a SIGTRAP that resets the program's own action
// for it, so programs that have one take the slower way.
func (x *target) step() error {
	if x.traps {
		return sys.SyscallStep(x.tid, 0)
	}
	return sys.SingleStep(x.tid, 0)
}

// stepped waits until a task has made its system call. A stopped process first
// reports its stop again.
func (f *finisher) stepped(x *target) error {
	stops := 1
	if x.traps {
		stops = 2 // at the entry and at the exit
	}
	for {
		st, err := f.wait(x)
		if err != nil {
			return err
		}
		if st.Event() == 0 {
			stops--
		}
		if stops == 0 {
			return nil
		}
		if err := x.step(); err != nil {
			return err
		}
	}
}

// closeFiles closes the engine's descriptors in all file tables.
func (f *finisher) closeFiles() error {
	return f.callAll("close the engine's files", func(x *target) bool { return x.closes },
		abi.SysCloseRange, uint64(f.e.b.fds.base), 1<<32-1, 0)
}

// unmapEngine removes the engine's mappings from all address spaces.
func (f *finisher) unmapEngine() error {
	lay := f.e.b.lay
	return f.callAll("unmap the engine", func(x *target) bool { return x.unmaps },
		abi.SysMunmap, lay.table, lay.end-lay.table)
}

// restartSleeps gives tasks that slept when they were frozen a sleep of what
// was left, so that the kernel has the restart block that their registers
// promise.
func (f *finisher) restartSleeps() error {
	for _, x := range f.tasks {
		if !sleeps(x.t) {
			continue
		}
		got, err := result(x.tid)
		if err == nil && got == restartBlock {
			continue // it has done so by itself
		}
		if err == nil {
			err = f.sleep(x, x.t.Restart)
		}
		if err != nil {
			return x.fail("restart a sleep", err)
		}
	}
	return nil
}

var errNoRestart = errors.New("the sleep ended at once")

// sleep starts a clock_nanosleep and interrupts it.
func (f *finisher) sleep(x *target, r *format.Restart) error {
	remaining := max(r.Remaining, 1)
	at := f.e.b.t.Words(uint64(remaining/nsecPerSec), uint64(remaining%nsecPerSec))
	if err := f.call(x, abi.SysClockNanosleep, uint64(uint32(r.Clock)), 0, at, uint64(r.Remainder)); err != nil {
		return err
	}
	if err := f.enter(x); err != nil {
		return err
	}
	if err := sys.Interrupt(x.tid); err != nil {
		return err
	}
	if err := sys.Cont(x.tid, 0); err != nil {
		return err
	}
	if _, err := f.wait(x); err != nil {
		return err
	}
	got, err := result(x.tid)
	if err != nil {
		return err
	}
	// A very short rest may be over already: then it simply returns.
	if got != restartBlock && got != 0 {
		return errNoRestart
	}
	x.awake = got == 0
	return nil
}

// enter lets a task run to the entry of its system call. A stopped process
// first reports its stop again.
func (f *finisher) enter(x *target) error {
	for {
		if err := sys.SyscallStep(x.tid, 0); err != nil {
			return err
		}
		if st, err := f.wait(x); err != nil || st.Event() == 0 {
			return err
		}
	}
}

// settle brings tasks from the stops of signals, steps and system calls into that
// of an interruption. They execute nothing on the way: the signal of the old
// stop would be delivered if their tracer died.
func (f *finisher) settle() error {
	var tasks []*target
	for _, x := range f.tasks {
		if x.settled {
			continue
		}
		err := sys.Interrupt(x.tid)
		if err == nil {
			err = sys.Cont(x.tid, 0)
		}
		if err != nil {
			return x.fail("settle", err)
		}
		tasks = append(tasks, x)
	}
	for _, x := range tasks {
		if _, err := f.wait(x); err != nil {
			return x.fail("settle", err)
		}
	}
	return nil
}

// setAll sets registers and signal masks.
func (f *finisher) setAll() error {
	for _, x := range f.tasks {
		if err := f.set(x); err != nil {
			return x.fail("set registers", err)
		}
	}
	return nil
}

// commit makes all tasks outlive the engine: until then its end is the end of
// the tree, from then on the kernel lets the tree run. None runs meanwhile, so
// that there is hardly a moment in which a killed engine leaves a part.
func (f *finisher) commit() error {
	f.e.meet()
	for _, x := range f.tasks {
		if err := sys.SetOptions(x.tid, 0); err != nil {
			return x.fail("commit", err)
		}
	}
	return nil
}

// meet waits until the threads of all finishers are there, awake, so that what
// they do next they do at the same time.
func (e *engine) meet() {
	e.met.Add(1)
	for e.met.Load() < int32(len(e.finishers)) {
		runtime.Gosched()
	}
}

// release lets all tasks go, in the order of restart. One that is gone was ended
// by those before it, as when the first of a process's threads ends them all.
func (f *finisher) release() error {
	for _, x := range f.tasks {
		f.e.opts.step()
		if err := sys.Detach(x.tid, 0); err != nil && !errors.Is(err, sys.ESRCH) {
			return x.fail("release", err)
		}
	}
	return nil
}

// stopInit stops the first process of the new pid namespace, if it was stopped: it
// takes no such signal from inside (pid_namespaces(7)), and from here SIGSTOP alone.
func (e *engine) stopInit() error {
	const first = 1
	t := e.b.ix.Task(first)
	if !e.opts.PIDNamespace || t == nil || t.State != format.Stopped {
		return nil
	}
	if err := sys.Kill(e.hostPID(first), int(format.SIGSTOP)); err != nil {
		return fmt.Errorf("stop the first process of the namespace: %w", err)
	}
	return nil
}

// awaitStates waits for tasks that do the last thing of their own, unseen by
// others: stopping, leaving their threads, dying under a parent that is not of
// the image.
func (e *engine) awaitStates(ctx context.Context) error {
	for i := range e.req.Image.Tasks {
		t := &e.req.Image.Tasks[i]
		want := ""
		switch {
		case t.State == format.Stopped:
			want = "TtZ"
		case t.State.Dead() && e.b.ix.Task(t.PPID) == nil, t.State == format.DeadLeader:
			want = "Z"
		}
		if want == "" {
			continue
		}
		if err := e.awaitState(ctx, t, func(state byte) bool { return strings.IndexByte(want, state) >= 0 }); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) awaitState(ctx context.Context, t *format.Task, good func(state byte) bool) error {
	for {
		st, err := e.proc.TaskStat(e.hostPID(t.TGID), e.hostPID(t.TID))
		if err != nil {
			return err
		}
		if good(st.State) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("task %d does not become %s: %w", t.TID, t.State, context.Cause(ctx))
		}
		time.Sleep(100 * time.Microsecond)
	}
}
