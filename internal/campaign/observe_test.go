package campaign

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

// family is an image of a root with a stopped child, a zombie and a thread, and
// what /proc shows of it in a pid namespace of its own.
func family() (*format.Image, []seen) {
	img := &format.Image{Root: 10, Tasks: []format.Task{
		{TID: 10, TGID: 10, PPID: 1, PGID: 10, SID: 10, State: format.Running, Comm: "root"},
		{TID: 11, TGID: 10, PPID: 1, PGID: 10, SID: 10, State: format.Running, Comm: "thread"},
		{TID: 12, TGID: 12, PPID: 10, PGID: 12, SID: 10, State: format.Stopped, Comm: "child"},
		{TID: 13, TGID: 13, PPID: 10, PGID: 10, SID: 10, State: format.Zombie, Status: 0x300, Comm: "dead"},
	}}
	return img, []seen{
		{tid: 1, tgid: 1, outer: 501, parent: 1, state: 'S', comm: "init"},
		{tid: 10, tgid: 10, pgid: 10, sid: 10, outer: 502, parent: 501, state: 't', comm: "root"},
		{tid: 11, tgid: 10, pgid: 10, sid: 10, outer: 503, parent: 501, state: 't', comm: "thread"},
		{tid: 12, tgid: 12, pgid: 12, sid: 10, outer: 504, parent: 502, state: 't', comm: "child"},
		{tid: 13, tgid: 13, pgid: 10, sid: 10, outer: 505, parent: 502, state: 'Z', comm: "dead", status: 0x300},
	}
}

// TestCompare: a tree that is the image's has no difference, and each that is not
// has its own.
func TestCompare(t *testing.T) {
	img, list := family()
	if d := compare(img, list); len(d) > 0 {
		t.Fatalf("the right tree: %v", d)
	}
	for _, tt := range []struct {
		name   string
		change func([]seen) []seen
		want   string
	}{
		{"missing", func(l []seen) []seen { return l[:4] }, "task 13 is not there"},
		{"more", func(l []seen) []seen { return append(l, seen{tid: 14, outer: 9, comm: "x"}) }, "task 14 (x) is not in the image"},
		{"outside", func(l []seen) []seen { return append(l, seen{outer: 9, comm: "x"}) }, "process 9 (x) is in no namespace of the tree"},
		{"parent", func(l []seen) []seen { l[3].parent = 501; return l }, "task 12: parent is 1, not 10"},
		{"group", func(l []seen) []seen { l[3].pgid = 10; return l }, "task 12: group is 10, not 12"},
		{"session", func(l []seen) []seen { l[3].sid = 12; return l }, "task 12: session is 12, not 10"},
		{"thread", func(l []seen) []seen { l[2].tgid = 11; return l }, "task 11: thread group is 11, not 10"},
		{"dead", func(l []seen) []seen { l[3].state = 'Z'; return l }, "task 12: state is Z, not stopped"},
		{"alive", func(l []seen) []seen { l[4].state = 't'; return l }, "task 13: state is t, not zombie"},
		{"status", func(l []seen) []seen { l[4].status = 9; return l }, "task 13: wait status is 9, not 768"},
		{"name", func(l []seen) []seen { l[1].comm = "toor"; return l }, `task 10: name is "toor", not "root"`},
	} {
		_, list := family()
		if d := cmp.Diff([]string{tt.want}, compare(img, tt.change(list))); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// TestParseSeen reads numbers of the namespace that is asked for.
func TestParseSeen(t *testing.T) {
	status := "Name:\tsh\nState:\tT (stopped)\nTgid:\t504\nPPid:\t502\nNStgid:\t504\t12\nNSpid:\t505\t13\nNSpgid:\t504\t12\nNSsid:\t502\t10\n"
	for below, want := range []seen{
		{tid: 505, tgid: 504, pgid: 504, sid: 502, outer: 505, parent: 502, state: 'T', comm: "sh"},
		{tid: 13, tgid: 12, pgid: 12, sid: 10, outer: 505, parent: 502, state: 'T', comm: "sh"},
		{outer: 505, parent: 502, state: 'T', comm: "sh"},
	} {
		if got := parseSeen([]byte(status), below); got != want {
			t.Errorf("%d below: %+v, want %+v", below, got, want)
		}
	}
}

// TestLeft: what is there that was not is told, System V objects of a tree apart.
func TestLeft(t *testing.T) {
	before := left{mounts: "a", segments: "b"}
	for _, tt := range []struct {
		after left
		tree  bool
		want  int
	}{
		{before, false, 0},
		{left{mounts: "ax", segments: "b"}, true, 1},
		{left{mounts: "a", segments: "b", files: 2}, true, 1},
		{left{mounts: "a", segments: "bx"}, true, 0},
		{left{mounts: "ax", segments: "bx", files: 1}, false, 3},
	} {
		if got := tt.after.since(before, tt.tree); len(got) != tt.want {
			t.Errorf("%+v: %v", tt.after, got)
		}
	}
}

// TestOutcomes: what a worker said before it ended counts, and the case that it
// had begun is told.
func TestOutcomes(t *testing.T) {
	const whole = `{"case":{"Image":"a"}}` + "\n" + `{"case":{"Image":"a"},"tree":true}` + "\n"
	for _, tt := range []struct {
		text  string
		done  int
		begun string
	}{
		{"", 0, ""},
		{whole, 1, ""},
		{whole + `{"case":{"Image":"b"}}`, 1, "b"},
		{whole + `{"case":{"Image":"b"}}` + "\n" + `{"case":{"Im`, 1, "b"},
	} {
		done, begun, err := outcomes([]byte(tt.text))
		name := ""
		if begun != nil {
			name = begun.Image
		}
		if err != nil || len(done) != tt.done || name != tt.begun {
			t.Errorf("%q: %d done, %q begun, %v", tt.text, len(done), name, err)
		}
	}
	if _, _, err := outcomes([]byte(strings.Repeat("x", 9))); err == nil {
		t.Error("what is no JSON has no error")
	}
}
