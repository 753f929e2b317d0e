package capture

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/validate"
)

// pattern is what testdata/memory.c fills n bytes with.
func pattern(seed, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seed + i)
	}
	return b
}

func vmaAt(m *format.AddressSpace, addr format.Addr) *format.VMA {
	for i := range m.VMAs {
		if v := &m.VMAs[i]; v.Start <= addr && addr < v.End {
			return v
		}
	}
	return nil
}

// pagesOf lists the pages of an object between two numbers that are in runs.
func pagesOf(t *testing.T, img *format.Image, id format.ObjectID, from, to format.PageNum) []format.PageNum {
	t.Helper()
	var list []format.PageNum
	for r, err := range img.Pages.Runs(context.Background(), id) {
		if err != nil {
			t.Fatal(err)
		}
		for n := r.First; n < r.End(); n++ {
			if n >= from && n < to {
				list = append(list, n-from)
			}
		}
	}
	return list
}

func readPages(t *testing.T, img *format.Image, id format.ObjectID, first format.PageNum, n int) []byte {
	t.Helper()
	p := make([]byte, n*format.PageSize)
	if err := img.Pages.ReadPages(context.Background(), id, first, p); err != nil {
		t.Fatalf("pages of object %d from %d: %v", id, first, err)
	}
	return p
}

// memoryFixture is the frozen testdata/memory.c.
type memoryFixture struct {
	*testing.T
	p     *program
	img   *format.Image
	ix    *format.Index
	space *format.AddressSpace
	said  map[string][2]int
}

func freezeMemory(t *testing.T, args ...string) (*memoryFixture, *Session) {
	p := start(t, "memory", args...)
	s := p.freezeWith(Options{noMapFiles: len(args) > 0})
	f := &memoryFixture{T: t, p: p, img: s.Image(), ix: format.NewIndex(s.Image()), said: make(map[string][2]int)}
	f.space = f.ix.Memory(f.ix.Task(format.PID(p.pid)).Memory)
	for _, words := range p.said {
		if len(words) == 3 {
			f.said[words[0]] = [2]int{atoi(t, words[1]), atoi(t, words[2])}
		}
	}
	return f, s
}

func (f *memoryFixture) vma(name string) *format.VMA {
	f.Helper()
	v := vmaAt(f.space, format.Addr(f.said[name][0]))
	if v == nil {
		f.Fatalf("no VMA of %s at %#x", name, f.said[name][0])
	}
	return v
}

// own lists the pages of an area that are the process's own, from 0.
func (f *memoryFixture) own(name string) []format.PageNum {
	f.Helper()
	first := format.PageNum(f.said[name][0] / format.PageSize)
	return pagesOf(f.T, f.img, f.space.ID, first, first+format.PageNum(f.said[name][1]))
}

func (f *memoryFixture) same(what string, want, got any) {
	f.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("%s: %s", what, diff)
	}
}

func TestPrivateMemory(t *testing.T) {
	f, s := freezeMemory(t)
	defer release(t, s)
	for name, want := range map[string][]format.PageNum{
		"sparse": {1, 3}, "none": {0, 1}, "flags": nil, "grow": {0, 1}, "shared": nil, "memfd": nil,
		"memfdcow": {0}, "private": {1}, "fileshared": nil, "deleted": nil, "zero": {0},
	} {
		f.same("own pages of "+name, want, f.own(name))
	}
	at := func(name string, page int) format.PageNum {
		return format.PageNum(f.said[name][0]/format.PageSize + page)
	}
	for _, tt := range []struct {
		name       string
		page, seed int
	}{{"sparse", 1, 11}, {"sparse", 3, 13}, {"none", 0, 17}, {"none", 1, 17}, {"grow", 1, 19}, {"private", 1, 41}, {"zero", 0, 47}} {
		got := readPages(t, f.img, f.space.ID, at(tt.name, tt.page), 1)
		want := pattern(tt.seed, 4096)
		if !bytes.Equal(got, want) {
			t.Errorf("page %d of %s differs", tt.page, tt.name)
		}
	}
	// Runs of several pages, the second without the right to read.
	f.same("none, both pages", pattern(17, 8192), readPages(t, f.img, f.space.ID, at("none", 0), 2))
	flags := f.vma("flags").Flags
	want := format.VMANoReserve | format.VMADontFork | format.VMADontDump | format.VMANoHuge | format.VMALocked | format.VMALockOnFault
	if flags&want != want {
		t.Errorf("flags are %#x, want %#x in them", flags, want)
	}
	if v := f.vma("grow"); v.Kind != format.VMAStack || v.Flags&format.VMAGrowsDown == 0 {
		t.Errorf("grow %+v", v)
	}
	if v := f.vma("none"); v.Prot != 0 || v.Kind != format.VMAAnon {
		t.Errorf("none %+v", v)
	}
	if f.space.Brk != format.Addr(f.said["brk"][0]) || f.space.StartBrk == 0 || f.space.StartBrk > f.space.Brk {
		t.Errorf("brk %v to %v, want %#x", f.space.StartBrk, f.space.Brk, f.said["brk"][0])
	}
	if v := f.vma("heap"); v.Kind != format.VMAHeap {
		t.Errorf("heap %+v", v)
	}
	if !f.space.NoTHP || f.space.Dumpable != 0 || len(f.space.VDSO) != 32 || len(f.space.Auxv) < 20 {
		t.Errorf("no THP %v, dumpable %d, vdso %x, %d words of auxv", f.space.NoTHP, f.space.Dumpable, f.space.VDSO, len(f.space.Auxv))
	}
	child := f.ix.Memory(byComm(f.img)["child"].Memory)
	if child.ID == f.space.ID {
		t.Fatal("the child has the parent's memory")
	}
	if got := readPages(t, f.img, child.ID, at("sparse", 1), 1); got[0] != 77 || got[1] != 12 {
		t.Errorf("the child's page begins with %v", got[:2])
	}
	if v := vmaAt(child, format.Addr(f.said["flags"][0])); v != nil {
		t.Errorf("the child has the parent's MADV_DONTFORK area: %+v", v)
	}
}

func TestSharedMemory(t *testing.T) {
	f, s := freezeMemory(t)
	defer release(t, s)
	anon := f.vma("shared")
	if anon.Kind != format.VMAShared || !anon.SharedMap {
		t.Fatalf("shared %+v", anon)
	}
	obj := f.ix.Shared(anon.Shared)
	f.same("shared anonymous", &format.SharedMemory{ID: obj.ID, Kind: format.SharedAnon, Size: 16384}, obj)
	f.same("its pages", []format.PageNum{1}, pagesOf(t, f.img, obj.ID, 0, 100))
	f.same("its contents", pattern(23, 4096), readPages(t, f.img, obj.ID, 1, 1))
	child := f.ix.Memory(byComm(f.img)["child"].Memory)
	if v := vmaAt(child, anon.Start); v == nil || v.Shared != anon.Shared {
		t.Errorf("the child's shared memory is %+v, want object %d", v, anon.Shared)
	}
	mem, cow := f.vma("memfd"), f.vma("memfdcow")
	if mem.Shared == 0 || mem.Shared != cow.Shared || cow.SharedMap || cow.Kind != format.VMAShared {
		t.Errorf("memfd %+v, private %+v", mem, cow)
	}
	f.same("memfd", &format.SharedMemory{
		ID: mem.Shared, Kind: format.SharedMemfd, Size: 10000, Name: "a name", Seals: 4, MemfdFlags: 2, Mode: 0o777,
	}, f.ix.Shared(mem.Shared))
	f.same("its last page", append(pattern(29, 1808), make([]byte, 4096-1808)...), readPages(t, f.img, mem.Shared, 2, 1))
	table := f.ix.FileTable(f.ix.Task(format.PID(f.p.pid)).Files)
	i := slices.IndexFunc(table.Entries, func(e format.FileEntry) bool { return int(e.FD) == f.said["memfdfd"][0] })
	if file := f.ix.File(table.Entries[i].File); file.Memfd == nil || file.Memfd.Shared != mem.Shared {
		t.Errorf("the memfd's descriptor: %+v", file)
	}
}

// TestWithoutMapFiles captures as a program without CAP_CHECKPOINT_RESTORE.
func TestWithoutMapFiles(t *testing.T) {
	f, s := freezeMemory(t, "no deleted file")
	defer release(t, s)
	anon := f.ix.Shared(f.vma("shared").Shared)
	f.same("shared anonymous", &format.SharedMemory{ID: anon.ID, Kind: format.SharedAnon, Size: 16384}, anon)
	f.same("its pages", []format.PageNum{0, 1, 2, 3}, pagesOf(t, f.img, anon.ID, 0, 100))
	f.same("its contents", pattern(23, 4096), readPages(t, f.img, anon.ID, 0, 4)[4096:8192])
	mem := f.ix.Shared(f.vma("memfd").Shared)
	f.same("memfd", &format.SharedMemory{
		ID: mem.ID, Kind: format.SharedMemfd, Size: 10000, Name: "a name", Seals: 4, MemfdFlags: 2, Mode: 0o777,
	}, mem)
	f.same("its last page", append(pattern(29, 1808), make([]byte, 4096-1808)...), readPages(t, f.img, mem.ID, 2, 1))
	path := filepath.Join(f.p.dir, "file")
	if v := f.vma("private"); v.File.Path != path || v.File.Size != 12288 || v.File.Inode == 0 {
		t.Errorf("private %+v", v)
	}

	p := start(t, "memory")
	_, err := Freeze(context.Background(), format.PID(p.pid), Options{noMapFiles: true})
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Findings[0].Code != validate.CodePermission {
		t.Errorf("a deleted file: %v", err)
	}
}

func TestMappedFiles(t *testing.T) {
	f, s := freezeMemory(t)
	defer release(t, s)
	path := filepath.Join(f.p.dir, "file")
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	v := f.vma("private")
	want := format.FileRef{
		Path: path, Device: v.File.Device, Inode: v.File.Inode, Size: 12288, Mode: 0o100640, MTime: st.ModTime().UnixNano(),
	}
	f.same("private file", want, v.File)
	if v.Offset != 4096 || v.Kind != format.VMAFile || v.SharedMap {
		t.Errorf("private %+v", v)
	}
	if v := f.vma("fileshared"); v.File.Inode != want.Inode || !v.SharedMap {
		t.Errorf("shared file %+v", v)
	}
	del := f.vma("deleted")
	f.same("deleted file", &format.DeletedFile{
		ID: del.File.Deleted, Path: filepath.Join(f.p.dir, "gone"), Size: 12388, Mode: 0o100600,
	}, f.ix.Deleted(del.File.Deleted))
	pages := pagesOf(t, f.img, del.File.Deleted, 0, 100)
	if len(pages) < 2 || !slices.Contains(pages, 2) || !slices.Contains(pages, 3) {
		t.Errorf("pages of the deleted file: %v", pages)
	}
	f.same("its third page", pattern(43, 4096), readPages(t, f.img, del.File.Deleted, 2, 1))
	exe := f.space.Exe
	if exe.Path != filepath.Join(f.p.dir, "memory") || len(exe.BuildID) != 20 {
		t.Errorf("exe %+v", exe)
	}
}

// TestMapsAreBack checks that nothing of ours stays in the program's memory.
func TestMapsAreBack(t *testing.T) {
	p := start(t, "memory")
	var r procfs.Reader
	before, err := r.Maps(p.pid)
	if err != nil {
		t.Fatal(err)
	}
	s := p.freeze()
	during, err := r.Maps(p.pid)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, during); diff != "" {
		t.Errorf("while frozen: %s", diff)
	}
	space := format.NewIndex(s.Image()).Memory(s.Image().Tasks[0].Memory)
	if len(space.VMAs) != len(before) {
		t.Errorf("%d VMAs, maps has %d", len(space.VMAs), len(before))
	}
	release(t, s)
	p.finish()
}

// TestReleaseInRuns releases the tree while its pages are being listed.
func TestReleaseInRuns(t *testing.T) {
	p := start(t, "memory")
	s := p.freeze()
	img := s.Image()
	runs := 0
	var last error
	for _, err := range img.Pages.Runs(context.Background(), img.Tasks[0].Memory) {
		runs++
		if last = err; runs == 1 {
			release(t, s)
		}
	}
	if runs < 2 || (last != nil && !errors.Is(last, ErrReleased)) {
		t.Errorf("%d runs, the last with error %v", runs, last)
	}
	p.finish()
}

func TestPagesAfterRelease(t *testing.T) {
	p := start(t, "memory")
	s := p.freeze()
	img := s.Image()
	id := img.Tasks[0].Memory
	release(t, s)
	for _, err := range img.Pages.Runs(context.Background(), id) {
		if !errors.Is(err, ErrReleased) {
			t.Errorf("Runs after Release: %v", err)
		}
	}
	if err := img.Pages.ReadPages(context.Background(), id, 0, make([]byte, 4096)); !errors.Is(err, ErrReleased) {
		t.Errorf("ReadPages after Release: %v", err)
	}
}

// TestUnnamedLockOnFault: older kernels, as Linux 6.1, have no name in smaps for
// what MLOCK_ONFAULT sets.
func TestUnnamedLockOnFault(t *testing.T) {
	named := namesLockOnFault
	t.Cleanup(func() { namesLockOnFault = named })
	for _, tt := range []struct {
		flags string
		named bool
		want  format.VMAFlags
	}{
		{"rdwrmrmwmelo??ac", false, format.VMALocked | format.VMALockOnFault | format.VMAAccount},
		{"rdwrmrmwmelo??ac", true, format.VMALocked | format.VMAAccount},
		{"rdwrmrmwmelolfac", true, format.VMALocked | format.VMALockOnFault | format.VMAAccount},
		{"rdwrmrmwme??ac", false, format.VMAAccount},
		{"rdwrmrmwmeloac", false, format.VMALocked | format.VMAAccount},
	} {
		namesLockOnFault = func() bool { return tt.named }
		c := newCapturer(1, Options{})
		v, err := c.readVMA(&task{}, &procfs.Map{Start: 0x1000, End: 0x2000, Read: true, Write: true, VMFlags: tt.flags})
		if err != nil || v.Flags != tt.want {
			t.Errorf("%s, named %t: flags %#x, %v; want %#x", tt.flags, tt.named, v.Flags, err, tt.want)
		}
	}
}
