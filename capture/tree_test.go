package capture

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

// numbers gives what a program said: two numbers by a name.
func (p *program) numbers() map[string][2]format.PID {
	p.Helper()
	m := make(map[string][2]format.PID)
	for _, words := range p.said {
		if len(words) != 3 {
			continue
		}
		a, err1 := strconv.Atoi(words[1])
		b, err2 := strconv.Atoi(words[2])
		if err1 != nil || err2 != nil {
			p.Fatalf("the program said %q", words)
		}
		m[words[0]] = [2]format.PID{format.PID(a), format.PID(b)}
	}
	return m
}

// ids is what a test compares of a task.
type ids struct {
	Comm                      string
	TGID, PPID, PGID, SID     format.PID
	State                     format.State
	Stop                      format.Signal
	Unreported                bool
	Status                    format.WaitStatus
	Exit                      format.Signal
	Subreaper, Memory, Orphan bool
}

// idsOf gives what is said of the processes of an image. Its threads, of which
// two are wanted, are those of leader.
func idsOf(t *testing.T, img *format.Image, leader format.PID) map[format.PID]ids {
	t.Helper()
	ix := format.NewIndex(img)
	got := make(map[format.PID]ids)
	threads := 0
	for i := range img.Tasks {
		k := &img.Tasks[i]
		if k.Comm == "thread" {
			threads++
			if k.TGID != leader || k.Memory == 0 || k.Process != ix.Task(k.TGID).Process {
				t.Errorf("thread %+v", k)
			}
			continue
		}
		g := ids{
			Comm: k.Comm, TGID: k.TGID, PPID: k.PPID, PGID: k.PGID, SID: k.SID, State: k.State,
			Stop: k.StopSignal, Unreported: k.StopUnreported, Status: k.Status, Exit: k.ExitSignal, Memory: k.Memory != 0,
		}
		if pr := ix.Process(k.Process); pr != nil {
			g.Subreaper = pr.Subreaper
		}
		if k.Comm == "orphan" {
			g.PPID, g.Orphan = 0, ix.Task(k.PPID) == nil
		}
		got[k.TID] = g
	}
	if threads != 2 {
		t.Errorf("%d threads, want 2", threads)
	}
	return got
}

func TestTree(t *testing.T) {
	p := start(t, "tree")
	said := p.numbers()
	root := format.PID(p.pid)
	pid := func(name string) format.PID { return said[name][0] }
	s := p.freeze()
	img := s.Image()
	if img.Root != root || img.Tasks[0].TID != root {
		t.Errorf("root %d, first task %d, want %d", img.Root, img.Tasks[0].TID, root)
	}
	ix := format.NewIndex(img)
	got := idsOf(t, img, pid("leader"))
	rootTask := ix.Task(root)
	alive := func(comm string) ids {
		id := pid(comm)
		return ids{
			Comm: comm, TGID: id, PPID: root, PGID: root, SID: root, State: format.Running,
			Exit: format.SIGCHLD, Memory: true,
		}
	}
	dead := func(comm string, status format.WaitStatus) ids {
		w := alive(comm)
		w.State, w.Status, w.Memory = format.Zombie, status, false
		return w
	}
	with := func(w ids, f func(*ids)) ids { f(&w); return w }
	want := map[format.PID]ids{
		root:           with(alive("tree"), func(w *ids) { w.TGID, w.PPID = root, rootTask.PPID }),
		pid("session"): with(alive("session"), func(w *ids) { w.SID, w.PGID = w.TGID, w.TGID }),
		pid("orphan"): with(alive("orphan"), func(w *ids) {
			w.SID, w.PGID, w.PPID, w.Orphan = pid("session"), pid("session"), 0, true
		}),
		pid("group"):   with(alive("group"), func(w *ids) { w.PGID = w.TGID }),
		pid("member"):  with(alive("member"), func(w *ids) { w.PGID = pid("ghost") }),
		pid("reaper"):  with(alive("reaper"), func(w *ids) { w.Subreaper = true }),
		pid("adopted"): with(alive("adopted"), func(w *ids) { w.PPID = pid("reaper") }),
		pid("zombie3"): with(dead("reaper", 3<<8), func(w *ids) { w.TGID, w.PPID = pid("zombie3"), pid("reaper") }),
		pid("stopped"): with(alive("stopped"), func(w *ids) { w.State, w.Stop, w.Unreported = format.Stopped, format.SIGSTOP, true }),
		pid("waited"):  with(alive("waited"), func(w *ids) { w.State, w.Stop = format.Stopped, format.SIGSTOP }),
		pid("leader"):  with(dead("leader", 9<<8), func(w *ids) { w.State, w.Memory = format.DeadLeader, true }),
		pid("z255"):    dead("z255", 255<<8),
		pid("zkill"):   dead("zkill", 9),
		pid("zcore"):   dead("zcore", 6),
		pid("zusr1"): with(dead("tree", 1<<8), func(w *ids) {
			w.TGID, w.Exit = pid("zusr1"), 10
		}),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	release(t, s)
	if state := kernelState(t, int(pid("stopped"))); state != 'T' {
		t.Errorf("the stopped child is in state %c after the release", state)
	}
	s = p.freeze()
	release(t, s)
	p.finish()
}

func TestKillTree(t *testing.T) {
	p := start(t, "tree")
	s := p.freeze()
	var pids []int
	for i := range s.Image().Tasks {
		pids = append(pids, int(s.Image().Tasks[i].TID))
	}
	for range 2 {
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	for _, pid := range pids {
		if state := kernelState(t, pid); state != 0 {
			t.Errorf("task %d is still there in state %c", pid, state)
		}
	}
}
