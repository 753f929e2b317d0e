package validate

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/thaw-cr/thaw/format"
)

// MaxPerCode is how many findings of one code Image gives in full. Those beyond
// it become one finding that tells their number.
const MaxPerCode = 100

// Options choose what Image looks for. The zero value asks for families A, H, M, S
// and R in full.
type Options struct {
	// Only and Ignore are codes or beginnings of codes ("H", "S0", "M042"). An
	// empty Only means all.
	Only, Ignore []string
	// MinSeverity leaves out what is less severe; empty means none.
	MinSeverity Severity
	// Plan asks for family P too, if the hierarchy has no error: a restore plan
	// is made and carried out by the simulated kernel.
	Plan bool

	// simulate stands in for plan.Simulate in tests.
	simulate simulator
}

func (o *Options) wants(code string, s Severity) bool {
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(code, p) })
	}
	return s.AtLeast(o.MinSeverity) && (len(o.Only) == 0 || has(o.Only)) && !has(o.Ignore)
}

// Image checks img against all rules of the model and gives what it finds,
// ordered by family, then by place in the image (the image itself, tasks in
// their order, objects by id), then by code. It ends early, with what it has,
// when ctx is done. A nil image gives no findings.
func Image(ctx context.Context, img *format.Image, o Options) []Finding {
	if img == nil {
		return nil
	}
	c := newChecker(ctx, img, o)
	if ctx.Err() == nil {
		checkHierarchy(c)
	}
	if !o.Plan || c.errors['H'] {
		checkObjects(c)
		return c.result()
	}
	// The plan needs nothing of what the other families find out.
	var group sync.WaitGroup
	p := &checker{
		ctx: ctx, img: img, opts: o, tables: c.tables,
		count: make(map[string]int), wanted: make(map[string]bool),
	}
	group.Go(func() { checkPlan(p) })
	checkObjects(c)
	group.Wait()
	c.found = append(c.found, p.found...)
	maps.Copy(c.count, p.count)
	maps.Copy(c.wanted, p.wanted)
	return c.result()
}

// checkObjects checks what the hierarchy's tasks hold and were held in.
func checkObjects(c *checker) {
	for _, family := range []func(*checker){checkContainers, checkMemory, checkState, checkResources} {
		if c.ctx.Err() == nil {
			family(c)
		}
	}
}

// A checker runs rules over one image and collects what they find.
type checker struct {
	ctx  context.Context
	img  *format.Image
	opts Options
	*tables

	found  []Finding
	count  map[string]int
	wanted map[string]bool
	// errors says which families have one, whatever the options leave out.
	errors [256]bool
}

func newChecker(ctx context.Context, img *format.Image, o Options) *checker {
	return &checker{
		ctx: ctx, img: img, opts: o, tables: newTables(img),
		count: make(map[string]int), wanted: make(map[string]bool),
	}
}

// report adds a finding. Beyond MaxPerCode it only counts.
func (c *checker) report(code string, s Subject, message string, args ...any) {
	n := c.count[code]
	if n == 0 {
		r, _ := Lookup(code)
		c.wanted[code] = c.opts.wants(code, r.Severity)
		c.errors[code[0]] = c.errors[code[0]] || r.Severity == Error
	}
	c.count[code] = n + 1
	if c.wanted[code] && n < MaxPerCode {
		c.found = append(c.found, New(code, s, message, args...))
	}
}

func (c *checker) task(code string, t *format.Task, message string, args ...any) {
	c.report(code, Subject{Task: t.TID}, message, args...)
}

func (c *checker) object(code string, id format.ObjectID, message string, args ...any) {
	c.report(code, Subject{Object: id}, message, args...)
}

// result orders the findings and adds the summaries.
func (c *checker) result() []Finding {
	for code, n := range c.count {
		if n > MaxPerCode && c.wanted[code] {
			c.found = append(c.found, New(code, Subject{}, "%d more findings of this code", n-MaxPerCode))
		}
	}
	rank := map[byte]int{'F': 0, 'A': 0, 'H': 1, 'M': 2, 'S': 3, 'R': 4, 'P': 5, 'X': 6}
	slices.SortStableFunc(c.found, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(rank[a.Code[0]], rank[b.Code[0]]),
			cmp.Compare(c.place(a.Subject), c.place(b.Subject)),
			cmp.Compare(a.Code, b.Code),
		)
	})
	return c.found
}

// place numbers subjects: the image, tasks in their order, objects by id.
func (c *checker) place(s Subject) int {
	switch {
	case s.Task != 0:
		if i, ok := c.order[s.Task]; ok {
			return 1 + i
		}
		return 1 + len(c.img.Tasks)
	case s.Object != 0:
		return 2 + len(c.img.Tasks) + int(s.Object)
	}
	return 0
}

// tables are what the rules look things up in; each is built in one pass.
type tables struct {
	*format.Index
	// order is a task's place in the image.
	order map[format.PID]int
	// groups are the tasks of each thread group, in their order.
	groups map[format.PID][]*format.Task
	// leaders are the tasks whose TID is their TGID, by that number.
	leaders map[format.PID]*format.Task
	// kinds says of what kind the object with an id is.
	kinds map[format.ObjectID]objectKind
	// firstLiving is a thread group's first living task, handlersUser that of
	// a table of signal handlers.
	firstLiving  map[format.PID]*format.Task
	handlersUser map[format.ObjectID]*format.Task
	// layouts are the sorted VMAs of address spaces, made when asked for.
	layouts map[*format.AddressSpace]layout
}

func newTables(img *format.Image) *tables {
	t := &tables{
		Index:        format.NewIndex(img),
		order:        make(map[format.PID]int, len(img.Tasks)),
		groups:       make(map[format.PID][]*format.Task),
		leaders:      make(map[format.PID]*format.Task),
		kinds:        objectKinds(&img.Objects),
		firstLiving:  make(map[format.PID]*format.Task),
		handlersUser: make(map[format.ObjectID]*format.Task),
		layouts:      make(map[*format.AddressSpace]layout),
	}
	for i := range img.Tasks {
		task := &img.Tasks[i]
		if _, ok := t.order[task.TID]; !ok {
			t.order[task.TID] = i
		}
		t.groups[task.TGID] = append(t.groups[task.TGID], task)
		if _, ok := t.leaders[task.TGID]; !ok && task.Leader() {
			t.leaders[task.TGID] = task
		}
		if !living(task) {
			continue
		}
		if _, ok := t.firstLiving[task.TGID]; !ok {
			t.firstLiving[task.TGID] = task
		}
		if _, ok := t.handlersUser[task.Handlers]; !ok {
			t.handlersUser[task.Handlers] = task
		}
	}
	return t
}

// living says whether a task can own memory, files and the like.
func living(t *format.Task) bool { return !t.State.Dead() }

// eachTask calls each of the checks for each task, until the context is done.
func (c *checker) eachTask(checks ...func(*checker, *format.Task)) {
	for i := range c.img.Tasks {
		if i%1024 == 0 && c.ctx.Err() != nil {
			return
		}
		for _, check := range checks {
			check(c, &c.img.Tasks[i])
		}
	}
}
