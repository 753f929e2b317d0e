package restore

import (
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// learn reads the template from the first stopped husk.
func (f *finisher) learn(x *target) (err error) {
	f.template, err = sys.GetRegs(x.tid)
	return err
}

// call prepares a system call in a stopped husk, at an instruction of its own.
func (f *finisher) call(x *target, nr uint64, args ...uint64) error {
	r := f.template
	r.RIP, r.RAX, r.OrigRAX = x.insn, nr, ^uint64(0)
	for i, p := range []*uint64{&r.RDI, &r.RSI, &r.RDX, &r.R10, &r.R8, &r.R9} {
		if i < len(args) {
			*p = args[i]
		}
	}
	return sys.SetRegs(x.tid, &r)
}

// result is what the last system call of a stopped task returned.
func result(tid int) (int64, error) {
	r, err := sys.GetRegs(tid)
	return int64(r.RAX), err
}

// set gives a task the registers and the signal mask of the image.
func (f *finisher) set(x *target) error {
	img := x.t.Registers.AMD64
	if len(img.XSave) > 0 {
		if f.size == 0 {
			own, err := sys.GetXState(x.tid)
			if err != nil {
				return err
			}
			f.size = len(own)
		}
		area, err := convertXState(img.XSave, f.size)
		if err != nil {
			return err
		}
		if err := sys.SetRegSet(x.tid, abi.NTX86XState, area); err != nil {
			return err
		}
	}
	if err := sys.SetSigMask(x.tid, uint64(x.t.SignalMask)); err != nil {
		return err
	}
	r := sys.RegsFromFormat(img)
	plainTLS(&r, x.t.Registers.Raw)
	if int64(r.RAX) == restartBlock && int64(r.OrigRAX) >= 0 {
		switch {
		case x.awake:
			r.RAX, r.OrigRAX = 0, ^uint64(0)
		case !sleeps(x.t):
			// Nothing is known of what was left: from the beginning.
			noHand := int64(restartNoHand)
			r.RAX = uint64(noHand)
		}
	}
	return sys.SetRegs(x.tid, &r)
}
