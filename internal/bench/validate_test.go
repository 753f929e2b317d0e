package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/live"
)

// forest is a valid image that no engine made: a root with n children, each with
// memory, files and all else of its own.
func forest(n int) *format.Image {
	img := &format.Image{
		Provenance: format.Provenance{Tool: "thaw", Arch: "amd64", PageSize: format.PageSize, Kernel: "6.18.0"},
		Root:       1000,
	}
	o := &img.Objects
	o.FS = []format.FS{{ID: 1, Cwd: "/", Root: "/", Umask: 0o22}}
	o.Creds = []format.Credentials{{ID: 2}}
	o.Files = []format.OpenFile{{
		ID: 3, Kind: format.FileDevice, Flags: format.ORdWr,
		Device: &format.DeviceFile{File: format.FileRef{Path: "/dev/null", Mode: 0o20666}, Major: 1, Minor: 3},
	}}
	program := format.FileRef{Path: "/usr/bin/sample", Size: 8192, Mode: 0o100755}
	for i := range n + 1 {
		pid, id := format.PID(1000+i), format.ObjectID(4+4*i)
		t := format.Task{
			TID: pid, TGID: pid, PPID: 1000, PGID: 1000, SID: 1000, State: format.Running, Comm: "sample", ExitSignal: format.SIGCHLD,
			Process: id, Memory: id + 1, Files: id + 2, Handlers: id + 3, FS: 1, Creds: 2,
			Registers: &format.Registers{AMD64: &format.RegistersAMD64{
				RIP: 0x401000, RSP: 0x7fff_fff0_8000, RFlags: 0x202, CS: 0x33, SS: 0x2b, OrigAX: ^uint64(0),
			}},
		}
		if i == 0 {
			t.PPID = 1
		}
		img.Tasks = append(img.Tasks, t)
		o.Processes = append(o.Processes, format.Process{ID: id})
		o.Memories = append(o.Memories, format.AddressSpace{ID: id + 1, Dumpable: 1, Exe: program, VMAs: []format.VMA{
			{Start: 0x400000, End: 0x402000, Prot: format.ProtRead | format.ProtExec, Kind: format.VMAFile, File: program},
			{Start: 0x7fff_fff0_0000, End: 0x7fff_fff1_0000, Prot: format.ProtRead | format.ProtWrite, Kind: format.VMAStack, Name: "[stack]", Flags: format.VMAGrowsDown},
		}})
		o.FileTables = append(o.FileTables, format.FileTable{ID: id + 2, Entries: []format.FileEntry{{FD: 0, File: 3}}})
		o.Handlers = append(o.Handlers, format.SignalHandlers{ID: id + 3})
	}
	return img
}

// forestFile writes a forest in thaw's own format.
func forestFile(b *testing.B, n int) string {
	b.Helper()
	name := filepath.Join(b.TempDir(), "forest.thaw")
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	err = codec.NewRegistry(native.Format()).Encode(b.Context(), file, forest(n), "thaw", codec.EncodeOptions{})
	if err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	return name
}

// BenchmarkValidate measures thaw validate, pages and plan too. Its floor is how
// long the command takes to start, do nothing and exit.
func BenchmarkValidate(b *testing.B) {
	validate := func(b *testing.B, w *live.World, name string, args ...string) {
		r := &row{name: "validate " + name, floorName: "thaw version"}
		measure(b, r, func() time.Duration { return w.Measured("version").Took }, func() live.Run {
			return w.Measured(append([]string{"validate"}, args...)...)
		}, func() {})
	}
	for i := range kinds {
		k := &kinds[i]
		if k.name != "tiny" && k.name != "procs=500" && k.name != "mem=1GiB" {
			continue
		}
		b.Run(k.name, func(b *testing.B) {
			w := world(b)
			validate(b, w, k.name, image(b, w, k))
		})
	}
	for _, mode := range []string{"", "all"} {
		const n = 100_000
		name := fmt.Sprintf("tasks=%d", n)
		args := []string{}
		if mode != "" {
			name += "/mode=" + mode
			args = append(args, "--mode", mode)
		}
		b.Run(name, func(b *testing.B) {
			w := world(b)
			validate(b, w, name, append(args, forestFile(b, n))...)
		})
	}
}
