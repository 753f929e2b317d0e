package linuxcr

import (
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// landmarkOf ties the addresses of a memory record to the model.
func landmarkOf(mm *format.AddressSpace) []*format.Addr {
	return []*format.Addr{
		&mm.StartCode, &mm.EndCode, &mm.StartData, &mm.EndData, &mm.StartBrk, &mm.Brk, &mm.StartStack,
		&mm.ArgStart, &mm.ArgEnd, &mm.EnvStart, &mm.EnvEnd,
	}
}

// The flags of an address space (include/linux/sched.h of 2.6.33): two bits for
// dumpable, then the core dump filter.
const (
	mmDumpableBits = 3
	mmFilterShift  = 2
	mmFilterBits   = 0x7f
)

// memory reads an MM object.
func (d *decoder) memory(id format.ObjectID) error {
	b, err := d.record(kMM)
	if err != nil {
		return err
	}
	mm := format.AddressSpace{ID: id}
	for i, p := range landmarkOf(&mm) {
		*p = format.Addr(b.u(landmarks[i]))
	}
	flags := b.u(fMMFlags)
	mm.Dumpable = uint8(min(flags&mmDumpableBits, 2))
	mm.CoreFilter = uint32(flags >> mmFilterShift & mmFilterBits)
	if !b.has(fMMFlags) {
		mm.Dumpable = 1
	}
	switch def := b.u(fDefFlags); {
	case def&^vmLocked != 0:
		return d.fault(codec.Malformed, "MM record", b.at, "flags %#x for areas to come", def)
	case def != 0:
		d.warn("that memory to be mapped later is locked (mlockall) is kept but not restored")
	}
	exe, err := d.ref(b, fRef, oFile)
	if err != nil {
		return err
	}
	if exe != 0 {
		mm.Exe.Path = d.files[exe].path
		d.extra.link(linkExe, uint32(id), 0, exe)
	}
	count := int64(b.u32(fCount))
	if count > d.lim.Elements {
		return d.fault(codec.TooLarge, "MM record", b.at, "%d memory areas, limit %d", count, d.lim.Elements)
	}
	if err := d.auxv(&mm); err != nil {
		return err
	}
	for range count {
		if err := d.vma(&mm); err != nil {
			return err
		}
	}
	if err := d.mmContext(&mm); err != nil {
		return err
	}
	d.img.Objects.Memories = append(d.img.Objects.Memories, mm)
	return d.charge(512)
}

// auxv reads the auxiliary vector: words of the machine up to v19-rc3, and
// 64-bit ones from v19 on. What follows AT_NULL is padding.
func (d *decoder) auxv(mm *format.AddressSpace) error {
	if d.gen <= B2 {
		if h, err := d.main(); err != nil || h.kind != kBuffer {
			return err
		}
	}
	p, h, err := d.buffer(kBuffer, -1)
	if err != nil {
		return err
	}
	width := d.arch.word
	if d.gen >= C3 {
		width = 8
	}
	if want := d.auxvBytes(width); len(p)%width != 0 || want >= 0 && len(p) != want {
		return d.fault(codec.Malformed, h.name(), h.at, "auxiliary vector of %d bytes, %d wanted", len(p), want)
	}
	mm.Auxv = auxvWords(d.dialect, p, width)
	return d.charge(8 * len(mm.Auxv))
}

// auxvWords takes words up to the AT_NULL entry.
func auxvWords(d *dialect, p []byte, width int) []uint64 {
	var words []uint64
	for ; len(p) >= width; p = p[width:] {
		words = append(words, number(d.order, p, width, false))
		if n := len(words); n%2 == 0 && words[n-2] == 0 {
			break
		}
	}
	return words
}

// auxvBytes is the length of the auxiliary vector that the header announces;
// negative if it does not.
func (d *decoder) auxvBytes(width int) int {
	switch {
	case d.head.auxvLen < 0:
		return -1
	case d.gen >= C3:
		return d.head.auxvLen * width
	}
	return d.head.auxvLen
}

// mmContext reads what the processor adds to an address space.
func (d *decoder) mmContext(mm *format.AddressSpace) error {
	if d.layout(kMMContext) == nil {
		return nil
	}
	b, err := d.record(kMMContext)
	if err != nil {
		return err
	}
	if !d.arch.x86 {
		return nil
	}
	// The historic reader compares the address with where its own kernel puts it.
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		if at := format.Addr(b.u(fVDSO)); v.Kind == format.VMAVDSO && b.has(fVDSO) && at != v.Start {
			return d.fault(codec.Malformed, "MM_CONTEXT record", b.at, "vdso at %s, but it is mapped at %s", at, v.Start)
		}
	}
	n, size := int64(b.u(fCount)), int64(b.u(fEntrySize))
	if d.arch.x86 && size != 8 {
		return d.fault(codec.Malformed, "MM_CONTEXT record", b.at, "segment descriptors of %d bytes", size)
	}
	if d.gen.raw() {
		_, err := d.rawBytes("MM_CONTEXT table", n*size)
		return err
	}
	h, err := d.want(kLDT)
	if err != nil {
		return err
	}
	if _, got := h.payload(); got != n*8 {
		return d.fault(codec.Malformed, h.name(), h.at, "payload of %d bytes, %d entries announced", got, n)
	}
	if n == 0 {
		return nil
	}
	p, err := d.data(h)
	if err != nil {
		return err
	}
	if err := d.attach(h, d.inside, append([]byte{}, p...)); err != nil {
		return err
	}
	// Code that uses a segment of the table ends without it.
	d.img.Attachments[len(d.img.Attachments)-1].Role = format.AttachmentVital
	return nil
}

// contents reads the pages of an object: addresses of an address space, indexes
// of shared memory. limits are the first page and the page after the last.
func (d *decoder) contents(id format.ObjectID, first, end format.PageNum, indexed bool) error {
	for {
		h, b, err := d.headed(kPgarr)
		if err != nil {
			return err
		}
		n := b.u(fCount)
		if n == 0 {
			return nil
		}
		if n > uint64(end-first) {
			return d.fault(codec.Malformed, h.name(), h.at, "%d pages of object %d, which has room for %d", n, id, uint64(end-first))
		}
		if err := d.block(id, int64(n), pageBounds{first, end, indexed}); err != nil {
			return err
		}
	}
}

// pageBounds are the pages that a block may have, and whether it gives indexes.
type pageBounds struct {
	first, end format.PageNum
	indexed    bool
}

// block takes a block of n addresses and as many pages.
func (d *decoder) block(id format.ObjectID, n int64, in pageBounds) error {
	word := int64(d.arch.word)
	length := n * (word + pageSize)
	at := d.pos
	if d.gen.raw() {
		if d.rest() < length {
			return d.truncated("PGARR pages", length)
		}
		d.pos += length
	} else {
		h, err := d.want(kBuffer)
		if err != nil {
			return err
		}
		off, got := h.payload()
		if got != length {
			return d.fault(codec.Malformed, h.name(), h.at, "payload of %d bytes, %d wanted for %d pages of %d bytes", got, length, n, pageSize)
		}
		at = off
	}
	return d.addresses(id, at, n, in)
}

// addresses notes where the pages of a block are.
func (d *decoder) addresses(id format.ObjectID, at, n int64, in pageBounds) error {
	const step = 4096
	word := d.arch.word
	data := at + n*int64(word)
	before := len(d.pages.objects[id])
	for i := int64(0); i < n; i += step {
		b, err := d.bytes(at+i*int64(word), int(min(step, n-i))*word)
		if err != nil {
			return err
		}
		for j := int64(0); len(b) > 0; j++ {
			v := number(d.order, b, word, false)
			b = b[word:]
			page := format.PageNum(v)
			if !in.indexed {
				page /= pageSize
			}
			if page < in.first || page >= in.end || !in.indexed && v%pageSize != 0 {
				return d.fault(codec.Malformed, "BUFFER record", at+(i+j)*int64(word), "page %#x of object %d is outside its memory area", v, id)
			}
			d.pages.add(id, page, data+(i+j)*pageSize)
		}
	}
	return d.charge(32 * (len(d.pages.objects[id]) - before))
}
