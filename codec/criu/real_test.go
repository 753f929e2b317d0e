package criu_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// TestRealImages: real images are valid, and come back byte for byte.
func TestRealImages(t *testing.T) {
	realImages(t, func(t *testing.T, fx fixture) {
		f := openDir(t, fx.images)
		if got := f.Image.Provenance.ToolVersion; got != "4.2 or later" {
			t.Errorf("written by %q", got)
		}
		if found := validate.Image(t.Context(), f.Image, validate.Options{}); validate.HasErrors(found) {
			t.Errorf("findings: %v", found)
		}
		out, losses := encode(t, f.Image)
		if len(losses) != 0 {
			t.Errorf("losses: %v", losses)
		}
		sameFiles(t, out, fx)
	})
}

func sameFiles(t *testing.T, out written, fx fixture) {
	t.Helper()
	for name, want := range fx.images {
		if got := out[name]; got == nil || !bytes.Equal(got.Bytes(), want.Data) {
			t.Errorf("%s is not written as it was", name)
		}
	}
	for name := range out {
		if fx.images[name] == nil {
			t.Errorf("%s is written and was not there", name)
		}
	}
}

// TestDetectDir: an image is told by its inventory or its processes.
func TestDetectDir(t *testing.T) {
	fx := ownFixture(t, "i-pidns")
	if !criu.Format().DetectDir(fx.images) {
		t.Error("an image is not told")
	}
	dir := clone(fx.images)
	delete(dir, "inventory.img")
	if !criu.Format().DetectDir(dir) {
		t.Error("an image without inventory.img is not told")
	}
	delete(dir, "pstree.img")
	if criu.Format().DetectDir(dir) {
		t.Error("a directory without both is taken for an image")
	}
	if criu.Format().Detect([]byte("anything")) {
		t.Error("a file is taken for an image")
	}
}

// plain is an image without what its attachments say, so that it is written anew.
func plain(img *format.Image) *format.Image {
	out := *img
	out.Attachments = slices.DeleteFunc(slices.Clone(img.Attachments), func(a format.Attachment) bool { return a.Record != "vdso" })
	return &out
}

// facts are what an image says of its tasks, with what numbers of objects refer to
// in their place.
func facts(img *format.Image) map[string]any {
	ix := format.NewIndex(img)
	out := map[string]any{}
	for i := range img.Tasks {
		t := img.Tasks[i]
		if mm := ix.Memory(t.Memory); mm != nil {
			mm := *mm
			mm.ID = 0
			mm.VMAs = slices.Clone(mm.VMAs)
			for j := range mm.VMAs {
				v := &mm.VMAs[j]
				v.Shared, v.File.Deleted = 0, 0
			}
			mm.Exe.Deleted = 0
			out[key("memory", t.TID)] = mm
		}
		if p := ix.Process(t.Process); p != nil {
			p := *p
			p.ID, p.Terminal = 0, 0
			out[key("process", t.TID)] = p
		}
		if c := ix.Creds(t.Creds); c != nil {
			c := *c
			c.ID = 0
			out[key("creds", t.TID)] = c
		}
		if fs := ix.FS(t.FS); fs != nil {
			fs := *fs
			fs.ID = 0
			out[key("fs", t.TID)] = fs
		}
		if h := ix.Handlers(t.Handlers); h != nil {
			out[key("handlers", t.TID)] = h.Actions
		}
		if ft := ix.FileTable(t.Files); ft != nil {
			for _, e := range ft.Entries {
				out[key("descriptor", t.TID, int32(e.FD))] = fileFacts(ix, ix.File(e.File))
			}
		}
		t.Process, t.Memory, t.Files, t.FS, t.Handlers, t.Creds, t.Seccomp, t.Cgroup, t.Namespaces = 0, 0, 0, 0, 0, 0, 0, 0, nil
		out[key("task", t.TID)] = t
	}
	return out
}

// fileFacts are an open file with what it refers to in place of numbers.
func fileFacts(ix *format.Index, f *format.OpenFile) any {
	o := *f
	o.ID = 0
	var more any
	switch {
	case o.Regular != nil:
		r := *o.Regular
		if d := ix.Deleted(r.File.Deleted); d != nil {
			d := *d
			d.ID = 0
			more = d
		}
		r.File.Deleted = 0
		o.Regular = &r
	case o.Pipe != nil:
		b := *ix.Pipe(o.Pipe.Buffer)
		b.ID = 0
		o.Pipe, more = nil, b
	case o.Memfd != nil:
		m := *ix.Shared(o.Memfd.Shared)
		m.ID = 0
		o.Memfd, more = nil, m
	case o.Unix != nil:
		s := *o.Unix
		s.Inode, s.Namespace = 0, 0
		peer := ix.File(s.Peer) != nil
		s.Peer = 0
		o.Unix, more = &s, peer
	}
	return []any{o, more}
}

func key(n ...any) string { return fmt.Sprintln(n...) }

// TestWriteAnew: an image written without its attachments says the same.
func TestWriteAnew(t *testing.T) {
	realImages(t, func(t *testing.T, fx fixture) {
		f := openDir(t, fx.images)
		out, losses := encode(t, plain(f.Image))
		// Settings of namespaces are read, and not written anew.
		losses = slices.DeleteFunc(losses, func(l codec.Loss) bool { return l.Code == codec.LossNamespace })
		if len(losses) != 0 {
			t.Errorf("losses: %v", losses)
		}
		for name, b := range out {
			// Headers are those that CRIU writes; numbers in names may differ.
			if real := fx.images[name]; real != nil && !strings.HasPrefix(name, "pages-") && !bytes.HasPrefix(b.Bytes(), real.Data[:4]) {
				t.Errorf("%s begins with % x, CRIU's with % x", name, b.Bytes()[:4], real.Data[:4])
			}
		}
		again := openDir(t, out.dir())
		if d := gocmp.Diff(facts(f.Image), facts(again.Image)); d != "" {
			t.Errorf("the image written anew differs:\n%s", d)
		}
		samePages(t, f.Image, again.Image)
	})
}

// samePages compares the memory of all processes, and shared memory.
func samePages(t *testing.T, a, b *format.Image) {
	t.Helper()
	ia, ib := format.NewIndex(a), format.NewIndex(b)
	compared := 0
	for i := range a.Tasks {
		ta, tb := &a.Tasks[i], ib.Task(a.Tasks[i].TID)
		if ta.Memory != 0 && ta.Leader() {
			compared += sameObjectPages(t, a, b, ta.Memory, tb.Memory)
		}
	}
	for i := range a.Objects.Shared {
		compared += sameObjectPages(t, a, b, a.Objects.Shared[i].ID, sharedLike(a, ia, ib, &a.Objects.Shared[i]))
	}
	if compared == 0 {
		t.Error("no page was compared")
	}
}

// sharedLike finds the shared memory of the other image that is mapped where this
// one is.
func sharedLike(a *format.Image, ia, ib *format.Index, o *format.SharedMemory) format.ObjectID {
	for i := range a.Tasks {
		t := &a.Tasks[i]
		mm := ia.Memory(t.Memory)
		if mm == nil {
			continue
		}
		for i, v := range mm.VMAs {
			if v.Shared == o.ID {
				return ib.Memory(ib.Task(t.TID).Memory).VMAs[i].Shared
			}
		}
		for _, e := range ia.FileTable(t.Files).Entries {
			if f := ia.File(e.File); f.Memfd != nil && f.Memfd.Shared == o.ID {
				for _, x := range ib.FileTable(ib.Task(t.TID).Files).Entries {
					if x.FD == e.FD {
						return ib.File(x.File).Memfd.Shared
					}
				}
			}
		}
	}
	return 0
}

func sameObjectPages(t *testing.T, a, b *format.Image, ida, idb format.ObjectID) int {
	t.Helper()
	n := 0
	for r, err := range a.Pages.Runs(t.Context(), ida) {
		if err != nil {
			t.Fatal(err)
		}
		x, y := make([]byte, r.Count*format.PageSize), make([]byte, r.Count*format.PageSize)
		if err := a.Pages.ReadPages(t.Context(), ida, r.First, x); err != nil {
			t.Fatal(err)
		}
		if err := b.Pages.ReadPages(t.Context(), idb, r.First, y); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x, y) {
			t.Errorf("pages from %s differ", r.First.Addr())
		}
		n += int(r.Count)
	}
	return n
}

// TestLosses: what would be lost is told without writing, too.
func TestLosses(t *testing.T) {
	img := plain(openDir(t, ownFixture(t, "c-threads").images).Image)
	img.Tasks = slices.Clone(img.Tasks)
	sched := *img.Tasks[0].Sched
	sched.Affinity = []uint64{1}
	img.Tasks[0].Sched = &sched
	_, written := encode(t, img)
	told, err := criu.Format().DirLosses(t.Context(), img, codec.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(written, told); d != "" {
		t.Errorf("losses of writing and told differ:\n%s", d)
	}
	if len(told) != 1 || told[0].Code != codec.LossSched || told[0].Task != img.Tasks[0].TID {
		t.Errorf("losses %v, want the affinity", told)
	}
}
