package capture

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// capturer is the work of one Freeze.
type capturer struct {
	opts   Options
	tracer *sys.Tracer
	r      procfs.Reader
	root   int

	gen     int
	missed  bool // the last scan saw tasks that were just ending
	procs   map[int]*process
	tasks   map[int]*task
	order   []*process
	waiting []*task
	freezer *freezer // nil but while tasks are being seized
	parents map[int][]int

	img      *format.Image
	findings []validate.Finding
	warned   map[string]bool
	lastID   format.ObjectID
	pages    *pageSource

	memories kcmpSet[*memory]
	vdsos    []vdsoCode
	tables   kcmpSet[format.ObjectID]
	fs       kcmpSet[format.ObjectID]
	handlers kcmpSet[format.ObjectID]
	files    fileSet
	creds    map[string]format.ObjectID
	ns       namespaces
	fileRefs map[fileKey]format.FileRef
	readable readableFiles
	shared   map[inode]format.ObjectID
	sysv     segments
	deleted  map[inode]format.ObjectID
	pipes    map[inode]*pipe
	unix     unixSet
	ttys     map[ttyKey]format.ObjectID
	cpus     []uint64
	traits   traits
}

func itoa(n int) string { return strconv.Itoa(n) }

// Freeze stops the tree of a process and reads it. While the Session lasts all
// its tasks stand still; Release or Kill ends that. On an error, and when ctx
// ends before Freeze does, the tree runs on as before: a *FreezeError says
// what did not stop, a *RefusedError what cannot be captured.
//
// Meanwhile this program may not wait for a process of the tree, should one be
// its child: os.Process.Wait takes the stop of a traced child for its end, and
// the stop is lost.
func Freeze(ctx context.Context, pid format.PID, opts Options) (*Session, error) {
	if !supported {
		return nil, &FreezeError{Task: pid, Reason: ErrUnsupported, Detail: runtime.GOARCH}
	}
	opts = opts.withDefaults()
	for try := 1; ; try++ {
		s, err := freezeOnce(ctx, pid, opts)
		// The time between vfork and exec is short.
		if err == nil || try == vforkTries || !errors.Is(err, ErrVfork) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(try) * vforkPause):
		}
	}
}

const (
	// So many that a shell which runs one short command after the other on a
	// busy machine is not always met between the two.
	vforkTries = 20
	// vforkPause grows by itself with each try.
	vforkPause = 5 * time.Millisecond
)

func freezeOnce(ctx context.Context, pid format.PID, opts Options) (*Session, error) {
	c := newCapturer(pid, opts)
	err := c.tracer.Do(func() error {
		err := c.run(ctx)
		if err != nil {
			err = errors.Join(err, c.thaw())
		}
		return err
	})
	if err != nil {
		closeAll(c.unix.accepted)
		c.pages.close()
		c.tracer.Close()
		return nil, err
	}
	return &Session{c: c}, nil
}

func newCapturer(pid format.PID, opts Options) *capturer {
	c := &capturer{
		opts: opts, tracer: sys.NewTracer(), root: int(pid),
		procs: make(map[int]*process), tasks: make(map[int]*task),
		img: new(format.Image), warned: make(map[string]bool), pages: newPageSource(),
		memories: kcmpSet[*memory]{kind: abi.KcmpVM},
		tables:   kcmpSet[format.ObjectID]{kind: abi.KcmpFiles},
		fs:       kcmpSet[format.ObjectID]{kind: abi.KcmpFS},
		handlers: kcmpSet[format.ObjectID]{kind: abi.KcmpSighand},
		files:    fileSet{groups: make(map[fileKeyed][]*description)},
		creds:    make(map[string]format.ObjectID),
		fileRefs: make(map[fileKey]format.FileRef),
		readable: newReadableFiles(),
		shared:   make(map[inode]format.ObjectID),
		deleted:  make(map[inode]format.ObjectID),
		pipes:    make(map[inode]*pipe),
		unix:     newUnixSet(),
		ttys:     make(map[ttyKey]format.ObjectID),
	}
	c.img.Pages = c.pages
	return c
}

// run freezes and reads. Precondition: on the tracer's thread.
func (c *capturer) run(ctx context.Context) error {
	if err := c.checkRoot(); err != nil {
		return err
	}
	if err := c.hashAhead(ctx); err != nil {
		return err
	}
	begin := time.Now()
	if err := c.holdCgroup(ctx); err != nil {
		return err
	}
	if err := c.freezeAll(ctx); err != nil {
		return err
	}
	c.opts.Logger.Debug("frozen", "tasks", len(c.tasks), "processes", len(c.procs), "took", time.Since(begin))
	begin = time.Now()
	if err := c.collect(ctx); err != nil {
		return err
	}
	c.opts.Logger.Debug("read", "took", time.Since(begin))
	if err := c.checkRefused(); err != nil {
		return err
	}
	return c.acceptPending()
}

// checkRefused gives an error if anything stands against the capture.
func (c *capturer) checkRefused() error {
	if !validate.HasErrors(c.findings) {
		// What is in the image must be what a restore can bring back.
		c.findings = append(c.findings, validate.Unsupported(c.img)...)
	}
	if validate.HasErrors(c.findings) {
		return &RefusedError{Findings: c.findings}
	}
	return nil
}

// A step reads one kind of state of the frozen tree.
type step struct {
	name string
	run  func(ctx context.Context) error
}

func (c *capturer) collect(ctx context.Context) error {
	defer c.unix.close()
	steps := []step{
		{"provenance", c.readProvenance},
		{"namespaces", c.readTreeNamespaces},
		{"tasks", c.readTasks},
		{"memory", c.readMemories},
		{"segments", c.readUnattached},
		{"registers", c.readAllRegs},
		{"queries", c.queryAll},
		{"files", c.readFileTables},
		{"processes", c.readProcesses},
		{"objects", c.finish},
		{"digests", c.hashFiles},
	}
	for i, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.opts.Progress("read "+s.name, i, len(steps))
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("capture of %s: %w", s.name, err)
		}
	}
	c.opts.Progress("read", len(steps), len(steps))
	return nil
}

func (c *capturer) newID() format.ObjectID {
	c.lastID++
	return c.lastID
}

// refuse notes state that cannot be captured.
func (c *capturer) refuse(code string, tid int, message string, args ...any) {
	if c.unix.holder != nil && tid == c.unix.self.tid { // what is in flight belongs to who can receive it
		tid = c.unix.holder.tid
	}
	c.findings = append(c.findings, validate.New(code, validate.TaskSubject(format.PID(tid)), message, args...))
}

// warnOnce puts a message into the image's warnings, each message once.
func (c *capturer) warnOnce(tid int, message string) {
	if !c.warned[message] {
		c.warned[message] = true
		c.img.Warnings = append(c.img.Warnings, format.Warning{Task: c.inner(tid), Message: message})
	}
}

func (c *capturer) readProvenance(context.Context) error {
	kernel, host, err := sys.Release()
	if err != nil {
		return err
	}
	boot, err := sys.ClockNow(abi.ClockBoottime)
	if err != nil {
		return err
	}
	c.img.Provenance = format.Provenance{
		Tool: c.opts.Tool, ToolVersion: c.opts.ToolVersion, Kernel: kernel, Arch: runtime.GOARCH,
		PageSize: format.PageSize, Host: host, Time: time.Now().UnixNano(), Boottime: boot,
	}
	if c.cpus, err = allCPUs(); err != nil {
		return err
	}
	c.readTraits()
	c.arrange()
	return nil
}

// finish puts the parts of the image together.
func (c *capturer) finish(context.Context) error {
	for _, p := range c.order {
		for _, t := range p.tasks {
			c.img.Tasks = append(c.img.Tasks, t.model)
		}
	}
	for _, m := range c.memories.items {
		c.img.Objects.Memories = append(c.img.Objects.Memories, m.value.model)
	}
	c.finishPipes()
	c.finishFiles()
	c.warnTmpfiles()
	c.img.Objects.Sort()
	return nil
}
