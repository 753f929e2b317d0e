package host

import (
	"context"
	"fmt"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore/plan"
	"github.com/thaw-cr/thaw/validate"
)

// Options say how the image would be restored. The zero value is a restore into
// the caller's pid namespace.
type Options struct {
	// PIDNamespace, ShellJob and MapMemory are those of a restore. An image whose
	// root is pid 1 always gets a pid namespace.
	PIDNamespace, ShellJob, MapMemory bool
	// Brief leaves out what would not make a restore fail, or not surely.
	Brief bool
	// Plan is the restore's, if there is one already.
	Plan *plan.Plan
}

// Result is what a check gives.
type Result struct {
	Findings []validate.Finding
	// VDSO says where each address space that has a vdso gets the machine's.
	VDSO map[format.ObjectID]VDSOPlace
}

// A Checker asks machines whether they can hold one image. What it finds out
// about the image serves all of them. It is for one goroutine at a time.
type Checker struct {
	img *format.Image
	// pages is how much memory the image holds, in bytes, once it was counted.
	pages   uint64
	counted bool
	// searched are the results of looking for addresses of the vdso.
	searched map[format.ObjectID]*vdsoSearch
}

// NewChecker makes a checker of an image, which must not change.
func NewChecker(img *format.Image) *Checker {
	return &Checker{img: img, searched: map[format.ObjectID]*vdsoSearch{}}
}

// rootNamespace is the namespace of a kind that the tree has for itself, nil if
// it has the host's.
func rootNamespace(img *format.Image, kind format.NamespaceKind) *format.Namespace {
	at := slices.IndexFunc(img.Tasks, func(t format.Task) bool { return t.TID == img.Root })
	if at < 0 {
		return nil
	}
	for i := range img.Objects.Namespaces {
		n := &img.Objects.Namespaces[i]
		if n.Kind == kind && !n.Host && slices.Contains(img.Tasks[at].Namespaces, n.ID) {
			return n
		}
	}
	return nil
}

// A check is one machine's.
type check struct {
	*Checker
	ctx  context.Context
	m    *Machine
	opts Options
	// rights are those that a restore would have, in a user namespace of its own
	// if it makes one; nil if they are not known.
	rights *Rights
	userNS bool
	limits map[uint32]format.Limit

	found []validate.Finding
	count map[string]int
	// unknown are the things that are not known, each once, in their order.
	unknown []string
	places  map[format.ObjectID]VDSOPlace
	// asked are the mapped files that were asked for.
	asked map[mappedFile]bool
}

// Check says why a machine cannot hold the image: all faults at once. An error
// is one of reading the image, or the context's.
func (c *Checker) Check(ctx context.Context, m *Machine, o Options) (Result, error) {
	o.PIDNamespace = o.PIDNamespace || c.img.Root == 1
	k := &check{Checker: c, ctx: ctx, m: m, opts: o, count: map[string]int{}, places: map[format.ObjectID]VDSOPlace{}, asked: map[mappedFile]bool{}}
	err := k.run()
	for code, n := range k.count {
		if n > validate.MaxPerCode {
			k.found = append(k.found, validate.New(code, validate.Subject{}, "%d more findings of this code", n-validate.MaxPerCode))
		}
	}
	if len(k.unknown) > 0 && !o.Brief {
		for _, what := range k.unknown {
			k.found = append(k.found, validate.New(validate.CodeHostUnknown, validate.Subject{}, "%s", what))
		}
	}
	return Result{Findings: k.found, VDSO: k.places}, err
}

func (c *check) run() error {
	if !c.sameArch() {
		return nil
	}
	c.readRights()
	for _, rule := range []func(){
		c.permission, c.numbers, c.registers, c.limitsAbove, c.openFiles, c.fileLocks, c.pipes, c.sockets, c.epolls, c.sysv, c.zombies,
		c.capabilities, c.logins, c.traits, c.kernel, c.capacity, c.tracing,
	} {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		rule()
	}
	if err := c.memoryNeeds(); err != nil {
		return err
	}
	if err := c.memories(); err != nil {
		return err
	}
	if !c.opts.Brief {
		c.surroundings()
	}
	return c.ctx.Err()
}

// add adds a finding; beyond validate.MaxPerCode it only counts.
func (c *check) add(code string, s validate.Subject, message string, args ...any) {
	if c.count[code]++; c.count[code] <= validate.MaxPerCode {
		c.found = append(c.found, validate.New(code, s, message, args...))
	}
}

// wonder notes what is not known, once.
func (c *check) wonder(form string, args ...any) {
	what := form
	if len(args) > 0 {
		what = fmt.Sprintf(form, args...)
	}
	if !slices.Contains(c.unknown, what) {
		c.unknown = append(c.unknown, what)
	}
}

// sameArch says whether the machine is of the image's architecture. One of 386
// would run on amd64; that the engine cannot is said elsewhere.
func (c *check) sameArch() bool {
	arch, here := c.img.Provenance.Arch, c.m.facts.Arch
	if arch == here {
		return true
	}
	if arch != "386" || here != "amd64" {
		c.add(validate.CodeHostArch, validate.Subject{}, "image of %.20q on %.20q", arch, here)
	}
	return false
}

// readRights finds out what a restore may do.
func (c *check) readRights() {
	c.rights = c.m.need(SectionRights).Rights
	if c.rights == nil {
		c.wonder("the rights and limits of the program that would restore")
		return
	}
	c.limits = make(map[uint32]format.Limit, len(c.rights.Limits))
	for _, l := range c.rights.Limits {
		c.limits[l.Resource] = l
	}
	if c.opts.PIDNamespace && !c.rights.ChoosesPIDs() {
		c.rights, c.userNS = c.rights.InUserNamespace(), true
	}
}

// permission asks whether pids can be chosen.
func (c *check) permission() {
	if c.rights != nil && !c.rights.ChoosesPIDs() {
		c.add(validate.CodePermission, validate.Subject{},
			"choosing task numbers needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN")
	}
}

// numbers asks whether the image's numbers are there and free.
func (c *check) numbers() {
	most, ok := c.m.number("kernel.pid_max")
	if !ok {
		c.wonder("the highest task number (kernel.pid_max)")
	}
	seen := map[format.PID]bool{}
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		seen[t.TID] = true
		if ok && uint64(t.TID) >= most {
			c.add(validate.CodePIDMax, validate.TaskSubject(t.TID), "pid_max is %d", most)
		}
	}
	if c.opts.PIDNamespace {
		return
	}
	if !c.m.numbersKnown() {
		c.wonder("whether the numbers of the image's tasks are free; with --pidns they are")
		return
	}
	for i := range c.img.Tasks {
		if by, taken := c.m.taken(c.img.Tasks[i].TID); taken {
			tid := c.img.Tasks[i].TID
			c.add(validate.CodePIDTaken, validate.TaskSubject(tid), "number %d is in use: %.32s", tid, quiet(by))
		}
	}
	c.ghosts(seen)
	c.sessions(seen)
}

// ghosts asks for the numbers of sessions and groups whose leaders the image
// does not hold.
func (c *check) ghosts(seen map[format.PID]bool) {
	p := c.opts.Plan
	if p == nil {
		var err error
		if p, err = plan.New(c.img, c.planOptions()); err != nil {
			return // that there is no plan is a finding of the image's own
		}
	}
	for _, pr := range p.Procs {
		if pr.Role != plan.RoleGhost || seen[pr.PID] {
			continue
		}
		if by, taken := c.m.taken(pr.PID); taken {
			c.add(validate.CodeSessionTaken, validate.Subject{}, "number %d, needed for the %s, is in use: %.32s", pr.PID, pr.Why, quiet(by))
		}
	}
}

func (c *check) planOptions() plan.Options {
	o := plan.Options{ShellJob: c.opts.ShellJob, Taken: func(p format.PID) bool {
		_, taken := c.m.taken(p)
		return taken
	}}
	if most, ok := c.m.number("kernel.pid_max"); ok {
		o.MaxPID = format.PID(min(most, 1<<22))
	}
	return o
}

// sessions asks whether sessions or groups of a needed number live on without
// their leaders.
func (c *check) sessions(seen map[format.PID]bool) {
	for i := range c.img.Tasks {
		pid := c.img.Tasks[i].TID
		by, ok := c.m.livingGroups()[pid]
		if !ok || !seen[pid] {
			continue
		}
		if _, taken := c.m.taken(pid); !taken {
			c.add(validate.CodeSessionTaken, validate.TaskSubject(pid),
				"number %d is that of a session or group in which process %d lives", pid, by)
		}
	}
}

// quiet makes a name from a file of facts fit for a message.
func quiet(s string) string {
	if s == "" {
		return "unknown"
	}
	q := fmt.Sprintf("%q", s)
	return q[1 : len(q)-1]
}
