package campaign

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// A seen task is one of /proc, read without the help of what is tested. Its
// numbers are those of the tree's pid namespace.
type seen struct {
	tid, tgid, pgid, sid int
	// outer is the number here, parent the parent's.
	outer, parent int
	state         byte
	comm          string
	// status is a zombie's wait status.
	status int
}

// tasks lists all tasks of this pid namespace but those of this process. below says
// how many namespaces below ours the tree's own is.
func tasks(below int) ([]seen, error) {
	names, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/status")
	if err != nil {
		return nil, err
	}
	own := fmt.Sprintf("/proc/%d/", os.Getpid())
	var list []seen
	for _, name := range names {
		if strings.HasPrefix(name, own) {
			continue
		}
		status, err := os.ReadFile(name)
		if err != nil {
			continue // gone meanwhile
		}
		t := parseSeen(status, below)
		if stat, err := os.ReadFile(filepath.Join(filepath.Dir(name), "stat")); err == nil {
			fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
			if len(fields) > 49 {
				t.status, _ = strconv.Atoi(string(fields[49]))
			}
		}
		list = append(list, t)
	}
	return list, nil
}

func parseSeen(status []byte, below int) seen {
	var t seen
	for s := bufio.NewScanner(bytes.NewReader(status)); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), ":")
		value = strings.TrimPrefix(value, "\t")
		numbers := strings.Fields(value)
		inner := func() int { // zero if the task is not in that namespace
			if len(numbers) <= below {
				return 0
			}
			n, _ := strconv.Atoi(numbers[below])
			return n
		}
		switch name {
		case "Name":
			t.comm = value
		case "State":
			t.state = value[0]
		case "PPid":
			t.parent, _ = strconv.Atoi(value)
		case "NSpid":
			t.tid = inner()
			t.outer, _ = strconv.Atoi(numbers[0])
		case "NStgid":
			t.tgid = inner()
		case "NSpgid":
			t.pgid = inner()
		case "NSsid":
			t.sid = inner()
		}
	}
	return t
}

// compare says how a tree that stands still, just before it is let go, differs
// from its image: which tasks there are, their parents, groups, sessions, names,
// and who is dead and how.
func compare(img *format.Image, list []seen) []string {
	var diffs []string
	differ := func(form string, args ...any) { diffs = append(diffs, fmt.Sprintf(form, args...)) }
	live := map[int]seen{}
	inner := map[int]int{0: 0}
	for _, s := range list {
		if s.tid == 0 {
			differ("process %d (%s) is in no namespace of the tree", s.outer, s.comm)
			continue
		}
		live[s.tid] = s
		inner[s.outer] = s.tid
	}
	want := map[int]bool{}
	for i := range img.Tasks {
		t := &img.Tasks[i]
		want[int(t.TID)] = true
		s, ok := live[int(t.TID)]
		if !ok {
			differ("task %d is not there", t.TID)
			continue
		}
		for _, d := range compareTask(img, t, s, inner) {
			differ("task %d: %s", t.TID, d)
		}
	}
	for _, tid := range slices.Sorted(maps.Keys(live)) {
		if !want[tid] && tid != 1 { // a namespace needs a pid 1
			differ("task %d (%s) is not in the image", tid, live[tid].comm)
		}
	}
	return diffs
}

func compareTask(img *format.Image, t *format.Task, s seen, inner map[int]int) []string {
	var diffs []string
	number := func(what string, got int, want format.PID) {
		if got != int(want) {
			diffs = append(diffs, fmt.Sprintf("%s is %d, not %d", what, got, want))
		}
	}
	number("thread group", s.tgid, t.TGID)
	number("group", s.pgid, t.PGID)
	number("session", s.sid, t.SID)
	if t.TGID != img.Root {
		number("parent", inner[s.parent], t.PPID)
	}
	dead := s.state == 'Z' || s.state == 'X'
	if dead != t.State.Dead() {
		diffs = append(diffs, fmt.Sprintf("state is %c, not %s", s.state, t.State))
	}
	if t.State == format.Zombie {
		number("wait status", s.status, format.PID(t.Status))
	}
	if got, want := s.comm, t.Comm; !strings.ContainsAny(want, "\\\n") && got != want {
		diffs = append(diffs, fmt.Sprintf("name is %q, not %q", got, want))
	}
	return diffs
}

// left says what a restore has left behind, which is told by what was there
// before.
type left struct {
	mounts, segments string
	files            int
}

// lookAround notes mounts, System V objects and temporary files.
func lookAround() (left, error) {
	var l left
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return l, err
	}
	l.mounts = string(mounts)
	for _, kind := range []string{"shm", "sem", "msg"} {
		b, err := os.ReadFile("/proc/sysvipc/" + kind)
		if err != nil {
			return l, err
		}
		l.segments += string(b)
	}
	files, err := os.ReadDir(temporary)
	l.files = len(files)
	return l, err
}

// since says what is there now and was not before. Segments are told of only if
// nothing was restored: a tree may own them.
func (l left) since(before left, restored bool) []string {
	var found []string
	if l.mounts != before.mounts {
		found = append(found, "mounts are left:\n"+l.mounts)
	}
	if l.files != before.files {
		found = append(found, fmt.Sprintf("%d temporary files are left", l.files-before.files))
	}
	if l.segments != before.segments && !restored {
		found = append(found, "System V objects are left:\n"+l.segments)
	}
	return found
}
