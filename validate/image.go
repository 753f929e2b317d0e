package validate

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/table"
	"github.com/thaw-cr/thaw/validate/policy"
)

// Image is Run with all findings at once, those of family F first. A nil image
// gives none.
func Image(ctx context.Context, img *format.Image, o Options) []Finding {
	found := slices.Collect(Run(ctx, img, o))
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(rank(a.Code), rank(b.Code)) })
	return found
}

// A checker runs rules over one image and collects what they find.
type checker struct {
	ctx  context.Context
	img  *format.Image
	opts Options
	// filter is that of the options.
	filter Filter
	*tables

	found  []Finding
	count  map[string]int
	wanted map[string]bool
	// errors says which families have one, whatever the options leave out.
	errors [256]bool
}

func newChecker(ctx context.Context, img *format.Image, o Options, t *tables) *checker {
	return &checker{
		ctx: ctx, img: img, opts: o, filter: o.filter(), tables: t,
		count: make(map[string]int), wanted: make(map[string]bool),
	}
}

// report adds a finding. Beyond MaxPerCode it only counts.
func (c *checker) report(code string, s Subject, message string, args ...any) {
	n := c.count[code]
	if n == 0 {
		severity := c.severity(code)
		c.wanted[code] = severity != "" && c.filter.wants(code, severity)
		c.errors[code[0]] = c.errors[code[0]] || severity == Error
	}
	c.count[code] = n + 1
	if c.wanted[code] && n < MaxPerCode {
		c.add(code, s, message, args...)
	}
}

// add adds a finding with the severity that it has here.
func (c *checker) add(code string, s Subject, message string, args ...any) {
	f := New(code, s, message, args...)
	f.Severity = c.severity(code)
	c.found = append(c.found, f)
}

// severity is that of a code; empty for one that the policy switches off.
func (c *checker) severity(code string) Severity {
	if code[0] == 'A' {
		return severityUnder(c.policy(), code)
	}
	r, _ := Lookup(code)
	return r.Severity
}

// policy is the one by which containers are judged.
func (c *checker) policy() *policy.Policy {
	if c.opts.Policy != nil {
		return c.opts.Policy
	}
	return policy.Strict()
}

func (c *checker) task(code string, t *format.Task, message string, args ...any) {
	c.report(code, Subject{Task: t.TID}, message, args...)
}

func (c *checker) object(code string, id format.ObjectID, message string, args ...any) {
	c.report(code, Subject{Object: id}, message, args...)
}

// flush orders the findings of a family, adds the summaries and gives them up.
func (c *checker) flush() []Finding {
	for code, n := range c.count {
		if n > MaxPerCode && c.wanted[code] {
			c.add(code, Subject{}, "%d more findings of this code", n-MaxPerCode)
		}
	}
	clear(c.count)
	found := c.found
	c.found = nil
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(rank(a.Code), rank(b.Code)),
			cmp.Compare(c.place(a.Subject), c.place(b.Subject)),
			cmp.Compare(a.Code, b.Code),
		)
	})
	return found
}

// rank numbers families in the order of reports.
func rank(code string) int { return strings.IndexByte("FAHMSRPX", code[0]) }

// place numbers subjects: the image, tasks in their order, objects by id.
func (c *checker) place(s Subject) int {
	switch {
	case s.Task != 0:
		if i, ok := c.order.Find(s.Task); ok {
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
	order *table.Table[format.PID, int]
	// groups are the tasks of each thread group, in their order.
	groups *table.Table[format.PID, []*format.Task]
	// leaders are the tasks whose TID is their TGID, by that number.
	leaders *table.Table[format.PID, *format.Task]
	// lists are the ids of all objects by kind, kinds says in which of them an
	// object is: see kindOf.
	lists []objectList
	kinds *table.Table[format.ObjectID, uint8]
	// firstLiving is a thread group's first living task, handlersUser that of
	// a table of signal handlers.
	firstLiving  *table.Table[format.PID, *format.Task]
	handlersUser *table.Table[format.ObjectID, *format.Task]
	// layouts are the sorted VMAs of address spaces, made when asked for; layoutAt
	// is the place of an address space's there, counted from 1.
	layouts  []layout
	layoutAt *table.Table[format.ObjectID, int32]
}

func newTables(img *format.Image) *tables {
	t := &tables{
		Index:       format.NewIndex(img),
		order:       byTask[int](img),
		groups:      groupsOf(img),
		leaders:     byTask[*format.Task](img),
		lists:       objectLists(&img.Objects),
		firstLiving: byTask[*format.Task](img),
	}
	t.kinds = objectKinds(t.lists)
	t.layoutAt = byObject[int32](t.lists)
	t.handlersUser = byObject[*format.Task](t.lists)
	for i := range img.Tasks {
		task := &img.Tasks[i]
		if !t.order.Has(task.TID) {
			t.order.Set(task.TID, i)
		}
		if task.Leader() && !t.leaders.Has(task.TGID) {
			t.leaders.Set(task.TGID, task)
		}
		if !living(task) {
			continue
		}
		if !t.firstLiving.Has(task.TGID) {
			t.firstLiving.Set(task.TGID, task)
		}
		if !t.handlersUser.Has(task.Handlers) {
			t.handlersUser.Set(task.Handlers, task)
		}
	}
	return t
}

// byTask is a table by the numbers of tasks.
func byTask[V any](img *format.Image) *table.Table[format.PID, V] {
	var last format.PID
	for i := range img.Tasks {
		last = max(last, img.Tasks[i].TID)
	}
	return table.New[format.PID, V](len(img.Tasks), last)
}

// groupsOf are the tasks of each thread group, in their order.
func groupsOf(img *format.Image) *table.Table[format.PID, []*format.Task] {
	sizes := byTask[int](img)
	for i := range img.Tasks {
		id := img.Tasks[i].TGID
		sizes.Set(id, sizes.Get(id)+1)
	}
	groups := byTask[[]*format.Task](img)
	room := make([]*format.Task, len(img.Tasks)) // of all groups
	for i := range img.Tasks {
		task := &img.Tasks[i]
		members, ok := groups.Find(task.TGID)
		if !ok {
			n := sizes.Get(task.TGID)
			members, room = room[:0:n], room[n:]
		}
		groups.Set(task.TGID, append(members, task))
	}
	return groups
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
