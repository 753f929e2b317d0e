package linuxcr

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// The committed images, and where all of them are beside the repository.
const (
	ownImages    = "../../testdata/linuxcr"
	sharedImages = "../../../shared/images/linux-cr"
)

// broken are the images of checkpoints that failed, with the fault that their
// notes give.
var broken = map[string]codec.Kind{"unlinked": codec.Truncated, "notfrozen": codec.Truncated}

// realImages runs f for each real image.
func realImages(t *testing.T, f func(t *testing.T, name string, data []byte)) {
	t.Helper()
	count := 0
	for _, dir := range []string{ownImages, sharedImages} {
		names, err := filepath.Glob(filepath.Join(dir, "*", "*.ckpt"))
		if err != nil {
			t.Fatal(err)
		}
		if len(names) == 0 && dir == sharedImages {
			t.Logf("skipped: no images in %s, only those of %s are read", dir, ownImages)
		}
		for _, name := range names {
			count++
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(strings.TrimPrefix(name, "../"), func(t *testing.T) { f(t, name, data) })
		}
	}
	if count == 0 {
		t.Fatalf("no images in %s", ownImages)
	}
}

func seekableSource(b []byte) codec.Source {
	return codec.Source{Name: "image", At: bytes.NewReader(b), Size: int64(len(b))}
}

func streamSource(b []byte) codec.Source {
	return codec.Source{Name: "image", Reader: bytes.NewReader(b)}
}

func openBytes(t testing.TB, b []byte) *codec.File {
	t.Helper()
	f, err := Format().Open(context.Background(), seekableSource(b), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// baseName is an image's name without directory and suffix.
func baseName(name string) string { return strings.TrimSuffix(filepath.Base(name), ".ckpt") }

// notes are what an independent program found in an image.
type notes struct {
	pids   [][5]int64 // pid, ppid, tgid, pgid, sid
	tasks  []noteTask
	counts map[string]int
	refs   []string
}

type noteTask struct {
	offset            int64
	state, exit, code uint64
	signal            int64
	comm              string
}

var (
	pidLine  = regexp.MustCompile(`^  \[\d+\] vpid (\d+) vppid (\d+) vtgid (\d+) vpgid (\d+) vsid (\d+) rest`)
	taskLine = regexp.MustCompile(`^TASK #\d+ @(\d+) state (\S+) exit_state (\S+) exit_code (\S+) exit_signal (-?\d+) comm b'(.*)'`)
	counted  = regexp.MustCompile(`'([A-Z_]+)[^']*': (\d+)`)
	objref   = regexp.MustCompile(`([A-Z_]+)=(\d+)`)
)

func readNotes(t *testing.T, name string) *notes {
	t.Helper()
	b, err := os.ReadFile(strings.TrimSuffix(name, ".ckpt") + ".records.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := &notes{counts: map[string]int{}}
	num := func(s string) int64 {
		v, err := strconv.ParseInt(s, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for line := range strings.Lines(string(b)) {
		switch m := pidLine.FindStringSubmatch(line); {
		case m != nil:
			n.pids = append(n.pids, [5]int64{num(m[1]), num(m[2]), num(m[3]), num(m[4]), num(m[5])})
		case strings.HasPrefix(line, "TASK #"):
			m := taskLine.FindStringSubmatch(line)
			n.tasks = append(n.tasks, noteTask{num(m[1]), uint64(num(m[2])), uint64(num(m[3])), uint64(num(m[4])), num(m[5]), m[6]})
		case strings.HasPrefix(line, "counts"):
			for _, m := range counted.FindAllStringSubmatch(line, -1) {
				n.counts[m[1]] = int(num(m[2]))
			}
		case strings.HasPrefix(line, "objrefs"):
			for _, m := range objref.FindAllStringSubmatch(line, -1) {
				n.refs = append(n.refs, m[1]+" #"+m[2])
			}
		}
	}
	return n
}

// TestRealImagesAreTheTreesOfTheirNotes decodes each image and compares ids,
// states, statuses and names with what another program saw in it.
func TestRealImagesAreTheTreesOfTheirNotes(t *testing.T) {
	realImages(t, func(t *testing.T, name string, data []byte) {
		if broken[baseName(name)] != "" {
			return
		}
		n := readNotes(t, name)
		img := openBytes(t, data).Image
		threads := map[int64]bool{}
		for i, p := range n.pids {
			threads[p[2]] = threads[p[2]] || p[0] != p[2] && n.tasks[i].exit == 0
		}
		var want, got []string
		for i, p := range n.pids {
			task := n.tasks[i]
			state, status, signal := format.Running, task.code, max(task.signal, 0)
			switch {
			case task.exit != 0 && threads[p[2]]:
				state, signal = format.DeadLeader, 17
			case task.exit != 0:
				state, signal = format.Zombie, 17
			case task.state&4 != 0:
				state, status = format.Stopped, 0
			}
			want = append(want, fmt.Sprint(p, state, status, signal, task.comm))
		}
		for _, k := range img.Tasks {
			ids := [5]int64{int64(k.TID), int64(k.PPID), int64(k.TGID), int64(k.PGID), int64(k.SID)}
			got = append(got, fmt.Sprint(ids, k.State, uint64(k.Status), int64(k.ExitSignal), k.Comm))
		}
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("(-notes +image):\n%s", d)
		}
		if img.Root != format.PID(n.pids[0][0]) {
			t.Errorf("root %d, want %d", img.Root, n.pids[0][0])
		}
	})
}

// TestRecordsAreThoseOfTheNotes lists the records of each image, whole or not,
// and compares their number by type, the objects in their order and the places
// of the tasks.
func TestRecordsAreThoseOfTheNotes(t *testing.T) {
	realImages(t, func(t *testing.T, name string, data []byte) {
		if len(data) == 0 {
			return
		}
		n := readNotes(t, name)
		counts, end := map[string]int{}, int64(0)
		var refs []string
		var places []int64
		var fault error
		for r, err := range Records(t.Context(), seekableSource(data), codec.Limits{}) {
			if err != nil {
				fault = err
				break
			}
			counts[r.Name]++
			switch r.Name {
			case "OBJREF":
				refs = append(refs, r.Text)
			case "TASK":
				places = append(places, r.Offset)
			}
			if r.Offset != end {
				t.Fatalf("record %d at %d, the one before ends at %d", r.Index, r.Offset, end)
			}
			end = r.Offset + r.Length
		}
		if (fault != nil) != (broken[baseName(name)] != "") {
			t.Errorf("error %v", fault)
		}
		var want []int64
		for _, k := range n.tasks {
			want = append(want, k.offset)
		}
		d := gocmp.Diff(n.counts, counts) + gocmp.Diff(n.refs, refs[:min(len(refs), len(n.refs))]) + gocmp.Diff(want, places)
		if d != "" {
			t.Errorf("(-notes +image):\n%s", d)
		}
	})
}

// TestBrokenImagesAreRefused: the notes say that these checkpoints failed.
func TestBrokenImagesAreRefused(t *testing.T) {
	realImages(t, func(t *testing.T, name string, data []byte) {
		want := broken[baseName(name)]
		if want == "" {
			return
		}
		f, err := Format().Open(t.Context(), seekableSource(data), codec.Limits{})
		if got := kindOf(t, err); f != nil || got != want {
			t.Errorf("error %v of kind %s, want %s", err, got, want)
		}
	})
}

// kindOf is the kind of a format error; any other error fails the test.
func kindOf(t testing.TB, err error) codec.Kind {
	t.Helper()
	fe, ok := asFormatError(err)
	if !ok {
		t.Fatalf("%v is no FormatError", err)
	}
	return fe.Kind
}

// encodeBytes writes an image and gives what was lost.
func encodeBytes(t testing.TB, img *format.Image, opts codec.EncodeOptions) ([]byte, []codec.Loss) {
	t.Helper()
	var b bytes.Buffer
	losses, err := Format().EncodeReport(context.Background(), &b, img, opts)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), losses
}

// wantSameBytes fails at the first byte that differs.
func wantSameBytes(t testing.TB, want, got []byte) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			t.Fatalf("byte %#x is %#x, want %#x (lengths %d and %d)", i, got[i], want[i], len(got), len(want))
		}
	}
	if len(want) != len(got) {
		t.Fatalf("%d bytes, want %d", len(got), len(want))
	}
}

// TestRealImagesAreWrittenAgainByteForByte writes each image as the generation
// it was, without loss.
func TestRealImagesAreWrittenAgainByteForByte(t *testing.T) {
	realImages(t, func(t *testing.T, name string, data []byte) {
		if broken[baseName(name)] != "" {
			return
		}
		f := openBytes(t, data)
		got, losses := encodeBytes(t, f.Image, f.Options)
		wantSameBytes(t, data, got)
		for _, l := range losses {
			t.Errorf("loss %s", l)
		}
		t.Logf("%d bytes of leftovers", leftoverSize(f.Image))
	})
}

// leftoverSize is the length of an image's leftovers.
func leftoverSize(img *format.Image) int {
	for _, a := range img.Attachments {
		if a.Record == leftoversName {
			return len(a.Data)
		}
	}
	return -1
}
