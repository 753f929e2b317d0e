package capture

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// readRegs reads the registers of a stopped task: those to put back into
// t.live, those for the image into the model.
func (c *capturer) readRegs(t *task) error {
	err := readLive(t)
	if err != nil {
		return err
	}
	if t.mask, err = sys.GetSigMask(t.tid); err != nil {
		return err
	}
	if t.live.CS != codeSegment64 {
		c.refuse(validate.CodeCompat, t.tid, "the task runs in 32-bit mode (cs is %#x)", t.live.CS)
		return nil
	}
	if err := c.leaveStub(t); err != nil {
		return err
	}
	if err := c.readRseq(t); err != nil {
		return err
	}
	c.mendEINTR(t)
	if t.touched { // should this program die, the task shall have them, too
		if err := putBack(t); err != nil {
			return err
		}
	}
	regs := sys.RegsToFormat(&t.live)
	area, err := sys.GetXState(t.tid)
	if err != nil {
		return err
	}
	regs.XSave = trimXSave(area)
	t.model.Registers = &format.Registers{AMD64: regs}
	t.model.SignalMask = format.SignalSet(t.mask)
	return c.readRestart(t)
}

// trimXSave leaves out the zeroes at the end of an XSAVE area: components that
// are not in use, which can be most of it (AMX alone takes 8 KiB). Enough stays
// for readers to see whose features the header names.
func trimXSave(area []byte) []byte {
	const align, least = 64, 896 // what is behind AVX begins below that
	n := len(area)
	for n > least && area[n-1] == 0 {
		n--
	}
	n = min((n+align-1)/align*align, len(area))
	return append([]byte(nil), area[:n]...)
}

// readRseq reads the task's registration. A task that stands inside a critical
// section is sent to the section's abort handler, in the image and in fact: the
// kernel does the same when it resumes a task that was preempted there, and
// injected calls would make it forget the section.
func (c *capturer) readRseq(t *task) error {
	conf, ok, err := sys.GetRseq(t.tid)
	if err != nil {
		return err
	}
	if !ok {
		c.warnOnce(t.tid, "this kernel cannot tell of rseq registrations (Linux 5.13)")
		return nil
	}
	if conf.Pointer == 0 {
		return nil
	}
	rseq := &format.Rseq{
		Address: format.Addr(conf.Pointer), Length: conf.Size, Signature: conf.Signature, Flags: conf.Flags,
	}
	t.model.Rseq = rseq
	var b [8]byte
	if _, err := sys.ReadMemory(t.tid, conf.Pointer+abi.RseqCSOffset, b[:]); err != nil {
		return err
	}
	section := binary.LittleEndian.Uint64(b[:])
	if section == 0 {
		return nil
	}
	var cs [abi.RseqCSSize]byte
	// A stale pointer is the program's business; zeroes are an empty section.
	_, _ = sys.ReadMemory(t.tid, section, cs[:])
	start, length := binary.LittleEndian.Uint64(cs[8:]), binary.LittleEndian.Uint64(cs[16:])
	if t.live.RIP-start < length {
		t.live.RIP = binary.LittleEndian.Uint64(cs[24:])
		t.touched = true
		return nil
	}
	rseq.Section = format.Addr(section)
	return nil
}

// putBack gives a task the registers that it is to go on with.
func putBack(t *task) error { return sys.SetRegs(t.tid, &t.live) }
