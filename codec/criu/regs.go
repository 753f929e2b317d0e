package criu

import (
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
	if core.GetMtype() != criu_core.CoreEntry_X86_64 {
		return d.foreignRegisters(f, core, t)
	}
	th := f.lists().thread
	if th == nil {
		return fault(f, &f.records[0], codec.Missing, "task %d has no registers", t.TID)
	}
	if th.odd != "" {
		d.odd(f, &f.records[0], codec.Impossible, "task %d: %s", t.TID, th.odd)
	}
	t.TIDAddress = format.Addr(th.clear)
	if th.mode == core_x86.UserX86RegsMode_COMPAT {
		d.warn(t.TID, "the task runs in 32-bit mode; its registers are shown as of 64 bits")
	}
	if d.amd {
		th.general.XSave = amdLayout(th.general.XSave, th.components)
	}
	t.Registers = &th.registers
	return nil
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

// noteTLS is NT_386_TLS: an array of struct user_desc.
const noteTLS = 0x200

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
