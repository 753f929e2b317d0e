package restore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/hostfacts"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/restore/plan"
	"github.com/thaw-cr/thaw/validate"
)

// An engine carries out one restore.
type engine struct {
	*job
	b    *builder
	proc procfs.Reader

	finishers []*finisher
	// met counts those of them that have met.
	met atomic.Int32
	// seed is the first process's number here.
	seed int
	// pidns is the new pid namespace, or -1.
	pidns int
	// pids caches numbers of the new pid namespace as seen here.
	pids map[format.PID]int
	// threads counts the threads of each process of the image.
	threads map[format.PID]int
	// before are the children that the caller had already.
	before map[int]bool
	// wasSubreaper says that the caller adopted orphans before.
	wasSubreaper bool
	closed       []func() error
	// locks are those to take, in the image's order.
	locks []heldLock
	// owners are the calls that say who gets signals about files.
	owners []taskCall
	// names are where sockets get files.
	names []socketName
	// warnings are what did not come back, and does not matter to the tree.
	warnings []validate.Finding
	// released says that the tree runs: from then on it is not torn down.
	released bool
}

// Result is a restored tree.
type Result struct {
	// Root is the root task's number in the caller's pid namespace.
	Root int
	// Plan is what was carried out.
	Plan *plan.Plan
	// Warnings say what the tree has not got back, and does not need to run.
	Warnings []validate.Finding
	e        *engine
}

// Run restores an image. On an error nothing is left behind; a *RefusedError
// says that nothing was created at all.
func Run(ctx context.Context, req Request) (*Result, error) {
	opts := req.withDefaults()
	if opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, opts.Timeout, fmt.Errorf("not done within %s", opts.Timeout))
		defer cancel()
	}
	j, err := newJob(ctx, &req, opts)
	if err != nil {
		return nil, err
	}
	if validate.HasErrors(j.findings) {
		return nil, &RefusedError{Findings: j.findings}
	}
	e := &engine{job: j, pidns: -1, pids: map[format.PID]int{}}
	if err := e.run(ctx); err != nil {
		return nil, errors.Join(err, e.teardown())
	}
	if n := e.b.mapped; n > 0 {
		e.warnings = append(e.warnings, validate.New(validate.CodeMappedMemory, validate.Subject{}, mappedText, (n+1<<20-1)>>20))
	}
	return &Result{Root: e.hostPID(req.Image.Root), Plan: j.plan, Warnings: e.warnings, e: e}, nil
}

// mappedText says what memory that is mapped from an image does not do.
const mappedText = "%d MiB of memory come from the image when they are touched: dropped by a program (MADV_DONTNEED), " +
	"they hold the image's contents again, not the zeroes that programs in Go or with jemalloc count on"

func planOptions(o *Options) plan.Options {
	return plan.Options{
		PIDNamespace: o.PIDNamespace,
		ShellJob:     o.ShellJob,
		Group:        format.PID(syscall.Getpgrp()),
		Taken:        func(p format.PID) bool { return !o.PIDNamespace && hostfacts.Taken(p) },
		MaxPID:       format.PID(pidMax()),
	}
}

// run does everything up to the release.
func (e *engine) run(ctx context.Context) error {
	if err := e.adopt(); err != nil {
		return err
	}
	seed, err := e.prepare(ctx)
	if err != nil {
		return err
	}
	if err := e.clearNames(); err != nil {
		return err
	}
	if err := e.startSeed(ctx, seed); err != nil {
		return err
	}
	e.opts.Progress(Progress{Stage: StageTree, Total: uint64(e.b.living)})
	if err := e.b.t.Await(ctx, e.b.done, e.b.living, e.check()); err != nil {
		return err
	}
	if err := e.reapHelpers(ctx); err != nil {
		return err
	}
	if err := e.stopInit(); err != nil {
		return err
	}
	if err := e.awaitStates(ctx); err != nil {
		return err
	}
	if err := e.keepNames(); err != nil {
		return err
	}
	return e.finish(ctx)
}

// adopt makes the engine the parent of what is orphaned meanwhile, so that it
// can find and reap it.
func (e *engine) adopt() error {
	children, err := e.children()
	if err != nil {
		return err
	}
	e.before = map[int]bool{}
	for _, c := range children {
		e.before[c] = true
	}
	st, err := sys.Subreaper()
	if err != nil {
		return err
	}
	e.wasSubreaper = st
	_, err = sys.Prctl(abi.PrSetChildSubreaper, 1, 0, 0, 0)
	return err
}

// boot holds the programs that the first process begins with.
type boot struct {
	first, prep, main *husk.Program
	up, start         husk.Word
}

// prepare makes the table and the boot program.
func (e *engine) prepare(ctx context.Context) (*boot, error) {
	var err error
	if e.b, err = newBuilder(ctx, e.job); err != nil {
		return nil, err
	}
	e.closed = append(e.closed, e.b.t.Close)
	if err := e.fits(e.b.files.most); err != nil {
		return nil, err
	}
	t := e.b.t
	s := &boot{first: t.Program("seed"), prep: t.Program("seed"), main: t.Program("seed"), up: t.Word(), start: t.Word()}
	e.b.emitBoot(s.first, s.up, s.start, s.prep)
	return s, e.openPages(ctx)
}

// openPages finds where page data can be read from directly; pages that are
// packed, or in many small files, are put into a file in memory first.
func (e *engine) openPages(ctx context.Context) error {
	pages := e.req.Image.Pages
	if pages == nil {
		return nil
	}
	if raw, ok := pages.(format.RawPages); ok && e.req.File != nil {
		e.b.pages, e.b.pageFDs = rawPages{raw}, []uintptr{e.req.File.Fd()}
		e.b.mapPages = e.opts.MapMemory
		return nil
	}
	s, err := newSpool(ctx, e.req.Image, e.opts)
	if err != nil {
		return err
	}
	e.closed = append(e.closed, s.close)
	e.b.pages, e.b.pageFDs = s, s.files()
	return nil
}

// startSeed starts the first process, writes the tree's programs while it boots,
// and the rest while the tree is made.
func (e *engine) startSeed(ctx context.Context, s *boot) error {
	pidfd, err := sys.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return err
	}
	defer sys.Close(pidfd) //nolint:errcheck // the seed has its own
	tty := callerTerminal(e.req.Image)
	attr := husk.Attr{Files: e.b.fds.files(e.b.t.FD(), pidfd, tty, e.b.pageFDs), Boot: e.b.fds.boot, Sys: e.newNamespaces()}
	e.b.t.Break(e.opts.fault)
	if e.seed, err = husk.Start(e.b.t, s.first, e.b.fds.table, attr); err != nil {
		return err
	}
	e.opts.Progress(Progress{Stage: StageBuild})
	if err := e.b.buildTree(s.main); err != nil {
		return err
	}
	// Any record may be the one that is to fail: then all must be there first.
	fault := e.opts.fault > 0
	if fault {
		if err := e.b.buildBodies(false); err != nil {
			return err
		}
		e.opts.broken = e.b.t.Break(e.opts.fault)
	}
	if err := e.b.t.Await(ctx, s.up, 1, e.check()); err != nil {
		return err
	}
	if err := e.meetSeed(s); err != nil {
		return err
	}
	if err := e.b.t.Set(s.start, 1); err != nil {
		return err
	}
	if fault {
		return e.b.releaseBodies()
	}
	return e.b.buildBodies(true)
}

// meetSeed looks at the first process and writes what depends on where the
// kernel put things in it.
func (e *engine) meetSeed(s *boot) error {
	maps, err := e.proc.Maps(e.seed)
	if err != nil {
		return err
	}
	e.b.emitPrep(s.prep, hostfacts.Parts(maps), s.main)
	if !e.opts.PIDNamespace {
		return nil
	}
	if e.pidns, err = sys.Open(procfs.Path(e.seed, "ns/pid"), syscall.O_RDONLY|syscall.O_CLOEXEC, 0); err != nil {
		return err
	}
	e.closed = append(e.closed, func() error { return sys.Close(e.pidns) })
	return nil
}

var errHuskDied = errors.New("a husk died")

// checkInterval is how often the engine looks for husks that died.
const checkInterval = 250 * time.Millisecond

// check gives a function that says, at times, whether a process that must live
// has died.
func (e *engine) check() func() error {
	last := time.Now()
	return func() error {
		if time.Since(last) < checkInterval {
			return nil
		}
		last = time.Now()
		for i := range e.req.Image.Tasks {
			t := &e.req.Image.Tasks[i]
			if t.State != format.Zombie && t.State != format.DeadLeader && t.Leader() {
				if st, err := e.proc.Stat(e.hostPID(t.TID)); err == nil && st.Dead() {
					return fmt.Errorf("%w: task %d (%s) ended with %s", errHuskDied, t.TID, t.Comm, format.WaitStatus(st.ExitCode))
				}
			}
		}
		if st, err := e.proc.Stat(e.seed); err == nil && st.Dead() && st.ExitCode != 0 {
			return fmt.Errorf("%w: the seed ended with %s", errHuskDied, format.WaitStatus(st.ExitCode))
		}
		return nil
	}
}

// reapHelpers waits for the helpers that are the engine's own children: the
// seed and ghosts beside the root. In a pid namespace its pid 1 reaps them.
func (e *engine) reapHelpers(ctx context.Context) error {
	if e.opts.PIDNamespace {
		return nil
	}
	for _, p := range e.plan.Procs {
		pid := int(p.PID)
		switch p.Role {
		case plan.RoleTask, plan.RoleInit:
			continue
		case plan.RoleSeed:
			pid = e.seed
		case plan.RoleGhost, plan.RoleAnchor, plan.RoleMaker:
		}
		if err := e.reap(ctx, pid); err != nil {
			return err
		}
	}
	return nil
}

// reap waits for a helper, unless it is another's child.
func (e *engine) reap(ctx context.Context, pid int) error {
	for {
		got, st, err := sys.Wait4(pid, abi.WAll|abi.WNohang)
		switch {
		case errors.Is(err, sys.ECHILD):
			return nil
		case err != nil:
			return err
		case got != 0 && st != 0:
			return fmt.Errorf("%w: helper %d %s", errHuskDied, pid, st)
		case got != 0:
			return nil
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// finish sets registers, verifies and releases.
func (e *engine) finish(ctx context.Context) error {
	tasks, err := e.targets()
	if err != nil {
		return err
	}
	e.share(tasks)
	e.findLocks(tasks)
	e.findOwnerCalls(tasks)
	// ptrace waits cannot be cancelled; what they wait for can.
	stop := context.AfterFunc(ctx, func() { e.killAll(tasks) })
	defer stop()
	e.opts.Progress(Progress{Stage: StageFinish})
	if err := e.letGo(ctx); err != nil {
		return err
	}
	for _, step := range finishSteps {
		if err := e.traceInTime(ctx, step); err != nil {
			return err
		}
	}
	e.checkLogins()
	if !e.opts.NoVerify {
		e.opts.Progress(Progress{Stage: StageVerify})
		if err := e.verify(ctx); err != nil {
			return err
		}
	}
	e.opts.Progress(Progress{Stage: StageRelease})
	if !stop() { // from here on it is too late to cancel
		return context.Cause(ctx)
	}
	for _, step := range releaseSteps {
		if err := e.trace(context.WithoutCancel(ctx), step); err != nil {
			return err
		}
	}
	e.released = true
	e.endTracing()
	e.awaitStops(context.WithoutCancel(ctx))
	return nil
}

// letGo traces all tasks and has them let go of the engine.
func (e *engine) letGo(ctx context.Context) error {
	if err := e.traceInTime(ctx, (*finisher).seizeAll); err != nil {
		return err
	}
	if err := e.b.t.Set(e.b.traced, 1); err != nil {
		return err
	}
	return e.b.t.Await(ctx, e.b.rested, e.b.resting, e.check())
}

func (e *engine) traceInTime(ctx context.Context, step func(*finisher) error) error {
	err := e.trace(ctx, step)
	if ctx.Err() != nil {
		return context.Cause(ctx) // the tasks were killed for it
	}
	return err
}

// share gives each finisher its part of the tasks, all of a process to one.
func (e *engine) share(tasks []*target) {
	n := finishers
	if len(tasks) < fewTasks {
		n = 1
	}
	for range n {
		e.finishers = append(e.finishers, &finisher{e: e, tracer: sys.NewTracer()})
	}
	of := map[format.PID]*finisher{}
	threads := map[format.PID]int{}
	for _, x := range tasks {
		f := of[x.t.TGID]
		if f == nil {
			f = e.finishers[len(of)%n]
			of[x.t.TGID] = f
		}
		f.tasks = append(f.tasks, x)
		threads[x.t.TGID]++
	}
	for _, x := range tasks {
		x.crowded = x.t.Leader() && threads[x.t.TGID] > 1
	}
}

// stopAgain is how long all stopped tasks together may take to stop again, which
// on a busy machine is a while.
const stopAgain = 2 * time.Second

// awaitStops waits for the stopped tasks, which stop again in a moment when their
// tracer has let them go. One that does something else has been continued by
// somebody, which is none of our business; nor is what a task is that has ended.
func (e *engine) awaitStops(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopAgain)
	defer cancel()
	for i := range e.req.Image.Tasks {
		if t := &e.req.Image.Tasks[i]; t.State == format.Stopped {
			_ = e.awaitState(ctx, t, func(state byte) bool { return state != 'R' })
		}
	}
}

// endTracing ends the tracing threads. The kernel kills what they still trace.
func (e *engine) endTracing() {
	for _, f := range e.finishers {
		f.tracer.Close()
	}
}
