package criu

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	ghost_file "github.com/checkpoint-restore/go-criu/v8/crit/images/ghost-file"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// same is an image whose attachments are files of CRIU that say what the model
// says: they are written as they are.
type same struct {
	ctx context.Context
	img *format.Image
	dec *decoder
	// vdsos are the codes of vdsos by their SHA-256 in hexadecimal.
	vdsos map[string][]byte
}

// openSame decodes the attachments of an image; nil if there are none, or if they
// say something else than the model.
func openSame(ctx context.Context, img *format.Image) (*same, error) {
	dir := map[string][]byte{}
	s := &same{ctx: ctx, img: img, vdsos: map[string][]byte{}}
	for i := range img.Attachments {
		a := &img.Attachments[i]
		if a.Format != formatName {
			continue
		}
		if a.Record == recordVDSO {
			s.vdsos[a.Place] = a.Data
			continue
		}
		k, _ := parseName(a.Place)
		if k == nil || k.prefix != a.Record || dir[a.Place] != nil || k.prefix == kPages {
			return nil, nil
		}
		dir[a.Place] = a.Data
	}
	if len(dir) == 0 {
		return nil, nil
	}
	if err := s.decode(dir); err != nil {
		if _, bad := errors.AsType[*codec.FormatError](err); bad {
			return nil, nil
		}
		return nil, err
	}
	a, err := digest(img)
	if err != nil {
		return nil, err
	}
	b, err := digest(s.dec.img)
	if err != nil || !bytes.Equal(a, b) {
		return nil, err
	}
	return s, nil
}

// decode makes a model of the attachments, without the contents of pages and
// ghost files.
func (s *same) decode(dir map[string][]byte) error {
	im, err := bareImage(s.ctx, dir, budget{lim: codec.Limits{}.WithDefaults(), used: &atomic.Int64{}})
	if err != nil {
		return err
	}
	s.dec = newDecoder(s.ctx, im)
	return s.dec.decode()
}

// digest is a hash of all that a model says, but for what the contents of pages
// tell.
func digest(img *format.Image) ([]byte, error) {
	h := sha256.New()
	d := digester{enc: json.NewEncoder(h)}
	for _, t := range img.Tasks {
		if t.Restart != nil {
			r := *t.Restart
			r.Remaining, r.Known = 0, false
			t.Restart = &r
		}
		d.add(t)
	}
	for _, m := range img.Objects.Memories {
		m.VDSO, m.VDSOLayout = nil, nil
		d.add(m)
	}
	o := img.Objects
	o.Memories = nil
	addAll(&d, o.Processes)
	addAll(&d, o.Shared)
	addAll(&d, o.FileTables)
	addAll(&d, o.Files)
	addAll(&d, o.Pipes)
	addAll(&d, o.Deleted)
	addAll(&d, o.FS)
	addAll(&d, o.Handlers)
	addAll(&d, o.Creds)
	addAll(&d, o.Terminals)
	addAll(&d, o.Semaphores)
	addAll(&d, o.Messages)
	addAll(&d, o.Namespaces)
	addAll(&d, o.Seccomp)
	addAll(&d, o.Cgroups)
	return h.Sum(nil), d.err
}

type digester struct {
	enc *json.Encoder
	err error
}

func (d *digester) add(v any) {
	if d.err == nil {
		d.err = d.enc.Encode(v)
	}
}

func addAll[T any](d *digester, list []T) {
	d.add(len(list))
	for i := range list {
		d.add(&list[i])
	}
}

// write writes all files.
func (s *same) write(dst codec.DirWriter) error {
	for _, f := range s.dec.image.files {
		var err error
		switch f.prefix {
		case kPagemap, kShmemMap:
			err = s.pagemap(dst, f)
		case kGhost:
			err = s.ghost(dst, f)
		default:
			err = writeFile(dst, f.name, f.data)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return nil
}

func writeFile(dst codec.DirWriter, name string, data []byte) error {
	o, err := create(dst, name)
	if err != nil {
		return err
	}
	o.bytes(data)
	return o.done()
}

// pagemap writes a pagemap with its pages. What the parent had becomes present.
func (s *same) pagemap(dst codec.DirWriter, f *file) error {
	list, err := s.dec.mapEntries(f)
	if err != nil {
		return err
	}
	inherits := false
	for i := range list {
		inherits = inherits || list[i].flags&present == 0
	}
	if !inherits {
		if err := writeFile(dst, f.name, f.data); err != nil {
			return err
		}
		return s.pagesFile(dst, f, list)
	}
	o, err := create(dst, f.name)
	if err != nil {
		return err
	}
	o.bytes(f.data[:f.body])
	o.record(headMessage(f.pages.id))
	whole := make([]mapEntry, 0, len(list))
	for _, e := range list {
		e.flags = e.flags&^inParent | present
		whole = append(whole, e)
		o.record(entryMessage(e))
	}
	if err := o.done(); err != nil {
		return err
	}
	return s.pagesFile(dst, f, whole)
}

func (s *same) pagesFile(dst codec.DirWriter, f *file, list []mapEntry) error {
	owner, ok := s.dec.pageOwners[f.name]
	if s.img.Pages == nil || !ok || len(list) == 0 {
		if ok || len(list) == 0 {
			return writeFile(dst, kindNamed(kPages).name(uint64(f.pages.id)), nil)
		}
		return nil
	}
	mm := at(s.img.Objects.Memories, owner, func(o *format.AddressSpace) format.ObjectID { return o.ID })
	return writePages(s.ctx, dst, f.pages.id, list, func(ctx context.Context, first format.PageNum, p []byte) error {
		return readWithVDSO(ctx, s.img, owner, mm, s.vdsos, first, p)
	})
}

// readWithVDSO reads pages of an object. Those of a vdso are not the object's but
// those of the code that its address space names.
func readWithVDSO(ctx context.Context, img *format.Image, id format.ObjectID, mm *format.AddressSpace, vdsos map[string][]byte, first format.PageNum, p []byte) error {
	for ; len(p) > 0; p, first = p[format.PageSize:], first+1 {
		code, special := vdsoPage(mm, vdsos, first)
		if special {
			copy(p[:format.PageSize], code)
			clear(p[len(code):format.PageSize])
			continue
		}
		n := len(p)
		if v := nextSpecial(mm, first); v > first {
			n = int(min(uint64(n), uint64(v-first)*format.PageSize))
		}
		if err := img.Pages.ReadPages(ctx, id, first, p[:n]); err != nil {
			return err
		}
		p, first = p[n-format.PageSize:], first+format.PageNum(n/format.PageSize-1)
	}
	return nil
}

// nextSpecial is the first page at or after one that the kernel provides; zero if
// there is none.
func nextSpecial(mm *format.AddressSpace, page format.PageNum) format.PageNum {
	if mm == nil {
		return 0
	}
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		if v.Special() && pageOf(v.End) > page {
			return max(pageOf(v.Start), page)
		}
	}
	return 0
}

// vdsoPage gives a page that the kernel provides; false if it is none.
func vdsoPage(mm *format.AddressSpace, vdsos map[string][]byte, page format.PageNum) ([]byte, bool) {
	if mm == nil || nextSpecial(mm, page) != page {
		return nil, false
	}
	code := vdsos[hex.EncodeToString(mm.VDSO)]
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		if v.Kind != format.VMAVDSO || page < pageOf(v.Start) || page >= pageOf(v.End) {
			continue
		}
		off := int(page-pageOf(v.Start)) * format.PageSize
		if off+format.PageSize <= len(code) {
			return code[off : off+format.PageSize], true
		}
	}
	return nil, true
}

// ghost writes a file without a name with its contents.
func (s *same) ghost(dst codec.DirWriter, f *file) error {
	o, err := create(dst, f.name)
	if err != nil {
		return err
	}
	id, ok := s.dec.deleted[f.id<<32]
	read := func(c *chunk) error {
		if !ok || s.img.Pages == nil {
			return nil
		}
		return copyBytes(s.ctx, o, s.img.Pages, id, c.off, c.size)
	}
	g, _ := f.records[0].msg.(*ghost_file.GhostFileEntry)
	at := f.body
	for i := range f.records {
		n := int64(binary.LittleEndian.Uint32(f.data[at:])) + 4
		o.bytes(f.data[at-f.lead(i) : at+n])
		at += n
		if c := i - 1; g.GetChunks() && c >= 0 && o.err == nil {
			o.err = read(&f.ghost[c])
		}
	}
	if !g.GetChunks() && len(f.ghost) > 0 && o.err == nil {
		o.err = read(&f.ghost[0])
	}
	return o.done()
}

// lead is how many bytes stand before a record that belong to no other.
func (f *file) lead(record int) int64 {
	if record == 0 {
		return f.body
	}
	return 0
}

// copyBytes writes a range of an object's bytes.
func copyBytes(ctx context.Context, o *output, src format.PageSource, id format.ObjectID, off, size uint64) error {
	const most = 64
	buf := make([]byte, most*format.PageSize)
	for size > 0 {
		first := off / format.PageSize
		skip := off % format.PageSize
		pages := min(most, (skip+size+format.PageSize-1)/format.PageSize)
		p := buf[:pages*format.PageSize]
		if err := src.ReadPages(ctx, id, format.PageNum(first), p); err != nil {
			return err
		}
		n := min(size, uint64(len(p))-skip)
		o.bytes(p[skip : skip+n])
		off, size = off+n, size-n
	}
	return o.err
}
