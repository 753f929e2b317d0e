package live

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stat is what a world compares of /proc/PID/stat.
type stat struct {
	comm, state, ppid, pgid, sid, nice, exitSignal string
}

func readStat(path string) (stat, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return stat{}, err
	}
	open, end := strings.IndexByte(string(b), '('), strings.LastIndexByte(string(b), ')')
	if open < 0 || end < open {
		return stat{}, fmt.Errorf("%s: no name in %q", path, b)
	}
	f := strings.Fields(string(b[end+1:]))
	if len(f) < 36 {
		return stat{}, fmt.Errorf("%s: %d fields", path, len(f))
	}
	return stat{
		comm: string(b[open+1 : end]), state: f[0], ppid: f[1], pgid: f[2], sid: f[3],
		nice: f[16], exitSignal: f[35],
	}, nil
}

// stateClass joins the states that come and go by themselves.
func stateClass(s string) string {
	if s == "Z" || s == "T" || s == "t" {
		return s
	}
	return "alive"
}

// Snapshot describes every task of a tree, one line each in order of numbers,
// so that two can be compared: number, group, parent, process group, session,
// state, nice value, exit signal, name. The root's parent is left out.
func (w *World) Snapshot(root int) []string {
	w.Helper()
	kids := map[string][]string{}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	w.must(err)
	for _, d := range dirs {
		if s, err := readStat(filepath.Join(d, "stat")); err == nil {
			kids[s.ppid] = append(kids[s.ppid], filepath.Base(d))
		}
	}
	var out []string
	for todo := []string{fmt.Sprint(root)}; len(todo) > 0; todo = todo[1:] {
		pid := todo[0]
		tasks, _ := filepath.Glob("/proc/" + pid + "/task/[0-9]*") // gone meanwhile: no tasks
		for _, task := range tasks {
			s, err := readStat(filepath.Join(task, "stat"))
			if err != nil {
				continue
			}
			if pid == fmt.Sprint(root) {
				s.ppid = "-"
			}
			out = append(out, fmt.Sprintf("%6s of %s: parent %s group %s session %s %s nice %s signal %s (%s)", filepath.Base(task), pid,
				s.ppid, s.pgid, s.sid, stateClass(s.state), s.nice, s.exitSignal, s.comm))
		}
		todo = append(todo, kids[pid]...)
	}
	slices.Sort(out)
	return out
}

// Differ lists the lines that only one of two snapshots has.
func Differ(was, is []string) []string {
	var out []string
	for _, l := range was {
		if !slices.Contains(is, l) {
			out = append(out, "was "+l)
		}
	}
	for _, l := range is {
		if !slices.Contains(was, l) {
			out = append(out, "is  "+l)
		}
	}
	return out
}
