package dump

import (
	"fmt"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// Tasks prints a table of all tasks in the order of restart.
func (p *Printer) Tasks() error {
	table := NewTable(">TID", ">TGID", ">PPID", ">PGID", ">SID", "NAME", "STATE", ">UID", ">MEMORY", ">FILES")
	for i := range p.img.Tasks {
		t := &p.img.Tasks[i]
		uid := ""
		if c := p.idx.Creds(t.Creds); c != nil {
			uid = fmt.Sprint(c.UID)
		}
		table.Add(fmt.Sprint(t.TID), fmt.Sprint(t.TGID), fmt.Sprint(t.PPID), fmt.Sprint(t.PGID), fmt.Sprint(t.SID),
			Clean(t.Comm), stateWords(t), uid, object(t.Memory), object(t.Files))
	}
	if err := table.Write(p.out, p.opts); err != nil {
		return err
	}
	return p.out.Flush()
}

// object names a shared object; "-" for none.
func object(id format.ObjectID) string {
	if id == 0 {
		return "-"
	}
	return fmt.Sprint(id)
}

// shownUsers is how many tasks are named before the rest is only counted.
const shownUsers = 6

// users says for each object which tasks have it: "tasks 1000, 1001 and 5 more".
type users struct {
	named map[format.ObjectID][]string
	count map[format.ObjectID]int
}

// usersOf goes over all tasks once; of is the object that a task has.
func (p *Printer) usersOf(of func(*format.Task) format.ObjectID) users {
	u := users{map[format.ObjectID][]string{}, map[format.ObjectID]int{}}
	for i := range p.img.Tasks {
		t := &p.img.Tasks[i]
		id := of(t)
		if u.count[id]++; u.count[id] <= shownUsers {
			u.named[id] = append(u.named[id], fmt.Sprint(t.TID))
		}
	}
	return u
}

func (u users) String(id format.ObjectID) string {
	list := strings.Join(u.named[id], ", ")
	switch n := u.count[id]; {
	case n == 0:
		return "no task"
	case n == 1:
		return "task " + list
	case n > shownUsers:
		return fmt.Sprintf("tasks %s and %d more", list, n-shownUsers)
	}
	return "tasks " + list
}
