package criu

import (
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// TestLogins: CRIU notes a login for each process; a thread with one of its own
// is told as lost.
func TestLogins(t *testing.T) {
	img := validImage(t, "base")
	for i := range img.Tasks {
		if x := &img.Tasks[i]; !x.State.Dead() {
			x.Login = &format.Login{UID: 1000 + uint32(x.TGID)}
		}
	}
	thread := format.NewIndex(img).Task(101)
	thread.Login = &format.Login{}
	out := memory{}
	losses, err := Format().EncodeDirReport(t.Context(), out, img, codec.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, l := range losses {
		if l.Code == codec.LossCreds && l.Task == thread.TID {
			told++
		}
	}
	if told != 1 || thread.Leader() {
		t.Errorf("thread %d: %d losses of its login, want 1: %v", thread.TID, told, losses)
	}
	f, err := Format().Open(t.Context(), codec.Source{Name: "image", Dir: out.dir()}, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range f.Image.Tasks {
		x := &f.Image.Tasks[i]
		if x.State.Dead() != (x.Login == nil) || x.Login != nil && x.Login.UID != 1000+uint32(x.TGID) {
			t.Errorf("task %d of process %d (%s): login %+v", x.TID, x.TGID, x.State, x.Login)
		}
	}
}
