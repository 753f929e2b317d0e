package linuxcr

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// zombieTree is an image of a process with n dead children.
func zombieTree(n int) []byte { return wideTree(n, false) }

// threadTree is an image of a process with n threads.
func threadTree(n int) []byte { return wideTree(n, true) }

// wideTree is an image of one process with many others below it.
func wideTree(n int, threads bool) []byte {
	d := newDialect(D3, archX8664)
	s := &synth{dialect: d}
	s.header()
	s.rec(kTree, fields{fCount: uint64(n + 1)})
	table := s.words(10, 1, 10, 10, 10, 0)
	for i := range uint32(n) {
		if threads {
			table = append(table, s.words(11+i, 1, 10, 10, 10, 0)...)
		} else {
			table = append(table, s.words(11+i, 10, 11+i, 10, 10, 0)...)
		}
	}
	s.bytes(kBuffer, table)
	s.task(fields{fExitSignal: 17}, 10, "root")
	s.newTask(0)
	for range n {
		if threads {
			s.task(fields{fExitSignal: 0xffffffff, fClearTID: 4096}, 0, "thread")
			s.newTask(1)
		} else {
			s.task(fields{fState: 64, fExitState: 16, fExitCode: 0x700}, 0, "zombie")
		}
	}
	s.rec(kTail, fields{fMagic: tailMagic})
	return s.b
}

// bigMemory is an image with n pages in one area.
func bigMemory(n int) []byte {
	d := newDialect(D3, archX8664)
	s := &synth{dialect: d}
	s.header()
	s.rec(kTree, fields{fCount: 1})
	s.bytes(kBuffer, s.words(10, 1, 10, 10, 10, 0))
	s.task(fields{fExitSignal: 17}, 10, "big")
	s.state()
	var r sharedRefs
	s.credentials(&r)
	s.rec(kTaskCreds, fields{fRef: r.cred, fRef2: r.cred})
	s.namespaces(&r)
	s.rec(kTaskNS, fields{fRef: r.ns})
	mm := s.obj(oMM)
	s.rec(kMM, fields{fCount: 1})
	s.bytes(kBuffer, make([]byte, 32)) // the auxiliary vector
	s.rec(kVMA, fields{fKind: vmaAnon, fStart: 1 << 30, fEnd: 1<<30 + uint64(n)*pageSize, fFlags: 0x73})
	for at := 0; at < n; {
		k := min(n-at, chunkPages(8))
		s.rec(kPgarr, fields{fCount: uint64(k)})
		s.head(kBuffer, k*(8+pageSize))
		for i := range k {
			s.raw(s.address(1<<30 + uint64(at+i)*pageSize)...)
		}
		s.raw(make([]byte, k*pageSize)...)
		at += k
	}
	s.rec(kPgarr, nil)
	s.rec(kMMContext, fields{fEntrySize: 8})
	s.bytes(kLDT, nil)
	s.rec(kTaskObjs, fields{fMMRef: mm})
	s.pending(0)
	s.rec(kSignalTask, nil)
	s.rec(kTail, fields{fMagic: tailMagic})
	return s.b
}

func open(b testing.TB, data []byte) *codec.File {
	f, err := Format().Open(context.Background(), seekableSource(data), codec.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	return f
}

func BenchmarkDecodePages(b *testing.B) {
	data := bigMemory(64 << 10)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		open(b, data).Close()
	}
}

// BenchmarkReadPages decodes and reads all pages.
func BenchmarkReadPages(b *testing.B) {
	data := bigMemory(64 << 10)
	p := make([]byte, 256*pageSize)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f := open(b, data)
		id := f.Image.Objects.Memories[0].ID
		for at := format.PageNum(0); at < 64<<10; at += 256 {
			if err := f.Image.Pages.ReadPages(context.Background(), id, 1<<30/pageSize+at, p); err != nil {
				b.Fatal(err)
			}
		}
		f.Close()
	}
}

func BenchmarkEncode(b *testing.B) {
	data := bigMemory(64 << 10)
	f := open(b, data)
	defer f.Close()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := Format().Encode(context.Background(), new(discard), f.Image, f.Options); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkDecodeTasks(b *testing.B) {
	for _, c := range []struct {
		name string
		make func(int) []byte
	}{{"zombies", zombieTree}, {"threads", threadTree}} {
		b.Run(fmt.Sprintf("kind=%s/tasks=100000", c.name), func(b *testing.B) {
			data := c.make(100000)
			b.ReportAllocs()
			for b.Loop() {
				open(b, data).Close()
			}
		})
	}
}

// TestHundredThousandTasks decode in a second and 200 MiB.
func TestHundredThousandTasks(t *testing.T) {
	for name, data := range map[string][]byte{"zombies": zombieTree(100000), "threads": threadTree(100000)} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		f := open(t, data)
		took := time.Since(start)
		runtime.GC()
		runtime.ReadMemStats(&after)
		held := int64(after.HeapAlloc) - int64(before.HeapAlloc)
		t.Logf("%s: %v, %d MiB held, %d MiB allocated", name, took, held>>20, (after.TotalAlloc-before.TotalAlloc)>>20)
		if held > 200<<20 {
			t.Errorf("%s: %d MiB held", name, held>>20)
		}
		if took > 10*time.Second {
			t.Errorf("%s: took %v, ten times what it should", name, took)
		}
		var b bytes.Buffer
		if err := Format().Encode(t.Context(), &b, f.Image, f.Options); err != nil {
			t.Fatal(err)
		}
		wantSameBytes(t, data, b.Bytes())
		f.Close()
	}
}
