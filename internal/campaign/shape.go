package campaign

import (
	"context"
	"math/rand/v2"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// reshape makes another tree of an image's processes: other parents, groups,
// sessions, numbers and states. What comes out is often right, and then it can be
// restored, which tries the plans more than any damage does.
func reshape(_ *Corpus, r *rand.Rand, m *Image) *Image {
	ctx := context.Background()
	f, err := Registry().Open(ctx, m.Source(), codec.Limits{})
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // in memory
	if len(f.Image.Tasks) == 0 {
		return nil
	}
	s := &shaper{r, f.Image}
	for range 1 + r.IntN(4) {
		shapes[r.IntN(len(shapes))](s)
	}
	b, err := encoded(ctx, f.Image, "thaw", "")
	if err != nil {
		return nil
	}
	return m.withFile(b)
}

// A shaper changes the tree of an image.
type shaper struct {
	*rand.Rand
	img *format.Image
}

// shapes are what a shaper does.
var shapes = []func(*shaper){
	(*shaper).parent, (*shaper).parent, (*shaper).group, (*shaper).group, (*shaper).session, (*shaper).lead,
	(*shaper).die, (*shaper).die, (*shaper).stop, (*shaper).renumber, (*shaper).order, (*shaper).rename, (*shaper).exit,
}

func (s *shaper) any() *format.Task { return &s.img.Tasks[s.IntN(len(s.img.Tasks))] }

// process is the number of a process, mostly not of the root.
func (s *shaper) process() format.PID {
	for range 4 {
		if t := s.any(); t.TGID != s.img.Root {
			return t.TGID
		}
	}
	return s.img.Root
}

// each changes all tasks of a process.
func (s *shaper) each(pid format.PID, change func(*format.Task)) {
	for i := range s.img.Tasks {
		if t := &s.img.Tasks[i]; t.TGID == pid {
			change(t)
		}
	}
}

// parent gives a process another parent.
func (s *shaper) parent() {
	to := s.any().TGID
	s.each(s.process(), func(t *format.Task) { t.PPID = to })
}

// group puts a process into another's group, and its session.
func (s *shaper) group() {
	to := *s.any()
	s.each(s.process(), func(t *format.Task) { t.PGID, t.SID = to.PGID, to.SID })
}

// lead makes a process the leader of a group in its session.
func (s *shaper) lead() {
	pid := s.process()
	s.each(pid, func(t *format.Task) { t.PGID = pid })
}

// session makes a process the leader of a session, and those below it, or none,
// members of it.
func (s *shaper) session() {
	pid := s.process()
	all := s.IntN(2) == 0
	for i := range s.img.Tasks {
		if t := &s.img.Tasks[i]; t.TGID == pid || all && t.PPID == pid {
			t.PGID, t.SID = pid, pid
		}
	}
}

// die makes a process a zombie; its threads are gone.
func (s *shaper) die() {
	pid := s.process()
	if pid == s.img.Root {
		return
	}
	status := []format.WaitStatus{0, 0x100, 0xff00, 9, 11, 0x8b, 15}[s.IntN(7)]
	var left []format.Task
	for _, t := range s.img.Tasks {
		switch {
		case t.TGID != pid:
			left = append(left, t)
		case t.Leader():
			left = append(left, format.Task{
				TID: t.TID, TGID: t.TGID, PPID: t.PPID, PGID: t.PGID, SID: t.SID, State: format.Zombie, Status: status,
				ExitSignal: t.ExitSignal, Comm: t.Comm, Process: t.Process, Namespaces: t.Namespaces,
			})
		}
	}
	if len(left) > 0 {
		s.img.Tasks = left
	}
}

// stop stops a process, or lets it run.
func (s *shaper) stop() {
	s.each(s.process(), func(t *format.Task) {
		switch t.State {
		case format.Running:
			t.State, t.StopSignal = format.Stopped, format.SIGSTOP
		case format.Stopped:
			t.State, t.StopSignal, t.StopUnreported = format.Running, 0, false
		case format.TracedStop, format.Zombie, format.DeadLeader, format.DeadUnknown:
		}
	})
}

// renumber gives a task another number, wherever the tree names it.
func (s *shaper) renumber() {
	was, now := s.any().TID, format.PID(2+s.IntN(ownNumbers))
	change := func(p *format.PID) {
		if *p == was {
			*p = now
		}
	}
	for i := range s.img.Tasks {
		t := &s.img.Tasks[i]
		for _, p := range []*format.PID{&t.TID, &t.TGID, &t.PPID, &t.PGID, &t.SID, &t.Creator} {
			change(p)
		}
	}
	change(&s.img.Root)
}

// order swaps two tasks in the order of restart.
func (s *shaper) order() {
	a, b := s.any(), s.any()
	*a, *b = *b, *a
}

// sigusr1 is as in signal(7).
const sigusr1 format.Signal = 10

func (s *shaper) rename() { s.any().Comm = "renamed" }

// exit gives a process another signal for its parent.
func (s *shaper) exit() {
	s.each(s.process(), func(t *format.Task) {
		if t.Leader() {
			t.ExitSignal = []format.Signal{0, format.SIGCHLD, sigusr1}[s.IntN(3)]
		}
	})
}
