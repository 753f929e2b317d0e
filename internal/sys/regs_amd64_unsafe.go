//go:build amd64

package sys

import (
	"unsafe"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
)

// GetRegs reads the general registers (NT_PRSTATUS).
// Precondition: see ptrace_unsafe.go.
func GetRegs(tid int) (abi.UserRegs, error) {
	var regs abi.UserRegs
	_, err := GetRegSet(tid, abi.NTPrStatus, unsafe.Slice((*byte)(unsafe.Pointer(&regs)), unsafe.Sizeof(regs)))
	return regs, err
}

// SetRegs writes the general registers (NT_PRSTATUS).
// Precondition: see ptrace_unsafe.go.
func SetRegs(tid int, regs *abi.UserRegs) error {
	return SetRegSet(tid, abi.NTPrStatus, unsafe.Slice((*byte)(unsafe.Pointer(regs)), unsafe.Sizeof(*regs)))
}

// RegsToFormat gives the registers in the model's form, without XSave.
func RegsToFormat(r *abi.UserRegs) *format.RegistersAMD64 {
	return &format.RegistersAMD64{
		R15: r.R15, R14: r.R14, R13: r.R13, R12: r.R12, RBP: r.RBP, RBX: r.RBX,
		R11: r.R11, R10: r.R10, R9: r.R9, R8: r.R8, RAX: r.RAX, RCX: r.RCX,
		RDX: r.RDX, RSI: r.RSI, RDI: r.RDI, OrigAX: r.OrigRAX, RIP: r.RIP,
		CS: r.CS, RFlags: r.RFlags, RSP: r.RSP, SS: r.SS, FSBase: r.FSBase,
		GSBase: r.GSBase, DS: r.DS, ES: r.ES, FS: r.FS, GS: r.GS,
	}
}

// RegsFromFormat gives the model's registers in the kernel's layout.
func RegsFromFormat(r *format.RegistersAMD64) abi.UserRegs {
	return abi.UserRegs{
		R15: r.R15, R14: r.R14, R13: r.R13, R12: r.R12, RBP: r.RBP, RBX: r.RBX,
		R11: r.R11, R10: r.R10, R9: r.R9, R8: r.R8, RAX: r.RAX, RCX: r.RCX,
		RDX: r.RDX, RSI: r.RSI, RDI: r.RDI, OrigRAX: r.OrigAX, RIP: r.RIP,
		CS: r.CS, RFlags: r.RFlags, RSP: r.RSP, SS: r.SS, FSBase: r.FSBase,
		GSBase: r.GSBase, DS: r.DS, ES: r.ES, FS: r.FS, GS: r.GS,
	}
}
