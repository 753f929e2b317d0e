package plan

import (
	"fmt"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// chain is a line of descent of n processes, each in a session of its own with
// a child from the session before.
func chain(n int) []format.Task {
	tasks := []format.Task{task(1000, 1, 1000, 1000)}
	for i := 1; len(tasks) < n; i++ {
		pid := format.PID(1000 + 2*i)
		tasks = append(tasks, task(pid, pid-2, pid, pid), task(pid+1, pid, pid-2, pid-2))
	}
	return tasks
}

// broad is one process with n-1 children, each by how.
func broad(n int, how func(i int, t *format.Task)) []format.Task {
	tasks := []format.Task{task(1000, 1, 1000, 1000)}
	for i := 1; i < n; i++ {
		t := task(format.PID(1000+i), 1000, 1000, 1000)
		how(i, &t)
		tasks = append(tasks, t)
	}
	return tasks
}

// adopted are members of one session that two levels of subreapers and init
// have adopted.
func adopted(n int) []format.Task {
	tasks := []format.Task{task(1000, 1, 1000, 1000), task(1001, 1000, 1001, 1001), task(1002, 1001, 1002, 1002)}
	for i := 3; i < n; i++ {
		tasks = append(tasks, task(format.PID(1000+i), format.PID(1000+i%3-i%2*i%3), 1002, 1002))
	}
	return tasks
}

func manyThreads(n int) []format.Task {
	tasks := []format.Task{task(1000, 1, 1000, 1000)}
	for i := 1; i < n; i++ {
		tasks = append(tasks, thread(format.PID(1000+i), tasks[0]))
	}
	return tasks
}

var benchTrees = []struct {
	name string
	make func(n int) []format.Task
}{
	{"chain", chain},
	{"groups", func(n int) []format.Task {
		return broad(n, func(i int, t *format.Task) { t.PGID = format.PID(1000 + i - i%10) })
	}},
	{"ghost-groups", func(n int) []format.Task {
		return broad(n, func(i int, t *format.Task) { t.PGID = format.PID(2_000_000 + i/4) })
	}},
	{"ghost-sessions", func(n int) []format.Task {
		return broad(n, func(i int, t *format.Task) { t.PGID, t.SID = format.PID(2_000_000+i/4), format.PID(2_000_000+i/4) })
	}},
	{"zombies", func(n int) []format.Task {
		return broad(n, func(_ int, t *format.Task) { zombie(t) })
	}},
	{"shared-files", func(n int) []format.Task {
		return broad(n, func(_ int, t *format.Task) { t.Files = 7 })
	}},
	{"stopped", func(n int) []format.Task {
		return broad(n, func(_ int, t *format.Task) { stopped(format.SIGTSTP, true)(t) })
	}},
	{"moved-leaders", func(n int) []format.Task {
		return broad(n, func(i int, t *format.Task) { t.PGID = format.PID(1000 + i%(n-1) + 1) })
	}},
	{"adopted", adopted},
	{"threads", manyThreads},
}

func BenchmarkNew(b *testing.B) {
	for _, tree := range benchTrees {
		for _, n := range []int{1000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("tree=%s/tasks=%d", tree.name, n), func(b *testing.B) {
				tasks := tree.make(n)
				img := &format.Image{Root: tasks[0].TID, Tasks: tasks}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := New(img, Options{MaxPID: 4 << 20}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(tasks)), "ns/task")
			})
		}
	}
}

// TestLarge: large trees are planned and simulated right, in time that grows
// with their size and not with its square.
func TestLarge(t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 1000
	}
	for _, tree := range benchTrees {
		t.Run(tree.name, func(t *testing.T) {
			tasks := tree.make(n)
			img := &format.Image{Root: tasks[0].TID, Tasks: tasks}
			for _, ns := range []bool{false, true} {
				if e := verify(t, img, Options{MaxPID: 4 << 20, PIDNamespace: ns}, 1); e != nil {
					t.Fatal(e)
				}
			}
		})
	}
}
