package live

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/validate"
)

// TestHashFiles: an image with digests is restored only over the files that it was
// captured over. A byte of a mapped file is changed and its time set back: without
// digests nobody sees that, with them nothing is created until the byte is as it was.
func TestHashFiles(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "contents"})
	plain := w.Image()
	w.Must(0, "capture", "--leave-running", strconv.Itoa(f.PID), "-o", plain)
	img := w.Capture(f, "--hash-files")
	facts := filepath.Join(w.Dir, "facts.json")
	tell := func() { w.Must(0, "host-facts", "--for", img, "--numbers", "-o", facts) }
	tell()
	if here, there := w.verdict(0, img, "--host"), w.verdict(0, img, "--host-facts", facts); !cmp.Equal(here, there) {
		w.Errorf("this host and its facts differ (-host +facts):\n%s", cmp.Diff(here, there))
	}

	data := filepath.Join(f.Dir, "data")
	st, err := os.Stat(data)
	w.must(err)
	good, err := os.ReadFile(data)
	w.must(err)
	w.rewrite(data, good[0]+1, st.ModTime())
	w.verdict(0, plain, "--host")
	tell()
	for _, flags := range [][]string{{"--host"}, {"--host-facts", facts}} {
		codes := map[string]string{}
		for _, found := range w.verdict(3, img, flags...).Findings {
			codes[found.Code] = found.Subject.File
		}
		if diff := cmp.Diff(map[string]string{validate.CodeFileChanged: data}, codes); diff != "" {
			w.Errorf("%s: codes and files (-want +got):\n%s", flags[0], diff)
		}
	}
	refused(w, []int{3}, img)

	w.rewrite(data, good[0], st.ModTime())
	w.Restore(img)
	w.Judge(f)
}

// rewrite changes the first byte of a file and sets its time back.
func (w *World) rewrite(name string, b byte, mtime time.Time) {
	w.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	w.must(err)
	_, err = f.WriteAt([]byte{b}, 0)
	w.must(err)
	w.must(f.Close())
	w.must(os.Chtimes(name, mtime, mtime))
}
