package criu

import (
	"encoding/binary"

	core_x86 "github.com/checkpoint-restore/go-criu/v8/crit/images/core-x86"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/cpuinfo"
	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// registers reads the registers of a task: of x86-64 in full, of others as the
// message they came in.
func (d *decoder) registers(f *file, core *criu_core.CoreEntry, t *format.Task) error {
	info := core.GetThreadInfo()
	if core.GetMtype() != criu_core.CoreEntry_X86_64 {
		return d.foreignRegisters(f, core, t)
	}
	if info == nil {
		return fault(f, &f.records[0], codec.Missing, "task %d has no registers", t.TID)
	}
	t.TIDAddress = format.Addr(info.GetClearTidAddr())
	regs := generalRegisters(info.GetGpregs())
	if info.GetGpregs().GetMode() == core_x86.UserX86RegsMode_COMPAT {
		d.warn(t.TID, "the task runs in 32-bit mode; its registers are shown as of 64 bits")
	}
	area, err := d.xsave(info.GetFpregs())
	if err != nil {
		return fault(f, &f.records[0], codec.Malformed, "task %d: %w", t.TID, err)
	}
	regs.XSave = area
	t.Registers = &format.Registers{AMD64: regs}
	if tls := descriptors(info.GetTls()); tls != nil {
		t.Registers.Raw = []format.RegisterSet{{Arch: "amd64", Type: noteTLS, Data: tls}}
	}
	return d.charge(int64(len(area)) + 512)
}

// foreignRegisters keeps registers of other architectures as they are. Type zero
// is no ELF note's: the data is CRIU's message.
func (d *decoder) foreignRegisters(f *file, core *criu_core.CoreEntry, t *format.Task) error {
	var m proto.Message
	var clear uint64
	switch core.GetMtype() {
	case criu_core.CoreEntry_ARM:
		m, clear = core.GetTiArm(), core.GetTiArm().GetClearTidAddr()
	case criu_core.CoreEntry_AARCH64:
		m, clear = core.GetTiAarch64(), core.GetTiAarch64().GetClearTidAddr()
	case criu_core.CoreEntry_PPC64:
		m, clear = core.GetTiPpc64(), core.GetTiPpc64().GetClearTidAddr()
	case criu_core.CoreEntry_S390:
		m, clear = core.GetTiS390(), core.GetTiS390().GetClearTidAddr()
	case criu_core.CoreEntry_MIPS:
		m, clear = core.GetTiMips(), core.GetTiMips().GetClearTidAddr()
	case criu_core.CoreEntry_LOONGARCH64:
		m, clear = core.GetTiLoongarch64(), core.GetTiLoongarch64().GetClearTidAddr()
	case criu_core.CoreEntry_RISCV64:
		m, clear = core.GetTiRiscv64(), core.GetTiRiscv64().GetClearTidAddr()
	default:
		return nil
	}
	if !m.ProtoReflect().IsValid() {
		return fault(f, &f.records[0], codec.Missing, "task %d has no registers of %s", t.TID, core.GetMtype())
	}
	t.TIDAddress = format.Addr(clear)
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	t.Registers = &format.Registers{Raw: []format.RegisterSet{{Arch: march[core.GetMtype()], Data: b}}}
	return d.charge(int64(len(b)))
}

func generalRegisters(g *core_x86.UserX86RegsEntry) *format.RegistersAMD64 {
	return &format.RegistersAMD64{
		R15: g.GetR15(), R14: g.GetR14(), R13: g.GetR13(), R12: g.GetR12(), RBP: g.GetBp(), RBX: g.GetBx(),
		R11: g.GetR11(), R10: g.GetR10(), R9: g.GetR9(), R8: g.GetR8(), RAX: g.GetAx(), RCX: g.GetCx(), RDX: g.GetDx(),
		RSI: g.GetSi(), RDI: g.GetDi(), OrigAX: g.GetOrigAx(), RIP: g.GetIp(), CS: g.GetCs(), RFlags: g.GetFlags(),
		RSP: g.GetSp(), SS: g.GetSs(), FSBase: g.GetFsBase(), GSBase: g.GetGsBase(), DS: g.GetDs(), ES: g.GetEs(),
		FS: g.GetFs(), GS: g.GetGs(),
	}
}

// noteTLS is NT_386_TLS: an array of struct user_desc.
const noteTLS = 0x200

// Bits of the last word of struct user_desc (arch/x86/include/uapi/asm/ldt.h).
const (
	descSeg32      = 1 << 0
	descContents   = 1 // shift of the two bits
	descReadOnly   = 1 << 3
	descInPages    = 1 << 4
	descNotPresent = 1 << 5
	descUsable     = 1 << 6
)

// descriptors gives the TLS descriptors as NT_386_TLS; nil if none is in use.
func descriptors(list []*core_x86.UserDescT) []byte {
	var out []byte
	used := false
	for _, e := range list {
		used = used || !e.GetSegNotPresent()
		bits := uint32(0)
		for _, b := range []struct {
			on  bool
			bit uint32
		}{
			{e.GetSeg_32Bit(), descSeg32},
			{e.GetContentsL(), 1 << descContents},
			{e.GetContentsH(), 2 << descContents},
			{e.GetReadExecOnly(), descReadOnly},
			{e.GetLimitInPages(), descInPages},
			{e.GetSegNotPresent(), descNotPresent},
			{e.GetUsable(), descUsable},
		} {
			if b.on {
				bits |= b.bit
			}
		}
		for _, w := range []uint32{e.GetEntryNumber(), e.GetBaseAddr(), e.GetLimit(), bits} {
			out = binary.LittleEndian.AppendUint32(out, w)
		}
	}
	if !used {
		return nil
	}
	return out
}

// isAMD says whether cpuinfo.img names a processor whose XSAVE area has no room
// for MPX, so that AVX-512 and PKRU stand elsewhere.
func (d *decoder) isAMD() bool {
	e, _ := entry[*cpuinfo.CpuinfoEntry](d.find(kCPUInfo, 0))
	for _, x := range e.GetX86Entry() {
		if x.GetVendorId() == cpuinfo.CpuinfoX86Entry_AMD {
			return true
		}
	}
	return false
}
