package restore

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

func parseInt(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

// pidMax is the first number that this machine does not give.
func pidMax() int64 {
	b, err := os.ReadFile("/proc/sys/kernel/pid_max")
	if err != nil {
		return 32768
	}
	v, err := parseInt(strings.TrimSpace(string(b)))
	if err != nil {
		return 32768
	}
	return v
}

// hostPID is a task's number in the engine's pid namespace; zero if it has
// none there.
func (e *engine) hostPID(pid format.PID) int {
	if e.pidns < 0 {
		return int(pid)
	}
	if n, ok := e.pids[pid]; ok {
		return n
	}
	n, err := sys.PIDFromNamespace(e.pidns, int(pid))
	if err != nil {
		n = e.searchPID(pid)
	}
	if n != 0 {
		e.pids[pid] = n
	}
	return n
}

// searchPID finds a task of the new pid namespace by /proc, where the kernel
// cannot be asked.
func (e *engine) searchPID(pid format.PID) int {
	ns, err := procfs.Link(e.seed, "ns/pid")
	if err != nil {
		return 0
	}
	all, err := procfs.PIDs()
	if err != nil {
		return 0
	}
	for _, p := range all {
		if l, err := procfs.Link(p, "ns/pid"); err != nil || l != ns {
			continue
		}
		tasks, err := procfs.Tasks(p)
		if err != nil {
			continue
		}
		for _, t := range tasks {
			if st, err := e.proc.Status(t); err == nil && len(st.NSPID) > 0 && st.NSPID[len(st.NSPID)-1] == int(pid) {
				return t
			}
		}
	}
	return 0
}

// children are the engine's own children.
func (e *engine) children() ([]int, error) {
	self := os.Getpid()
	tasks, err := procfs.Tasks(self)
	if err != nil {
		return nil, err
	}
	list, ok, err := e.proc.Children(self, tasks)
	if err != nil {
		return nil, err
	}
	if ok {
		return list, nil
	}
	return e.childrenByStat(self)
}

// childrenByStat finds children on kernels without the children file.
func (e *engine) childrenByStat(parent int) ([]int, error) {
	all, err := procfs.PIDs()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p int) bool {
		st, err := e.proc.Stat(p)
		return err != nil || st.PPID != parent
	}), nil
}

func itoa(n int) string { return strconv.Itoa(n) }
