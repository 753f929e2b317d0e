package host

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// Layout of an XSAVE area (Intel SDM volume 1, chapter 13): the header at 512
// says in its first word which components are in use. The kernel writes what it
// had enabled into the bytes that software may use of the part before
// (struct xregs_state, arch/x86/include/asm/user.h).
const (
	xsaveEnabled = 464
	xsaveHeader  = 512
	xsaveMin     = 576

	// xfeatureFixed are the components that lie at the same place everywhere:
	// x87, SSE and AVX.
	xfeatureFixed = 7
)

// Speculation as of prctl(PR_GET_SPECULATION_CTRL).
const (
	specEnable   = 2
	specFeatures = 2
)

// Types of the auxiliary vector (getauxval(3)).
const (
	atHWCap       = 16
	atHWCap2      = 26
	atMinSigStack = 51
)

// areaWord is a word of an XSAVE area, zero if the area is not whole.
func areaWord(xsave []byte, at int) uint64 {
	if len(xsave) < xsaveMin {
		return 0
	}
	return binary.LittleEndian.Uint64(xsave[at:])
}

// UsedFeatures are the components of which an XSAVE area holds more than the
// initial state.
func UsedFeatures(xsave []byte) uint64 { return areaWord(xsave, xsaveHeader) }

// areaEnd is where an area of some components ends; ok is false if one is not
// known here.
func (p *Processor) areaEnd(set uint64) (end uint64, ok bool) {
	end = xsaveMin
	known := uint64(3) // x87 and SSE, which stand before the header
	for _, k := range p.Components {
		if k.Bit < 64 && set&(1<<k.Bit) != 0 {
			end, known = max(end, uint64(k.Offset)+uint64(k.Size)), known|1<<k.Bit
		}
	}
	return end, set&^known == 0
}

// holds says whether a used component lies over a byte of an area.
func (p *Processor) holds(used uint64, at int) bool {
	for _, k := range p.Components {
		if k.Bit < 64 && used&(1<<k.Bit) != 0 && uint64(at) >= uint64(k.Offset) && uint64(at) < uint64(k.Offset)+uint64(k.Size) {
			return true
		}
	}
	return false
}

// layout asks whether what the registers hold lies where this processor looks
// for it: nothing but what is in use is other than zero, so that another layout
// shows by something elsewhere.
func (c *check) layout(t *format.Task, area []byte, used, had uint64) {
	if used&^xfeatureFixed == 0 {
		return
	}
	p := c.m.processor(SectionComponents)
	if len(p.Components) == 0 {
		c.wonder("where this processor's register components lie")
		return
	}
	whole, ok := p.areaEnd(had)
	if ok && had == p.XFeatures && uint64(len(area)) == whole {
		return
	}
	if ok && had&used == used && uint64(len(area)) > whole {
		c.add(validate.CodeXSaveLayout, validate.TaskSubject(t.TID),
			"its registers take %d bytes, those components take %d here", len(area), whole)
		return
	}
	for i := firstOther(area, xsaveMin); i < len(area); i = firstOther(area, i+1) {
		if !p.holds(used, i) {
			c.add(validate.CodeXSaveLayout, validate.TaskSubject(t.TID), "they hold something at byte %d, where none of the components %#x lies here", i, used)
			return
		}
	}
}

// firstOther is where the first byte other than zero is, from a place on.
func firstOther(b []byte, at int) int {
	for at+8 <= len(b) && binary.LittleEndian.Uint64(b[at:]) == 0 {
		at += 8
	}
	for at < len(b) && b[at] == 0 {
		at++
	}
	return at
}

// registers asks whether this processor has what the registers use, and lays
// it out as they were saved.
func (c *check) registers() {
	less := false
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.Registers == nil || t.Registers.AMD64 == nil || len(t.Registers.AMD64.XSave) < xsaveMin {
			continue
		}
		p := c.m.processor()
		if p == nil {
			c.wonder("what this processor's registers hold")
			return
		}
		area := t.Registers.AMD64.XSave
		used, had := UsedFeatures(area), areaWord(area, xsaveEnabled)
		if lacks := used &^ p.XFeatures; lacks != 0 {
			c.add(validate.CodeCPUFeature, validate.TaskSubject(t.TID), "its registers use the processor features %#x, which are not enabled here", lacks)
			continue
		}
		c.layout(t, area, used, had)
		if lacks := had &^ p.XFeatures; lacks != 0 && !less && !c.opts.Brief {
			less = true
			c.add(validate.CodeProcessorLess, validate.TaskSubject(t.TID),
				"the register components %#x were enabled where it was captured and are not here: code chosen for them fails", lacks)
		}
	}
}

// traits asks for attributes of tasks and processes that depend on the
// processor.
func (c *check) traits() {
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		for _, s := range t.Speculation {
			p := c.m.processor()
			if p == nil {
				c.wonder("whether speculation can be controlled")
				break
			}
			if s.Feature < specFeatures && int(s.Feature) < len(p.Speculation) && p.Speculation[s.Feature] == specEnable {
				c.add(validate.CodeKernelFeature, validate.TaskSubject(t.TID), "speculation feature %d is always on here", s.Feature)
			}
		}
	}
	for i := range c.img.Objects.Processes {
		pr := &c.img.Objects.Processes[i]
		if pr.XFeatures == 0 {
			continue
		}
		p := c.m.processor(SectionAskable)
		switch {
		case p == nil || p.Askable == nil:
			c.wonder("which processor features can be asked for")
		case pr.XFeatures&^*p.Askable != 0:
			c.add(validate.CodeCPUFeature, validate.ObjectSubject(pr.ID), "it has asked for the processor features %#x, here are %#x", pr.XFeatures, *p.Askable)
		}
	}
}

// programs asks whether the processor is one that running programs were told
// of: they choose code and sizes by it when they start.
func (c *check) programs() {
	p := c.m.processor()
	if p == nil {
		c.wonder("what this processor tells programs")
		return
	}
	for i := range c.img.Objects.Memories {
		mm := &c.img.Objects.Memories[i]
		for _, k := range []struct {
			kind uint64
			here uint64
			name string
		}{{atHWCap, p.HWCap, "AT_HWCAP"}, {atHWCap2, p.HWCap2, "AT_HWCAP2"}} {
			if had, ok := auxv(mm, k.kind); ok && had&^k.here != 0 {
				c.add(validate.CodeProcessorLess, validate.ObjectSubject(mm.ID), "its program was told %s %#x, here it is %#x", k.name, had, k.here)
			}
		}
	}
	c.alternateStacks(p)
}

// alternateStacks asks whether signal frames fit where programs made room for
// those of another processor.
func (c *check) alternateStacks(p *Processor) {
	told := map[format.ObjectID]uint64{}
	for i := range c.img.Objects.Memories {
		mm := &c.img.Objects.Memories[i]
		if n, ok := auxv(mm, atMinSigStack); ok {
			told[mm.ID] = n
		}
	}
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		const disabled = 2 // SS_DISABLE
		had, ok := told[t.Memory]
		if s := t.AltStack; s != nil && s.Flags&disabled == 0 && ok && p.SignalFrame > had && s.Size < p.SignalFrame {
			c.add(validate.CodeSignalFrame, validate.TaskSubject(t.TID), "its alternate stack has %d bytes, a signal takes %d here", s.Size, p.SignalFrame)
		}
	}
}

// auxv finds an entry of the auxiliary vector.
func auxv(mm *format.AddressSpace, kind uint64) (uint64, bool) {
	for i := 0; i+1 < len(mm.Auxv); i += 2 {
		if mm.Auxv[i] == kind {
			return mm.Auxv[i+1], true
		}
	}
	return 0, false
}
