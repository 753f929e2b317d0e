package plan

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

// TestErrors: each kind of tree that cannot be made is refused, with the task at
// fault and the reason.
func TestErrors(t *testing.T) {
	root := task(100, 1, 100, 100)
	for _, c := range []struct {
		name  string
		opts  Options
		tasks []format.Task
		task  format.PID
		want  string
	}{
		{"twice", Options{}, []format.Task{root, root}, 100, "occurs twice"},
		{"zero", Options{}, []format.Task{root, task(0, 100, 100, 100)}, 0, "must be positive"},
		{"no-leader", Options{}, []format.Task{root, thread(102, task(101, 100, 100, 100))}, 102, "leader 101 of its thread group"},
		{"cycle", Options{}, []format.Task{root, task(101, 102, 100, 100), task(102, 101, 100, 100)}, 101, "its own ancestor"},
		{"self", Options{}, []format.Task{task(100, 100, 100, 100)}, 100, "its own ancestor"},
		{"zombie-parent", Options{}, []format.Task{root, task(101, 100, 100, 100, zombie), task(102, 101, 100, 100)}, 102, "is a zombie"},
		{"thread-parent", Options{}, []format.Task{root, thread(101, root), task(102, 101, 100, 100)}, 102, "is a thread"},
		{"zombie-threads", Options{}, []format.Task{task(100, 1, 100, 100, zombie), thread(101, root)}, 100, "zombie cannot have living threads"},
		{"lonely-dead-leader", Options{}, []format.Task{task(100, 1, 100, 100, deadLeader)}, 100, "is a zombie"},
		{"dead-thread", Options{}, []format.Task{root, func() format.Task { th := thread(101, root); th.State = format.Zombie; return th }()}, 101, "no leader cannot exist"},
		{"leader-elsewhere", Options{}, []format.Task{root, task(101, 100, 100, 100), task(102, 100, 101, 101)}, 101, "session 101 has members"},
		{"leader-in-group", Options{}, []format.Task{root, task(101, 100, 100, 101)}, 101, "cannot be in group 100"},
		{"group-across", Options{}, []format.Task{root, task(101, 100, 101, 101), task(102, 100, 101, 100)}, 102, "group 101"},
		{"ghost-group-across", Options{}, []format.Task{root, task(101, 100, 70, 100), task(102, 100, 70, 80)}, 102, "group 70 is in session 100"},
		{"thread-session", Options{}, []format.Task{root, thread(101, root), task(102, 100, 101, 101)}, 101, "no session can have its number"},
		{"group-outside", Options{}, []format.Task{root, task(101, 100, 0, 100)}, 101, "its group is outside"},
		{"own-descendant", Options{}, []format.Task{root, task(101, 100, 102, 102), task(102, 101, 102, 102)}, 101, "descendant of its own"},
		{"unrelated-session", Options{}, []format.Task{root, task(101, 100, 101, 100), task(102, 100, 102, 102, exitSignal(10)), task(103, 101, 102, 102)}, 103, "never in session 102"},
		{"below-the-caller", Options{}, []format.Task{root, task(101, 100, 0, 0), task(102, 101, 100, 100)}, 102, "never in session 100"},
		{"foreign-exit-signal", Options{}, []format.Task{root, task(101, 100, 101, 101), task(102, 100, 101, 101, exitSignal(10))}, 102, "exit signal is SIGUSR1"},
		{"shared-files", Options{}, []format.Task{root, task(101, 100, 100, 100), task(102, 100, 102, 102), task(103, 101, 100, 100, sharedFiles), task(104, 102, 102, 102, sharedFiles)}, 104, "shares its files"},
		{"handlers-alone", Options{}, []format.Task{func() format.Task { r := root; r.Memory = 0; return r }()}, 100, "no memory"},
		{"handlers-of-two", Options{}, []format.Task{root, func() format.Task { c := task(101, 100, 100, 100); c.Handlers = root.Handlers; return c }()}, 101, "of other memory"},
		{"odd-stop", Options{}, []format.Task{root, task(101, 100, 100, 100, stopped(10, true))}, 101, "stops nothing"},
		{"pid-1-not-root", inNamespace, []format.Task{task(100, 1, 100, 100), task(1, 0, 1, 1)}, 1, "for the root alone"},
		{"pid-1-foreign-session", inNamespace, []format.Task{task(1, 0, 60, 60)}, 1, "not in 60"},
		{"beside-pid-1", inNamespace, []format.Task{task(1, 0, 1, 1), task(5, 0, 1, 1)}, 5, "outside the pid namespace"},
		{"group-outside-left", inNamespace, []format.Task{task(1, 0, 0, 0), task(5, 1, 0, 0), task(6, 1, 5, 0)}, 5, "which has no number here"},
		{"no-free-number", Options{MaxPID: 101, Taken: func(format.PID) bool { return true }}, []format.Task{root}, 0, "free for a helper"},
		{"caller-clash", Options{ShellJob: true, Group: 100}, []format.Task{root}, 100, "caller's process group"},
		{"seed-clash", Options{SeedPID: 100}, []format.Task{root}, 100, "seed was started"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := New(&format.Image{Root: c.tasks[0].TID, Tasks: c.tasks}, c.opts)
			refusal, ok := errors.AsType[*Error](err)
			if !ok || p != nil {
				t.Fatalf("no refusal, but %v\n%s", err, p)
			}
			for _, r := range refusal.Reasons {
				if r.Task == c.task && strings.Contains(r.Reason, c.want) {
					return
				}
			}
			t.Errorf("no reason for task %d with %q: %v", c.task, c.want, err)
		})
	}
}

func TestNoRoot(t *testing.T) {
	for _, img := range []*format.Image{{}, {Root: 5, Tasks: []format.Task{task(100, 1, 100, 100)}}} {
		if _, err := New(img, Options{}); err == nil {
			t.Errorf("an image without its root is planned: %s", show(img))
		}
	}
}

// TestErrorIsShort: the message of an image that is wrong throughout is bounded.
func TestErrorIsShort(t *testing.T) {
	img := &format.Image{Root: 1}
	for range 5000 {
		img.Tasks = append(img.Tasks, task(-1, 1, 1, 1))
	}
	_, err := New(img, Options{})
	refusal, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("no refusal: %v", err)
	}
	if len(refusal.Reasons) != maxReasons || len(err.Error()) > 1000 {
		t.Errorf("%d reasons, a message of %d bytes", len(refusal.Reasons), len(err.Error()))
	}
}

func TestPlanJSON(t *testing.T) {
	for _, s := range shapes() {
		p, err := New(s.image(), s.opts)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back Plan
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, &back); d != "" {
			t.Errorf("%s changes on its way through JSON (-want +got):\n%s", s.name, d)
		}
	}
}
