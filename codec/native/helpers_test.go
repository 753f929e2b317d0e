package native

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// memPages is a page source in memory. Pages of a run that are not in pages are
// zero.
type memPages struct {
	runs  map[format.ObjectID][]format.PageRun
	pages map[format.ObjectID]map[format.PageNum][]byte
}

func newMemPages() *memPages {
	return &memPages{map[format.ObjectID][]format.PageRun{}, map[format.ObjectID]map[format.PageNum][]byte{}}
}

// add appends a run whose pages fill makes.
func (m *memPages) add(id format.ObjectID, first format.PageNum, count int, fill func(i int) []byte) {
	m.runs[id] = append(m.runs[id], format.PageRun{First: first, Count: uint64(count)})
	if m.pages[id] == nil {
		m.pages[id] = map[format.PageNum][]byte{}
	}
	for i := range count {
		if p := fill(i); p != nil {
			m.pages[id][first+format.PageNum(i)] = p
		}
	}
}

func (m *memPages) addZero(id format.ObjectID, first format.PageNum, count uint64) {
	m.runs[id] = append(m.runs[id], format.PageRun{First: first, Count: count, Zero: true})
}

func (m *memPages) Runs(_ context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		for _, r := range m.runs[id] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memPages) ReadPages(_ context.Context, id format.ObjectID, first format.PageNum, p []byte) error {
	for ; len(p) > 0; p, first = p[pageSize:], first+1 {
		if page, ok := m.pages[id][first]; ok {
			copy(p, page)
		} else {
			clear(p[:pageSize])
		}
	}
	return nil
}

// numbered is a page with contents that depend on n.
func numbered(n int) []byte {
	p := make([]byte, pageSize)
	for i := 0; i < pageSize; i += 8 {
		binary.LittleEndian.PutUint64(p[i:], uint64(n)*0x9e3779b97f4a7c15+uint64(i)*uint64(n+1))
	}
	return p
}

func encodeBytes(t testing.TB, img *format.Image, opts codec.EncodeOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Format().Encode(t.Context(), &b, img, opts); err != nil {
		t.Fatalf("encode: %v", err)
	}
	return b.Bytes()
}

func seekable(b []byte) codec.Source {
	return codec.Source{Name: "test.thaw", At: bytes.NewReader(b), Size: int64(len(b))}
}

// stream hides everything but Read.
func stream(b []byte) codec.Source {
	return codec.Source{Name: "test.thaw", Reader: struct{ io.Reader }{bytes.NewReader(b)}}
}

func openBytes(t testing.TB, b []byte) *codec.File {
	t.Helper()
	f, err := Format().Open(t.Context(), seekable(b), codec.Limits{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// wantKind checks that err is a FormatError of a kind.
func wantKind(t testing.TB, err error, kind codec.Kind) *codec.FormatError {
	t.Helper()
	fe, ok := asFormatError(err)
	if !ok {
		t.Fatalf("error %v, want a FormatError of kind %s", err, kind)
	}
	if fe.Kind != kind {
		t.Fatalf("kind %s (%v), want %s", fe.Kind, err, kind)
	}
	return fe
}

// diffModel compares all but pages. Lists that are nil and empty are the same.
func diffModel(a, b *format.Image) string {
	x, y := *a, *b
	x.Pages, y.Pages = nil, nil
	emptyAsNil(reflect.ValueOf(&x).Elem())
	emptyAsNil(reflect.ValueOf(&y).Elem())
	return gocmp.Diff(x, y, gocmp.Comparer(bytes.Equal))
}

// emptyAsNil makes copies of all that v points to, with nil for empty lists.
func emptyAsNil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range v.Fields() {
			emptyAsNil(f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			c := reflect.New(v.Type().Elem())
			c.Elem().Set(v.Elem())
			emptyAsNil(c.Elem())
			v.Set(c)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
			return
		}
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(c, v)
		v.Set(c)
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			emptyAsNil(v.Index(i))
		}
	default: // has nothing in it
	}
}

// page is a page of an object as it is compared.
type page struct {
	num  format.PageNum
	data string // empty for zeroes
}

// allPages reads all pages of an object; runs of zeroes count as such however they
// are told.
func allPages(t testing.TB, img *format.Image, id format.ObjectID) []page {
	t.Helper()
	if img.Pages == nil {
		return nil
	}
	var pages []page
	buf := make([]byte, pageSize)
	for r, err := range img.Pages.Runs(t.Context(), id) {
		if err != nil {
			t.Fatalf("runs: %v", err)
		}
		for n := r.First; n < r.End(); n++ {
			if !r.Zero {
				if err := img.Pages.ReadPages(t.Context(), id, n, buf); err != nil {
					t.Fatalf("read page %d: %v", n, err)
				}
				if !bytes.Equal(buf, zeroPage[:]) {
					pages = append(pages, page{n, string(buf)})
					continue
				}
			}
			pages = append(pages, page{n, ""})
		}
	}
	return pages
}

// wantSame checks that two images are the same, pages included.
func wantSame(t testing.TB, want, got *format.Image) {
	t.Helper()
	if d := diffModel(want, got); d != "" {
		t.Fatalf("model differs (-want +got):\n%s", d)
	}
	for _, id := range pageObjects(want) {
		if a, b := allPages(t, want, id), allPages(t, got, id); !slices.Equal(a, b) {
			t.Fatalf("pages of object %d differ: %d and %d", id, len(a), len(b))
		}
	}
}

// filler sets every field of a value to something that is not empty and differs
// from field to field.
type filler struct {
	n     int
	elems int
}

func (f *filler) fill(v reflect.Value, name string) {
	f.n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		x := int64(f.n) * 0x10203040507
		v.SetInt(x >> (63 - v.Type().Bits() + 1) * -1)
		if v.IsZero() {
			v.SetInt(-1)
		}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(math.MaxUint64 >> (64 - v.Type().Bits()) / uint64(f.n%7+1))
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d", name, f.n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), f.elems, f.elems))
		for i := range v.Len() {
			f.fill(v.Index(i), name)
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), name)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if sf := v.Type().Field(i); sf.Tag.Get("json") != "-" {
				name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
				f.fill(v.Field(i), cmp.Or(name, sf.Name))
			}
		}
	default:
		panic("the model has no " + v.Kind().String())
	}
}

// fullImage has every field of the model set.
func fullImage() *format.Image { return fullImageOf(2) }

// fullImageOf is a full image with so many elements in each list.
func fullImageOf(elems int) *format.Image {
	img := &format.Image{}
	f := &filler{elems: elems}
	f.fill(reflect.ValueOf(img).Elem(), "image")
	for i := range img.Attachments {
		img.Attachments[i].Format = "criu"
	}
	id := format.ObjectID(0)
	for _, list := range []any{&img.Objects.Memories, &img.Objects.Shared, &img.Objects.Deleted} {
		v := reflect.ValueOf(list).Elem()
		for i := range v.Len() {
			id++
			v.Index(i).FieldByName("ID").SetUint(uint64(id))
		}
	}
	return img
}

// withPages gives img pages of all sorts: alike, zero, of several objects.
func withPages(img *format.Image) *format.Image {
	m := newMemPages()
	for k, id := range pageObjects(img) {
		m.add(id, 16, 6, func(i int) []byte {
			if i == 3 {
				return nil
			}
			return numbered(i / 2)
		})
		m.addZero(id, 30, 4)
		m.add(id, 40, 2, func(i int) []byte { return numbered(100*k + i) })
	}
	img.Pages = m
	return img
}

// tasksImage has n tasks with what a running task has.
func tasksImage(n, xsave int) *format.Image {
	img := &format.Image{Provenance: format.Provenance{Arch: "amd64", PageSize: pageSize}, Root: 1}
	area := make([]byte, xsave)
	for i := range area {
		area[i] = byte(i * i >> 3)
	}
	for i := range n {
		pid := format.PID(i + 1)
		img.Tasks = append(img.Tasks, format.Task{
			TID: pid, TGID: pid, PPID: 1, PGID: 1, SID: 1, State: format.Running, ExitSignal: format.SIGCHLD, Comm: "worker",
			Process: 1, Memory: 2, Files: 3, FS: 4, Handlers: 5, Creds: 6,
			Registers: &format.Registers{AMD64: &format.RegistersAMD64{
				RIP: 0x7f00_1234_5678, RSP: 0x7ffc_0000_1000 + uint64(i)<<12, CS: 0x33, SS: 0x2b, RFlags: 0x246,
				FSBase: 0x7f00_0000_0740 + uint64(i)<<20, XSave: area,
			}},
			Rseq: &format.Rseq{Address: 0x7f00_0000_0a60, Length: 32, Signature: 0x53053053}, RobustList: &format.RobustList{Head: 0x7f00_0000_0a20, Length: 24},
			Sched: &format.Sched{Affinity: []uint64{3}},
		})
	}
	return img
}

// processesImage has n processes with what one of its own has: memory, handlers,
// descriptors.
func processesImage(n int) *format.Image {
	img := tasksImage(n, 2696)
	for i := range img.Tasks {
		t, id := &img.Tasks[i], format.ObjectID(10*i)
		t.Process, t.Memory, t.Files, t.FS, t.Handlers, t.Creds = id+1, id+2, id+3, id+4, id+5, 6
		o := &img.Objects
		o.Processes = append(o.Processes, format.Process{ID: id + 1})
		mem := format.AddressSpace{ID: id + 2, StartCode: 0x400000, Exe: format.FileRef{Path: "/usr/bin/worker", Size: 1234}}
		for k := range 20 {
			file := format.FileRef{Path: fmt.Sprintf("/usr/lib/x86_64-linux-gnu/lib%d.so.6", k/4), Size: 1 << 20, Mode: 0o100755, Device: 0x801, Inode: uint64(k / 4)}
			mem.VMAs = append(mem.VMAs, format.VMA{Start: format.Addr(k) << 16, End: format.Addr(k)<<16 + 0x4000, Prot: 3, Kind: format.VMAFile, File: file})
		}
		o.Memories = append(o.Memories, mem)
		o.FileTables = append(o.FileTables, format.FileTable{ID: id + 3, Entries: []format.FileEntry{{FD: 0, File: 7}, {FD: 1, File: 7}}})
		o.FS = append(o.FS, format.FS{ID: id + 4, Cwd: "/", Root: "/", Umask: 0o22})
		o.Handlers = append(o.Handlers, format.SignalHandlers{ID: id + 5})
	}
	return img
}

// tinyImage is one process with a few pages.
func tinyImage() *format.Image {
	img := tasksImage(1, 0)
	mem := format.AddressSpace{ID: 2, StartCode: 0x400000, Exe: format.FileRef{Path: "/bin/true", Size: 1234}}
	for i := range 20 {
		mem.VMAs = append(mem.VMAs, format.VMA{Start: format.Addr(i) << 16, End: format.Addr(i)<<16 + 0x4000, Prot: 3, Kind: format.VMAAnon})
	}
	img.Objects = format.Objects{
		Processes: []format.Process{{ID: 1}}, Memories: []format.AddressSpace{mem},
		FileTables: []format.FileTable{{ID: 3, Entries: []format.FileEntry{{FD: 0, File: 7}, {FD: 1, File: 7}}}},
		Files:      []format.OpenFile{{ID: 7, Kind: format.FileTTY, TTY: &format.TTYFile{Terminal: 8}}},
		FS:         []format.FS{{ID: 4, Cwd: "/", Root: "/", Umask: 0o22}}, Handlers: []format.SignalHandlers{{ID: 5}},
		Creds: []format.Credentials{{ID: 6}}, Terminals: []format.Terminal{{ID: 8, Path: "/dev/pts/0"}},
	}
	m := newMemPages()
	m.add(2, 0x10, 4, numbered)
	img.Pages = m
	return img
}

func reflectValue(v any) reflect.Value { return reflect.ValueOf(v) }
