package main

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/format"
)

// samplePages holds one page of data, which says what it is.
type samplePages struct{}

const samplePage = 0x7_ffff_ff00

func (samplePages) Runs(_ context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		if id == 2 {
			yield(format.PageRun{First: samplePage, Count: 16}, nil)
		}
	}
}

func (samplePages) ReadPages(_ context.Context, _ format.ObjectID, first format.PageNum, p []byte) error {
	for i := range len(p) / format.PageSize {
		copy(p[i*format.PageSize:], fmt.Sprintf("page %d", uint64(first)+uint64(i)))
	}
	return nil
}

// sampleImage is a valid image that no engine made: a root with a thread, a
// stopped child and a zombie.
func sampleImage() *format.Image {
	regs := func() *format.Registers {
		return &format.Registers{AMD64: &format.RegistersAMD64{
			RIP: 0x401000, RSP: 0x7fff_fff0_8000, RFlags: 0x202, CS: 0x33, SS: 0x2b, OrigAX: ^uint64(0),
		}}
	}
	task := func(tid, tgid, ppid format.PID) format.Task {
		return format.Task{
			TID: tid, TGID: tgid, PPID: ppid, PGID: 1000, SID: 1000, State: format.Running, Comm: "sample",
			Process: 1, Memory: 2, Files: 3, FS: 4, Handlers: 5, Creds: 6, Registers: regs(), ExitSignal: format.SIGCHLD,
		}
	}
	root, thread, child := task(1000, 1000, 1), task(1001, 1000, 1), task(1002, 1002, 1000)
	thread.ExitSignal = 0
	child.State, child.StopSignal, child.Comm = format.Stopped, format.SIGSTOP, "child"
	child.Process, child.Memory, child.Handlers, child.Files, child.PGID = 7, 8, 9, 10, 1002
	zombie := format.Task{
		TID: 1003, TGID: 1003, PPID: 1000, PGID: 1000, SID: 1000, State: format.Zombie,
		Status: format.SignalStatus(format.SIGSEGV, true), Comm: "crashed", ExitSignal: format.SIGCHLD,
	}
	memory := func(id format.ObjectID) format.AddressSpace {
		return format.AddressSpace{
			ID: id, Dumpable: 1, Exe: format.FileRef{Path: "/usr/bin/sample", Size: 4096, Mode: 0o100755},
			VMAs: []format.VMA{
				{Start: 0x400000, End: 0x402000, Prot: format.ProtRead | format.ProtExec, Kind: format.VMAFile, File: format.FileRef{Path: "/usr/bin/sample", Size: 8192, Mode: 0o100755}},
				{Start: 0x7fff_fff0_0000, End: 0x7fff_fff1_0000, Prot: format.ProtRead | format.ProtWrite, Kind: format.VMAStack, Name: "[stack]", Flags: format.VMAGrowsDown},
			},
		}
	}
	null := format.FileEntry{FD: 0, File: 11}
	return &format.Image{
		Provenance: format.Provenance{Tool: "thaw", ToolVersion: version, Kernel: "6.18.0", Arch: "amd64", PageSize: format.PageSize, Host: "ground", Time: 1_763_700_000_000_000_000},
		Root:       1000,
		Tasks:      []format.Task{root, thread, child, zombie},
		Objects: format.Objects{
			Processes:  []format.Process{{ID: 1}, {ID: 7}},
			Memories:   []format.AddressSpace{memory(2), memory(8)},
			FileTables: []format.FileTable{{ID: 3, Entries: []format.FileEntry{null, {FD: 1, File: 12}}}, {ID: 10, Entries: []format.FileEntry{null, {FD: 1, File: 13}}}},
			Files: []format.OpenFile{
				{ID: 11, Kind: format.FileDevice, Flags: format.ORdWr, Device: &format.DeviceFile{File: format.FileRef{Path: "/dev/null", Mode: 0o20666}, Major: 1, Minor: 3}},
				{ID: 12, Kind: format.FilePipe, Flags: format.OWrOnly, Pipe: &format.PipeEnd{Buffer: 14}},
				{ID: 13, Kind: format.FilePipe, Flags: format.ORdOnly, Pipe: &format.PipeEnd{Buffer: 14}},
			},
			Pipes:    []format.PipeBuffer{{ID: 14, Capacity: 65536, Data: []byte("unread")}},
			FS:       []format.FS{{ID: 4, Cwd: "/", Root: "/", Umask: 0o22}},
			Handlers: []format.SignalHandlers{{ID: 5}, {ID: 9}},
			Creds:    []format.Credentials{{ID: 6}},
		},
		Pages: samplePages{},
	}
}

// encode gives the bytes of an image in thaw's own format.
func encode(t testing.TB, img *format.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	err := codec.NewRegistry(native.Format()).Encode(context.Background(), &b, img, captureFormat, codec.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
