package restore

import (
	"errors"
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// TestVerifyFindsDifferences restores a tree and then compares it with an image
// that is no longer that tree's.
func TestVerifyFindsDifferences(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*format.Task, *format.AddressSpace)
	}{
		{"name", func(t *format.Task, _ *format.AddressSpace) { t.Comm = "another" }},
		{"group", func(t *format.Task, _ *format.AddressSpace) { t.PGID = 1 }},
		{"state", func(t *format.Task, _ *format.AddressSpace) { t.State = format.Zombie }},
		{"memory", func(_ *format.Task, mm *format.AddressSpace) { mm.VMAs[0].End += pageSize }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.process(t, 20001, 0, 20001, 20001)
			r := w.restore(t, Options{})
			if err := r.e.verify(t.Context()); err != nil {
				t.Fatalf("unchanged: %v", err)
			}
			tt.change(&w.img.Tasks[0], &w.img.Objects.Memories[0])
			var differs *VerifyError
			if err := r.e.verify(t.Context()); !errors.As(err, &differs) {
				t.Fatalf("verify gives %v, want a VerifyError", err)
			}
			for _, f := range differs.Findings {
				if f.Code != validate.CodeVerify || f.Subject.Task != 20001 {
					t.Errorf("finding %+v, want %s of task 20001", f, validate.CodeVerify)
				}
			}
		})
	}
}
