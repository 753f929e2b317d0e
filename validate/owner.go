package validate

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
)

// userPair are the users that a file remembers as those who named its owner.
type userPair struct{ uid, euid uint32 }

// signalSetters tells who can make a file send signals again.
type signalSetters struct {
	// users are those of the living tasks of each file table that has a file.
	users map[format.ObjectID][]map[userPair]bool
	// groups are the numbers of all process groups of living or dead tasks.
	groups map[format.PID]bool
}

// unsupportedOwners names files that send signals to somebody who will not be
// there, or in the name of users of whom no task has the file.
func unsupportedOwners(c *checker) {
	var s *signalSetters
	for i := range c.img.Objects.Files {
		f := &c.img.Objects.Files[i]
		if !f.Signals() {
			continue
		}
		if s == nil {
			s = newSignalSetters(c)
		}
		if why := s.hinders(c, f); why != "" {
			var o format.FileOwner
			if f.Owner != nil {
				o = *f.Owner
			}
			c.object(CodeFileOwner, f.ID, "owner %d, signal %d: %s", o.PID, o.Signal, why)
		}
	}
}

func newSignalSetters(c *checker) *signalSetters {
	s := &signalSetters{users: map[format.ObjectID][]map[userPair]bool{}, groups: map[format.PID]bool{}}
	tables := map[format.ObjectID]map[userPair]bool{}
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		s.groups[t.PGID] = true
		k := c.Creds(t.Creds)
		if !living(t) || k == nil {
			continue
		}
		if tables[t.Files] == nil {
			tables[t.Files] = map[userPair]bool{}
		}
		tables[t.Files][userPair{k.UID, k.EUID}] = true
	}
	for i := range c.img.Objects.FileTables {
		t := &c.img.Objects.FileTables[i]
		for _, e := range t.Entries {
			if f := c.File(e.File); f != nil && f.Signals() && tables[t.ID] != nil {
				s.users[f.ID] = append(s.users[f.ID], tables[t.ID])
			}
		}
	}
	return s
}

// hinders says why a file cannot be made to send signals as it did.
func (s *signalSetters) hinders(c *checker, f *format.OpenFile) string {
	o, users := f.Owner, s.users[f.ID]
	switch {
	case f.TTY != nil:
		return "the terminal is shared with others"
	case len(users) == 0:
		return "no living task has a descriptor of it"
	case o == nil || o.PID == 0:
		return ""
	case !s.present(c, o):
		return "the owner is not in the image"
	}
	for _, u := range users {
		if u[userPair{o.UID, o.EUID}] {
			return ""
		}
	}
	return fmt.Sprintf("no task of user %d, effective user %d, has it", o.UID, o.EUID)
}

// present says whether the owner will be there.
func (s *signalSetters) present(c *checker, o *format.FileOwner) bool {
	switch o.Type {
	case ownerTask:
		return c.Task(o.PID) != nil
	case ownerProcess:
		return c.leaders.Get(o.PID) != nil
	case ownerGroup:
		return s.groups[o.PID]
	}
	return false
}

// Types of owners (F_SETOWN_EX, fcntl(2)).
const (
	ownerTask    = 0
	ownerProcess = 1
	ownerGroup   = 2
)
