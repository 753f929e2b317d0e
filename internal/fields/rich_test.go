package fields

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// rich is the base of the vectors with the state that none of them has.
func rich(t *testing.T) *format.Image {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testdata, "valid", "base.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Image *format.Image `json:"image"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	img := v.Image
	o := &img.Objects
	file := format.FileRef{Path: "/etc/hosts", Mode: 0o100644, Device: 1, Inode: 2, Size: 3, MTime: 4, BuildID: []byte{1, 2, 3, 4}, SHA256: make([]byte, 32)}
	for f := range o.FileRefs() {
		if f.Mode&0o170000 == 0o100000 {
			f.SHA256 = file.SHA256
		}
	}
	for i, f := range []format.OpenFile{
		{Kind: format.FileInotify, Inotify: &format.Inotify{
			Watches: []format.InotifyWatch{{Number: 1, File: file, Mask: 2}}, Events: make([]byte, 16),
		}},
		{Kind: format.FileFanotify, Fanotify: &format.Fanotify{Flags: 1, Marks: []format.FanotifyMark{{File: file, Mask: 2, Flags: 1}}}},
		{Kind: format.FileInet, Flags: format.ORdWr, Inet: &format.InetSocket{
			SocketCommon: format.SocketCommon{Type: 1, Protocol: 6}, Family: 2, State: 1,
			Local: make([]byte, 16), Remote: make([]byte, 16),
			TCP: &format.TCPState{SendSeq: 1, ReceiveSeq: 2, MSS: 1460, Options: 7, SendScale: 7, ReceiveScale: 7, Window: make([]byte, 20)},
		}},
	} {
		f.ID = format.ObjectID(43 + i)
		if n := f.Inet; n != nil {
			n.Local[0], n.Remote[0] = 2, 2
		}
		o.Files = append(o.Files, f)
		o.FileTables[0].Entries = append(o.FileTables[0].Entries, format.FileEntry{FD: format.FD(50 + i), File: f.ID})
	}
	o.Namespaces = []format.Namespace{
		{ID: 80, Kind: format.NSUser, UIDMap: []format.IDMap{{Outside: 1000, Count: 10}}, GIDMap: []format.IDMap{{Outside: 1000, Count: 10}}},
		{ID: 81, Kind: format.NSNet, Links: []format.NetLink{{
			Index: 1, Name: "lo", Type: "loopback", Flags: 9, MTU: 65536, Hardware: make([]byte, 6),
			Addresses: []string{"127.0.0.1/8"}, Routes: []string{"127.0.0.0/8 dev lo"},
		}}},
		{ID: 82, Kind: format.NSTime, Clocks: &format.TimeOffsets{Monotonic: 1e9, Boottime: 2e9}},
	}
	o.Seccomp = []format.SeccompFilter{{ID: 85, Program: make([]byte, 8)}, {ID: 86, Previous: 85, Program: make([]byte, 16), Flags: 2}}
	o.Cgroups = []format.Cgroup{{ID: 90, Paths: []format.CgroupPath{{
		Controllers: "cpu", Path: "/user.slice", Settings: []format.Sysctl{{Name: "cpu.shares", Value: "1024"}},
	}}}}
	for i := range img.Tasks {
		t := &img.Tasks[i]
		if t.State.Dead() {
			t.Times = &format.Times{User: 1, System: 2, Start: 3}
			continue
		}
		t.Namespaces, t.Cgroup = []format.ObjectID{80, 81, 82}, 90
		t.SeccompMode, t.Seccomp = 2, 86
	}
	img.Warnings = []format.Warning{{Task: 100, Message: "it was late"}}
	if refused(t, img) {
		t.Fatalf("the image with everything does not validate: %v", findings(t, img))
	}
	return img
}
