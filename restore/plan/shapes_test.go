package plan

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/thaw-cr/thaw/internal/golden"

	"github.com/thaw-cr/thaw/format"
)

var update = flag.Bool("update", false, "write the golden files anew")

// task makes a running process with files and all of its own.
func task(pid, ppid, pgid, sid format.PID, opts ...func(*format.Task)) format.Task {
	id := format.ObjectID(pid) * 10
	t := format.Task{
		TID: pid, TGID: pid, PPID: ppid, PGID: pgid, SID: sid, State: format.Running,
		ExitSignal: format.SIGCHLD, Process: id, Memory: id + 1, Files: id + 2, FS: id + 3, Handlers: id + 4,
	}
	for _, o := range opts {
		o(&t)
	}
	return t
}

func zombie(t *format.Task) {
	*t = format.Task{
		TID: t.TID, TGID: t.TGID, PPID: t.PPID, PGID: t.PGID, SID: t.SID, ExitSignal: t.ExitSignal,
		Process: t.Process, State: format.Zombie, Status: format.ExitStatus(3),
	}
}

func deadLeader(t *format.Task) {
	zombie(t)
	t.State, t.Status = format.DeadLeader, 0
}

func stopped(sig format.Signal, unreported bool) func(*format.Task) {
	return func(t *format.Task) {
		t.State, t.StopSignal, t.StopUnreported = format.Stopped, sig, unreported
	}
}

func exitSignal(sig format.Signal) func(*format.Task) {
	return func(t *format.Task) { t.ExitSignal = sig }
}

// sharedFiles makes the task share its file table with others that say so.
func sharedFiles(t *format.Task) { t.Files = 7 }

// thread makes a thread of leader.
func thread(tid format.PID, leader format.Task) format.Task {
	t := task(leader.TID, leader.PPID, leader.PGID, leader.SID)
	t.TID, t.ExitSignal = tid, 0
	return t
}

// shape is a hierarchy by name.
type shape struct {
	name  string
	opts  Options
	tasks []format.Task
}

func (s shape) image() *format.Image {
	return &format.Image{Root: s.tasks[0].TID, Tasks: s.tasks}
}

var (
	inNamespace = Options{PIDNamespace: true}
	shellJob    = Options{ShellJob: true, Group: 99}
)

func shapes() []shape {
	return []shape{
		{"single", Options{}, []format.Task{task(100, 1, 100, 100)}},
		{"single-ns", inNamespace, []format.Task{task(100, 0, 100, 100)}},
		{"pid-1", inNamespace, []format.Task{task(1, 0, 1, 1), task(7, 1, 7, 1), task(8, 1, 1, 1)}},
		{"pid-1-session-outside", inNamespace, []format.Task{task(1, 0, 0, 0), task(7, 1, 0, 0), task(8, 1, 8, 8)}},
		{"outside-ids", Options{}, []format.Task{task(100, 50, 90, 80), task(101, 100, 90, 80)}},
		{"shell-job", shellJob, []format.Task{task(100, 50, 90, 80), task(101, 100, 101, 80)}},
		{"job-control", Options{}, []format.Task{
			task(100, 1, 100, 100),
			task(101, 100, 101, 100), task(102, 100, 101, 100), task(103, 100, 101, 100),
			task(104, 100, 104, 100, stopped(format.SIGTSTP, false)), task(105, 100, 104, 100, stopped(format.SIGTSTP, true)),
			task(106, 100, 106, 100, zombie),
		}},
		{"daemon-double-fork", Options{}, []format.Task{
			task(100, 1, 100, 100), task(202, 1, 201, 201), task(203, 202, 201, 201),
		}},
		{"orphan-of-session", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 1, 100, 100), task(102, 100, 100, 100),
		}},
		{"dead-session-leader", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 150, 150), task(102, 100, 151, 150), task(103, 101, 150, 150),
		}},
		{"dead-group-leader", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 140, 100), task(102, 100, 140, 100), task(103, 102, 140, 100),
		}},
		{"moved-leader", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 100, 100), task(102, 100, 101, 100),
		}},
		{"crossed-groups", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 102, 100), task(102, 100, 101, 100),
		}},
		{"back-to-the-shell", shellJob, []format.Task{task(100, 50, 90, 80), task(101, 100, 100, 80)}},
		{"fork-before-setsid", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 101, 101), task(102, 101, 100, 100), task(103, 101, 101, 101),
		}},
		{"nested-subreapers", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 101, 101), task(102, 101, 102, 102), task(103, 102, 103, 103),
			task(104, 100, 103, 103), task(105, 101, 103, 103), task(106, 102, 103, 103), task(107, 101, 160, 160),
		}},
		{"leader-gone-up", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 101, 101), task(102, 100, 102, 102), task(103, 101, 102, 102),
		}},
		{"zombie-leaders", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 101, 101, zombie), task(102, 100, 101, 101),
			task(103, 100, 103, 100, zombie), task(104, 100, 103, 100),
		}},
		{"dead-leader-with-threads", Options{}, []format.Task{
			task(100, 1, 100, 100, deadLeader), thread(101, task(100, 1, 100, 100)), thread(102, task(100, 1, 100, 100)),
			task(103, 100, 100, 100, zombie), task(104, 100, 104, 100, stopped(format.SIGSTOP, false)),
		}},
		{"files-with-child", Options{}, []format.Task{
			task(100, 1, 100, 100, sharedFiles), task(101, 100, 100, 100, sharedFiles),
		}},
		{"files-among-brothers", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 100, 100, sharedFiles), task(102, 100, 100, 100, sharedFiles),
		}},
		{"exit-signals", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 100, 100, exitSignal(0)), task(102, 100, 102, 102, exitSignal(10)),
			task(103, 100, 102, 102, exitSignal(10)), task(104, 100, 170, 170, exitSignal(34)),
		}},
		{"twelve-processes", Options{}, []format.Task{
			task(100, 1, 100, 100), task(101, 100, 101, 100), task(102, 101, 101, 100), task(103, 100, 103, 103),
			task(104, 103, 103, 103), task(105, 103, 105, 103, stopped(format.SIGSTOP, true)), task(106, 105, 106, 106),
			task(107, 106, 106, 106), task(108, 1, 103, 103), task(109, 1, 109, 109), task(110, 109, 110, 109, zombie),
			task(111, 109, 109, 109),
		}},
	}
}

// TestShapes prints the plan of each shape and runs it, in both modes where the
// shape does not ask for one.
func TestShapes(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			img := s.image()
			p, err := New(img, s.opts)
			if err != nil {
				t.Fatal(err)
			}
			set := golden.Set{Update: update, How: "go test ./restore/plan -update"}
			set.Check(t, filepath.Join("testdata", s.name+".plan"), []byte(p.String()))
			modes := []Options{s.opts}
			if !s.opts.ShellJob && !s.opts.PIDNamespace {
				modes = append(modes, inNamespace)
			}
			for _, opts := range modes {
				if e := verify(t, img, opts, 1); e != nil {
					t.Errorf("%+v: %v", opts, e)
				}
			}
		})
	}
}
