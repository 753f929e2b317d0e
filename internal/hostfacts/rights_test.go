package hostfacts

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/validate/host"
)

func TestCovered(t *testing.T) {
	const (
		root  = "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
		proc  = "20 1 0:5 / /proc rw,nosuid shared:3 master:1 - proc proc rw\n"
		binfm = "21 20 0:6 / /proc/sys/fs/binfmt_misc rw - autofs none rw\n"
	)
	for _, tt := range []struct{ name, mounts, want string }{
		{"whole", root + proc + binfm, ""},
		{"none", root, "there is none that shows all of it"},
		{"part", root + "20 1 0:5 /1 /proc rw - proc proc rw\n", "there is none that shows all of it"},
		{"read-only", root + "20 1 0:5 / /proc ro,nosuid - proc proc rw\n", "/proc is read-only"},
		{"covered", root + proc + binfm + "22 20 0:7 /null /proc/kcore rw - devtmpfs none rw\n", "/proc/kcore lies over a part of it"},
		{"another", root + proc + "22 20 0:7 / /proc/acpi ro - tmpfs none rw\n" + "23 1 0:8 / /srv/proc rw - proc none rw\n", ""},
		{"over-another", root + proc + "22 1 0:7 / /srv rw - tmpfs none rw\n", ""},
		{"no-lines", "x\n1 2 3 - proc\n", "there is none that shows all of it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := covered(parseMounts(tt.mounts)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseIDMap(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []host.Range
	}{
		{"first", "         0          0 4294967295\n", nil},
		{"one", "1000 1000 1\n", []host.Range{{First: 1000, Count: 1}}},
		{"two", "0 1000 1\n1 100000 65536\n", []host.Range{{First: 0, Count: 1}, {First: 1, Count: 65536}}},
		{"empty", "", []host.Range{}},
		{"words", "a b c\n", []host.Range{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parseIDMap(tt.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestOOM: trying how low oom_score_adj can be set leaves it as it is, and what is
// told is the least that the kernel takes.
func TestOOM(t *testing.T) {
	before, err := readAdjust()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := writeAdjust(before); err != nil {
			t.Error(err)
		}
	}()
	const now = 900
	if err := writeAdjust(now); err != nil {
		t.Fatal(err)
	}
	f := &host.Facts{Rights: &host.Rights{UserNamespace: true}} // as one without the capability
	if err := new(Source).oom(f); err != nil {
		t.Fatal(err)
	}
	if after, err := readAdjust(); after != now || err != nil {
		t.Errorf("oom_score_adj is %d, %v; was %d", after, err, now)
	}
	o := f.Rights.OOM
	if o.Adjust != now || int(o.Least) > before {
		t.Errorf("%+v, want %d and %d at most", o, now, before)
	}
	if err := writeAdjust(int(o.Least)); err != nil {
		t.Errorf("the least, %d, is refused: %v", o.Least, err)
	}
	if o.Least > -1000 && writeAdjust(int(o.Least)-1) == nil {
		t.Errorf("%d is not the least", o.Least)
	}
}

// TestDirect asks a file of this machine's and what is none.
func TestDirect(t *testing.T) {
	name := t.TempDir() + "/file"
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var s Source
	for path, told := range map[string]bool{name: true, "/proc/self/status": true, "/dev/null": false, t.TempDir(): false} {
		f := s.File(path, false)
		s.Look(&f, host.AspectDirect)
		if (f.Direct != nil) != told {
			t.Errorf("%s: told %t, want %t", path, f.Direct != nil, told)
		}
		if path == "/proc/self/status" && f.Direct != nil && *f.Direct {
			t.Error("files of /proc are read past the kernel's cache")
		}
	}
}
