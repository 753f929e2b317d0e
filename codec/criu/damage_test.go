package criu_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	pagemap_pb "github.com/checkpoint-restore/go-criu/v8/crit/images/pagemap"
	"github.com/checkpoint-restore/go-criu/v8/magic"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/format"
)

// TestTruncation: a file cut anywhere is an error that names it, or an image.
func TestTruncation(t *testing.T) {
	dir := clone(ownFixture(t, "i-pidns").images)
	for name, f := range dir {
		whole := f.Data
		if strings.HasPrefix(name, "pages-") {
			continue
		}
		for n := range len(whole) {
			if len(whole) > 500 && n%13 != 0 {
				continue
			}
			dir[name] = &fstest.MapFile{Data: whole[:n]}
			_, err := criu.Format().Open(t.Context(), codec.Source{Dir: dir}, codec.Limits{})
			if err == nil {
				continue // a whole record less
			}
			if fe, ok := errors.AsType[*codec.FormatError](err); !ok || fe.File == "" {
				t.Fatalf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		dir[name] = f
	}
}

// TestFlips: changed bytes are an error or an image that can be written.
func TestFlips(t *testing.T) {
	fx := ownFixture(t, "h1-files")
	r := rand.New(rand.NewPCG(1, 2))
	for name := range fx.images {
		if strings.HasPrefix(name, "pages-") {
			continue
		}
		for range 40 {
			dir := clone(fx.images)
			b := dir[name].Data
			b[r.IntN(len(b))] ^= byte(1 << r.IntN(8))
			img, err := criu.Format().Open(t.Context(), codec.Source{Dir: dir}, codec.Limits{})
			if err != nil {
				if kindOf(err) == "" {
					t.Fatalf("%s: %v", name, err)
				}
				continue
			}
			out := written{}
			if err := criu.Format().EncodeDir(t.Context(), out, img.Image, codec.EncodeOptions{}); err != nil {
				t.Logf("%s: %v", name, err)
			} else if got := out[name]; got == nil || !bytes.Equal(got.Bytes(), b) {
				t.Errorf("%s is not written as it was", name)
			}
			img.Close()
		}
	}
}

// TestLimits: each is kept.
func TestLimits(t *testing.T) {
	dir := ownFixture(t, "b-tree").images
	for _, tt := range []struct {
		name string
		lim  codec.Limits
		kind codec.Kind
	}{
		{"none", codec.Limits{}, ""},
		{"record", codec.Limits{Record: 500}, codec.TooLarge},
		{"records", codec.Limits{Records: 10}, codec.TooLarge},
		{"tasks", codec.Limits{Tasks: 11}, codec.TooLarge},
		{"tasks that are enough", codec.Limits{Tasks: 12}, ""},
		{"memory", codec.Limits{Memory: 100 << 10}, codec.TooLarge},
		{"depth", codec.Limits{Depth: 1}, codec.Malformed},
	} {
		if _, err := tryOpen(t, dir, tt.lim); kindOf(err) != tt.kind {
			t.Errorf("%s: %v, want kind %q", tt.name, err, tt.kind)
		}
	}
	if _, err := criu.Format().Open(t.Context(), codec.Source{Name: "x", At: bytes.NewReader(nil)}, codec.Limits{}); kindOf(err) != codec.Malformed {
		t.Errorf("a file: %v", err)
	}
}

// TestUnknownFields: what a later version adds survives a rewrite.
func TestUnknownFields(t *testing.T) {
	dir := clone(ownFixture(t, "c-threads").images)
	edit(t, dir, "core-20401.img", func(l []*criu_core.CoreEntry) []*criu_core.CoreEntry {
		l[0].ProtoReflect().SetUnknown([]byte{0xfa, 0x3f, 3, 'n', 'e', 'w'}) // field 1023
		return l
	})
	dir["later-1.img"] = &fstest.MapFile{Data: []byte("what is this")}
	f := openDir(t, dir)
	if len(f.Image.Warnings) != 1 || !strings.Contains(f.Image.Warnings[0].Message, "later-1.img") {
		t.Errorf("warnings %v", f.Image.Warnings)
	}
	out, _ := encode(t, f.Image)
	if got := out["core-20401.img"]; !bytes.Equal(got.Bytes(), dir["core-20401.img"].Data) {
		t.Error("an unknown field is lost")
	}
}

// TestParents: pages that the parent image has are found there, through a chain,
// and written into an image that stands alone.
func TestParents(t *testing.T) {
	whole := ownFixture(t, "d-zombies").images
	dir := clone(whole)
	const name = "pagemap-20501.img"
	for _, f := range []string{name, "pages-2.img"} {
		dir["parent/"+f] = dir[f]
		dir["parent/parent/"+f] = dir[f]
	}
	for i, at := range []string{"", "parent/"} {
		inherit(t, dir, at+name, i == 0)
		dir[at+"pages-2.img"] = &fstest.MapFile{}
	}
	f, want := openDir(t, dir), openDir(t, whole)
	samePages(t, want.Image, f.Image)
	inherited := runsOf(t, f.Image.Pages.(format.ParentPages).ParentRuns, f.Image.Objects.Memories[0].ID)
	if all := runsOf(t, want.Image.Pages.Runs, want.Image.Objects.Memories[0].ID); len(all) == 0 || !slices.Equal(all, inherited) {
		t.Errorf("of the pages %v the parent's are said to be %v", all, inherited)
	}
	if own := runsOf(t, f.Image.Pages.(format.ParentPages).ParentRuns, f.Image.Objects.Memories[1].ID); len(own) > 0 {
		t.Errorf("pages %v are said to be the parent's", own)
	}
	out, _ := encode(t, f.Image)
	alone := openDir(t, out.dir())
	samePages(t, want.Image, alone.Image)
	if !bytes.Equal(out["pages-2.img"].Bytes(), whole["pages-2.img"].Data) {
		t.Error("the pages of the parent are not those that were there")
	}
}

// runsOf lists the page runs of an object.
func runsOf(t *testing.T, runs func(context.Context, format.ObjectID) iter.Seq2[format.PageRun, error], id format.ObjectID) []format.PageRun {
	t.Helper()
	var list []format.PageRun
	for r, err := range runs(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// inherit marks all pages of a pagemap as the parent's, in one of the two ways.
func inherit(t *testing.T, dir fstest.MapFS, name string, old bool) {
	t.Helper()
	const head = 8
	b := dir[name].Data
	n := 4 + int(binary.LittleEndian.Uint32(b[head:]))
	out, b := bytes.Clone(b[:head+n]), b[head+n:]
	for len(b) > 0 {
		n := int(binary.LittleEndian.Uint32(b))
		e := &pagemap_pb.PagemapEntry{}
		if err := proto.Unmarshal(b[4:4+n], e); err != nil {
			t.Fatal(err)
		}
		b = b[4+n:]
		if e.Flags = proto.Uint32(1); old {
			e.Flags, e.InParent, e.CompatNrPages, e.NrPages = nil, new(true), new(uint32(e.GetNrPages())), nil
		}
		p, err := proto.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(binary.LittleEndian.AppendUint32(out, uint32(len(p))), p...)
	}
	dir[name] = &fstest.MapFile{Data: out}
}

// TestParentOfItself: a chain without end is an error.
func TestParentOfItself(t *testing.T) {
	dir := clone(ownFixture(t, "d-zombies").images)
	inherit(t, dir, "pagemap-20501.img", false)
	dir["pages-2.img"] = &fstest.MapFile{}
	if _, err := tryOpen(t, &selfParent{dir}, codec.Limits{}); kindOf(err) != codec.Missing {
		t.Errorf("%v", err)
	}
}

// oldImage turns an image into one of version 1.0 as CRIU wrote it before 3.3.
func oldImage(t *testing.T, dir fstest.MapFS) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for name, f := range dir {
		b := f.Data
		if len(b) >= 8 && binary.LittleEndian.Uint32(b) == uint32(magic.LoadMagic().ByName["IMG_COMMON"]) {
			b = b[4:]
		}
		out[name] = &fstest.MapFile{Data: b}
	}
	old := map[string][]proto.Message{}
	edit(t, dir, "files.img", func(l []*fdinfo.FileEntry) []*fdinfo.FileEntry {
		for _, e := range l {
			switch {
			case e.Reg != nil:
				old["REG_FILES reg-files.img"] = append(old["REG_FILES reg-files.img"], e.Reg)
			case e.Pipe != nil:
				old["PIPES pipes.img"] = append(old["PIPES pipes.img"], e.Pipe)
			}
		}
		return l
	})
	delete(out, "files.img")
	for name, list := range old {
		m, file, _ := strings.Cut(name, " ")
		b := binary.LittleEndian.AppendUint32(nil, uint32(magic.LoadMagic().ByName[m]))
		for _, e := range list {
			p, err := proto.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(p))), p...)
		}
		out[file] = &fstest.MapFile{Data: b}
	}
	return out
}

// TestOldImage: files of version 1.0, with open files in files of their own, say
// the same.
func TestOldImage(t *testing.T) {
	dir := clone(ownFixture(t, "c-threads").images)
	want := openDir(t, dir)
	f := openDir(t, oldImage(t, dir))
	if d := gocmp.Diff(facts(want.Image), facts(f.Image)); d != "" {
		t.Errorf("the old form differs:\n%s", d)
	}
}
