package restore

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
)

// findOwnerCalls says by which calls files learn whom to send signals. They are
// made last: whoever is told must be there, the kernel remembers the user who
// makes the call, and nothing that the engine does to a file may be told.
func (e *engine) findOwnerCalls(tasks []*target) {
	for d, list := range e.holders(tasks, (*format.OpenFile).Signals) {
		at := slices.IndexFunc(list, func(h holder) bool { return e.mayOwn(h.x.t, d.Owner) })
		if at < 0 {
			continue // in flight only: refused before
		}
		e.addOwnerCalls(d, list[at])
	}
}

// mayOwn says whether a task is of the users that a file remembers as those who
// named its owner.
func (e *engine) mayOwn(t *format.Task, o *format.FileOwner) bool {
	c := e.b.ix.Creds(t.Creds)
	return o == nil || o.PID == 0 || c != nil && c.UID == o.UID && c.EUID == o.EUID
}

func (e *engine) addOwnerCalls(d *format.OpenFile, by holder) {
	add := func(step string, cmd int, arg uint64) {
		e.owners = append(e.owners, taskCall{
			step: step + " of descriptor " + itoa(int(by.fd)), by: by.x,
			nr: abi.SysFcntl, args: []uint64{uint64(by.fd), uint64(cmd), arg},
		})
	}
	if o := d.Owner; o != nil && o.Signal != 0 {
		add("signal", abi.FSetsig, uint64(o.Signal))
	}
	if o := d.Owner; o != nil && o.PID != 0 {
		// struct f_owner_ex: type and number.
		add("owner", abi.FSetown, e.b.t.Words(uint64(uint32(o.Type))|uint64(uint32(o.PID))<<32))
	}
	if d.Flags&format.OAsync != 0 {
		add("O_ASYNC", abi.FSetfl, uint64(d.Flags&^format.OAccMode))
	}
}

// setOwners makes those of the finisher's tasks.
func (f *finisher) setOwners() error {
	for i := range f.e.owners {
		if err := f.callOne(&f.e.owners[i]); err != nil {
			return err
		}
	}
	return nil
}
