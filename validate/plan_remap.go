package validate

import (
	"errors"
	"maps"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore/plan"
)

// firstNew is the first number that a machine gives again once it has given all
// (RESERVED_PIDS in kernel/pid.c).
const firstNew format.PID = 300

// A renumbering replaces all numbers of a tree, each by one of its own: a task's
// number also means its group and session, and names it wherever the state does.
// Numbers of processes outside the tree stay.
type renumbering struct {
	to, from map[format.PID]format.PID
	// references are the places in the state that name a number of the tree.
	references int
}

var errTooMany = errors.New("the tree has more numbers than a machine can give")

// newRenumbering chooses new numbers below limit, in the opposite order of the
// old ones, so that nothing can depend on their order.
func newRenumbering(img *format.Image, limit format.PID) (*renumbering, error) {
	r := &renumbering{to: make(map[format.PID]format.PID, len(img.Tasks)), from: make(map[format.PID]format.PID, len(img.Tasks))}
	for i := range img.Tasks {
		t := &img.Tasks[i]
		for _, n := range [...]format.PID{t.TID, t.PGID, t.SID} {
			if n > 0 {
				r.to[n] = 0
			}
		}
	}
	outside := map[format.PID]bool{}
	eachNumber(&img.Objects, func(n format.PID) {
		if _, ok := r.to[n]; ok {
			r.references++
		} else if n > 0 {
			outside[n] = true
		}
	})
	next := firstNew
	for _, n := range slices.Backward(slices.Sorted(maps.Keys(r.to))) {
		for outside[next] || next == n {
			next++
		}
		if next >= limit {
			return nil, errTooMany
		}
		r.to[n], r.from[next] = next, n
		next++
	}
	return r, nil
}

// hierarchy is the image's hierarchy with the new numbers. Its objects are the
// image's own, with the old ones.
func (r *renumbering) hierarchy(img *format.Image) *format.Image {
	out := *img
	out.Root = r.to[img.Root]
	out.Tasks = slices.Clone(img.Tasks)
	for i := range out.Tasks {
		t := &out.Tasks[i]
		for _, n := range [...]*format.PID{&t.TID, &t.TGID, &t.PPID, &t.PGID, &t.SID} {
			*n = r.to[*n] // zero, the outside, for a parent outside
		}
	}
	return &out
}

// proveRemap makes a plan with the image's own numbers first, whose reasons are
// the better to understand, then one with new ones.
func (p *prover) proveRemap(r *proof) {
	if _, err := p.inPlace(); err != nil {
		r.against = FromPlanError(err)
		return
	}
	numbers, err := newRenumbering(p.img, pidLimit)
	if err != nil {
		r.against = []Finding{New("P001", Subject{}, "%v", err)}
		return
	}
	img := numbers.hierarchy(p.img)
	built, err := plan.New(img, inPlaceOptions)
	if err != nil {
		r.against = numbers.inOldNumbers(FromPlanError(err))
		return
	}
	r.against = numbers.inOldNumbers(p.carryOut(built, img, inPlaceOptions, r))
	r.Renumbered, r.References = len(numbers.to), numbers.references
}

// inOldNumbers makes findings about the tree with new numbers findings about the
// image.
func (r *renumbering) inOldNumbers(found []Finding) []Finding {
	for i := range found {
		found[i].Subject.Task = r.from[found[i].Subject.Task]
	}
	return found
}

// reportRemap reports what no plan can tell of a tree with other numbers.
func (c *checker) reportRemap(prefix string) {
	c.report("P005", Subject{}, "%sprograms that remember their numbers, in memory or in files, will name others", prefix)
	if c.Task(1) != nil {
		c.report("P005", Subject{Task: 1}, "%sit is the init of a pid namespace, which adopts all orphans and which no signal ends "+
			"that it has no handler for; as one process among others it is neither", prefix)
	}
}

// eachNumber calls f for each number of a task, group or session that the state
// of objects names; those of the tasks themselves are not among them.
func eachNumber(o *format.Objects, f func(format.PID)) {
	for i := range o.Files {
		fileNumbers(&o.Files[i], f)
	}
	for i := range o.Terminals {
		f(o.Terminals[i].Session)
		f(o.Terminals[i].Group)
	}
	for i := range o.Semaphores {
		for _, u := range o.Semaphores[i].Undo {
			f(u.Process)
		}
	}
	for i := range o.Processes {
		for _, t := range o.Processes[i].Timers {
			f(t.Target)
		}
	}
}

func fileNumbers(file *format.OpenFile, f func(format.PID)) {
	if file.Owner != nil {
		f(file.Owner.PID)
	}
	for i := range file.Locks {
		f(file.Locks[i].Owner)
	}
	if file.Pidfd != nil {
		f(file.Pidfd.PID)
	}
	if u := file.Unix; u != nil {
		if u.PeerCreds != nil {
			f(u.PeerCreds.PID)
		}
		for i := range u.Queue {
			if c := u.Queue[i].Creds; c != nil {
				f(c.PID)
			}
		}
	}
}
