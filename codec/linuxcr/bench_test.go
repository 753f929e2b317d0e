package linuxcr

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// zombieTree is an image of a process with n dead children.
func zombieTree(n int) []byte {
	return wideTree(n, false, func(s *synth) {
		s.task(fields{fState: 64, fExitState: 16, fExitCode: 0x700}, 0, "zombie")
	})
}

// threadTree is an image of a process with n threads.
func threadTree(n int) []byte {
	return wideTree(n, true, func(s *synth) {
		s.task(fields{fExitSignal: 0xffffffff, fClearTID: 4096}, 0, "thread")
		s.newTask(1)
	})
}

// distinctTree is threadTree with floating point state that no two threads have
// alike.
func distinctTree(n int) []byte {
	i := uint32(0)
	return wideTree(n, true, func(s *synth) {
		s.task(fields{fExitSignal: 0xffffffff, fClearTID: 4096}, 0, "thread")
		begin := len(s.b)
		s.newTask(1)
		at := begin + bytes.Index(s.b[begin:], s.words(s.numberOf[kFPU], headerSize+512)) + headerSize
		const xmm0 = 160
		i++
		binary.LittleEndian.PutUint32(s.b[at+xmm0:], i)
	})
}

// processTree is an image of a process with n living children that share its
// memory and files.
func processTree(n int) []byte {
	return wideTree(n, false, func(s *synth) {
		s.task(fields{fExitSignal: 17, fClearTID: 4096}, 0, "process")
		s.state()
		r := synthRefs
		s.rec(kTaskCreds, fields{fRef: r.cred, fRef2: r.cred})
		s.rec(kTaskNS, fields{fRef: r.ns})
		s.next++
		s.rec(kTaskObjs, fields{fFilesRef: r.files, fMMRef: r.mm, fFSRef: r.fs, fSighandRef: r.hand, fSignalRef: uint64(s.next)})
		l := s.layout(kSignal)
		s.bytes(kSignal, make([]byte, l.size-l.head))
		s.pending(0)
		s.pending(10)
		s.rec(kSignalTask, nil)
	})
}

// wideTree is an image of one process with many others below it, each of which
// has a section of its own.
func wideTree(n int, threads bool, section func(*synth)) []byte {
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
		section(s)
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

// wideTrees are the trees of many tasks.
var wideTrees = []struct {
	name string
	make func(int) []byte
}{{"zombies", zombieTree}, {"threads", threadTree}, {"distinct", distinctTree}, {"processes", processTree}}

// commandPercent is the pace at which the command collects a large heap
// (cmd/thaw/memory.go).
const commandPercent = 35

// BenchmarkDecodeTasks reads images of many tasks from files, as a command does,
// and says what the process needs at most.
func BenchmarkDecodeTasks(b *testing.B) {
	for _, c := range wideTrees {
		b.Run(fmt.Sprintf("kind=%s/tasks=100000", c.name), func(b *testing.B) {
			file := imageFile(b, c.make(100000))
			info, err := file.Stat()
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			b.ReportAllocs()
			defer debug.SetGCPercent(debug.SetGCPercent(commandPercent))
			debug.FreeOSMemory()
			if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				f, err := Format().Open(b.Context(), codec.Source{Name: c.name, At: file, Size: info.Size()}, codec.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				f.Close()
			}
			b.ReportMetric(peakMiB(b), "MiB-peak")
			b.ReportMetric(heldMiB(b, file, info.Size()), "MiB-held")
		})
	}
}

// imageFile is an image in a file.
func imageFile(b testing.TB, data []byte) *os.File {
	name := filepath.Join(b.TempDir(), "image")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return f
}

// heldMiB is what an image that is open takes.
func heldMiB(b *testing.B, file *os.File, size int64) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f, err := Format().Open(b.Context(), codec.Source{Name: "image", At: file, Size: size}, codec.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	f.Close()
	return float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)) / (1 << 20)
}

// peakMiB is the most memory that this process had since the peak was reset.
func peakMiB(b testing.TB) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}

// TestHundredThousandTasks: they are held in 200 MiB, and written again as they
// were.
func TestHundredThousandTasks(t *testing.T) {
	for _, c := range wideTrees {
		data := c.make(100000)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		f := open(t, data)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 200<<20 {
			t.Errorf("%s: %d MiB held", c.name, held>>20)
		}
		if n := len(f.Image.Tasks); n != 100001 {
			t.Errorf("%s: %d tasks", c.name, n)
		}
		var b bytes.Buffer
		if err := Format().Encode(t.Context(), &b, f.Image, f.Options); err != nil {
			t.Fatal(err)
		}
		wantSameBytes(t, data, b.Bytes())
		f.Close()
	}
}
