package format_test

import (
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// TestOpenModes: who may read and write, by flags of open(2).
func TestOpenModes(t *testing.T) {
	for _, tt := range []struct {
		flags       uint32
		read, write bool
	}{
		{format.ORdOnly, true, false},
		{format.OWrOnly, false, true},
		{format.ORdWr, true, true},
		{format.OAccMode, false, false},
		{format.OWrOnly | format.OAsync | format.ODirectory, false, true},
	} {
		f := format.OpenFile{Flags: tt.flags}
		if f.Readable() != tt.read || f.Writable() != tt.write {
			t.Errorf("%#o: read %v, write %v", tt.flags, f.Readable(), f.Writable())
		}
	}
}

// TestSignalsOfFiles: somebody is told by signals if that was asked for, or who it
// is has been set, and never of a file opened with O_PATH.
func TestSignalsOfFiles(t *testing.T) {
	for _, tt := range []struct {
		name string
		file format.OpenFile
		want bool
	}{
		{"nothing", format.OpenFile{}, false},
		{"asked for", format.OpenFile{Flags: format.OAsync}, true},
		{"set", format.OpenFile{Owner: &format.FileOwner{PID: 5}}, true},
		{"set to nobody", format.OpenFile{Owner: &format.FileOwner{}}, false},
		{"a path", format.OpenFile{Flags: format.OAsync | format.OPath, Owner: &format.FileOwner{PID: 5}}, false},
	} {
		if got := tt.file.Signals(); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
