package restore

import (
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// TestForce: what this host lacks can be forced, what the engine cannot restore
// cannot.
func TestForce(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	o := &w.img.Objects
	o.Creds = append(o.Creds, format.Credentials{ID: w.id(), Permitted: 1 << 62})
	o.Files = append(o.Files, format.OpenFile{ID: w.id(), Kind: format.FileInotify, Inotify: &format.Inotify{}})
	for _, tt := range []struct {
		force []string
		want  int
	}{
		{nil, 2},
		{[]string{validate.CodeCapability}, 1},
		{[]string{validate.CodeCapability, validate.CodeInotify}, 1},
	} {
		got, err := Preflight(t.Context(), w.img, Options{Force: tt.force})
		if err != nil || len(got) != tt.want {
			t.Errorf("forced %v: findings %v, %v; want %d", tt.force, got, err, tt.want)
		}
	}
}
