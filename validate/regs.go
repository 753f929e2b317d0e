package validate

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
)

const (
	// Selectors of user code and data (arch/x86/include/asm/segment.h).
	selCode   = 0x33
	selCompat = 0x23
	selData   = 0x2b

	// tableLocal in a selector means the local descriptor table.
	tableLocal = 4

	// Flags of user code: those that ptrace lets through
	// (arch/x86/kernel/ptrace.c, FLAG_MASK), ID, and the two that are always
	// set, bit 1 and the interrupt flag.
	flagsUser   = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x800 | 0x10000 | 0x40000 | 1<<21
	flagsAlways = 0x2 | 0x200

	// The XSAVE area: 512 legacy bytes, a header of 64, AVX at 576 (Intel SDM
	// volume 1, 13.4).
	xsaveMin     = 576
	xsaveMax     = 1 << 16
	xsaveHeader  = 512
	xsaveAVXEnd  = 832
	mxcsrOffset  = 24
	mxcsrBits    = 0x2ffff
	xfeatureAVX  = 1 << 2
	xfeatureUser = 0xff | 1<<9 | 3<<17 | 1<<19

	// Return values of interrupted calls (include/linux/errno.h).
	restartBlock = -516
)

// userSelectors are what programs can load besides null: code of both kinds, data,
// the three places for thread-local storage, and the number of the processor
// (arch/x86/include/asm/segment.h).
var userSelectors = map[uint64]bool{
	selCompat: true, selData: true, selCode: true, 0x63: true, 0x6b: true, 0x73: true, 0x7b: true,
}

// The system calls that leave a restart block, by their amd64 numbers and by
// those of 32-bit code (arch/x86/entry/syscalls).
var restartCalls = map[format.RestartKind][]uint64{
	format.RestartNanosleep: {35, 230},
	format.RestartPoll:      {7},
	format.RestartFutex:     {202},
	format.RestartOther:     nil,
}

var restartCalls32 = map[format.RestartKind][]uint64{
	format.RestartNanosleep: {162, 267, 407},
	format.RestartPoll:      {168},
	format.RestartFutex:     {240, 422},
	format.RestartOther:     nil,
}

func checkRegisters(c *checker, t *format.Task) {
	if !living(t) {
		return
	}
	r := t.Registers
	if r == nil {
		c.task("S001", t, "the task has no registers")
		return
	}
	arch := ""
	switch {
	case r.AMD64 != nil && r.ARM64 != nil:
		c.task("S001", t, "the task has registers of amd64 and of arm64")
		return
	case r.AMD64 != nil:
		arch = "amd64"
	case r.ARM64 != nil:
		arch = "arm64"
	case len(r.Raw) == 0:
		c.task("S001", t, "the task has an empty set of registers")
		return
	}
	if arch != "" && arch != c.img.Provenance.Arch && (c.img.Provenance.Arch != "386" || !compat(t)) {
		c.task("S002", t, "registers of %s in an image of %.20q", arch, c.img.Provenance.Arch)
	}
	if r.ARM64 != nil {
		checkARM64(c, t, r.ARM64)
	}
	if r.AMD64 != nil {
		checkAMD64(c, t, r.AMD64)
		checkSelectors(c, t, r.AMD64)
		checkXSave(c, t, r.AMD64.XSave)
		checkRestart(c, t, r.AMD64)
	}
}

func checkAMD64(c *checker, t *format.Task, r *format.RegistersAMD64) {
	ip := format.Addr(r.RIP)
	switch {
	case ip > userEnd && ip&^0xfff != vsyscallAddr:
		c.task("S003", t, "rip is %#x", r.RIP)
	case r.CS == selCompat && r.RIP>>32 != 0:
		c.task("S003", t, "rip is %#x in 32-bit code", r.RIP)
	}
	if format.Addr(r.RSP) > userEnd {
		c.task("S004", t, "rsp is %#x", r.RSP)
	}
	if bad := r.RFlags &^ (flagsUser | flagsAlways); bad != 0 {
		c.task("S007", t, "rflags is %#x, of which %#x is not the program's", r.RFlags, bad)
	}
	if missing := flagsAlways &^ r.RFlags; missing != 0 {
		c.task("S008", t, "rflags is %#x, without %#x", r.RFlags, missing)
	}
	if format.Addr(r.FSBase) > userEnd || format.Addr(r.GSBase) > userEnd {
		c.task("S009", t, "fs base %#x, gs base %#x", r.FSBase, r.GSBase)
	}
	// -1 outside a call; interrupts leave small negative numbers; bit 30 marks
	// x32 calls.
	if n := int64(r.OrigAX); (n < -4096 || n >= 4096) && r.OrigAX&^(1<<30) >= 4096 && r.OrigAX != 0xffffffff {
		c.task("S010", t, "system call number %#x", r.OrigAX)
	}
}

const (
	// userEndARM is the end of user addresses with 52 bits of them.
	userEndARM = 1 << 52
	// pstateMode are the mode and the masked interrupts in pstate, all zero in user
	// code (arch/arm64/include/uapi/asm/ptrace.h); simdSize is NT_PRFPREG's.
	pstateMode = 0x3cf
	simdSize   = 528
)

func checkARM64(c *checker, t *format.Task, r *format.RegistersARM64) {
	if r.PC >= userEndARM {
		c.task("S003", t, "pc is %#x", r.PC)
	}
	if r.SP >= userEndARM {
		c.task("S004", t, "sp is %#x", r.SP)
	}
	if r.PState&pstateMode != 0 || r.PState>>32 != 0 {
		c.task("S007", t, "pstate is %#x", r.PState)
	}
	if n := len(r.FPSIMD); n != 0 && n != simdSize {
		c.task("S011", t, "vector registers of %d bytes", n)
	}
}

func checkSelectors(c *checker, t *format.Task, r *format.RegistersAMD64) {
	if (r.CS != selCode && r.CS != selCompat) || r.SS != selData {
		c.task("S005", t, "cs is %#x, ss is %#x", r.CS, r.SS)
	}
	for _, s := range []struct {
		name  string
		value uint64
	}{{"ds", r.DS}, {"es", r.ES}, {"fs", r.FS}, {"gs", r.GS}} {
		// Null, or a selector of privilege level 3 (arch/x86/kernel/ptrace.c,
		// invalid_selector).
		switch {
		case s.value > 0xffff || s.value != 0 && s.value&3 != 3:
			c.task("S006", t, "%s is %#x", s.name, s.value)
		case s.value&tableLocal != 0 || s.value > 3 && !userSelectors[s.value]:
			c.task("S019", t, "%s is %#x", s.name, s.value)
		}
	}
	if r.CS != selCompat && (r.FS > 3 && r.FSBase != 0 || r.GS > 3 && r.GSBase != 0) {
		c.task("S049", t, "fs is %#x with base %#x, gs is %#x with base %#x", r.FS, r.FSBase, r.GS, r.GSBase)
	}
}

// compat says whether a task runs 32-bit code.
func compat(t *format.Task) bool {
	return t.Registers != nil && t.Registers.AMD64 != nil && t.Registers.AMD64.CS == selCompat
}

func checkXSave(c *checker, t *format.Task, x []byte) {
	if len(x) == 0 {
		return
	}
	if len(x) < xsaveMin || len(x) > xsaveMax || len(x)%8 != 0 {
		c.task("S011", t, "XSAVE area of %d bytes", len(x))
		return
	}
	features := binary.LittleEndian.Uint64(x[xsaveHeader:])
	switch {
	case features&^xfeatureUser != 0:
		c.task("S012", t, "XSAVE features %#x", features)
	case features&xfeatureAVX != 0 && len(x) < xsaveAVXEnd, features&^7 != 0 && len(x) <= xsaveAVXEnd:
		c.task("S011", t, "XSAVE area of %d bytes for features %#x", len(x), features)
	}
	for i, b := range x[xsaveHeader+8 : xsaveMin] {
		if b != 0 {
			c.task("S013", t, "XSAVE header byte %d is %#x", i+8, b)
			break
		}
	}
	if mxcsr := binary.LittleEndian.Uint32(x[mxcsrOffset:]); mxcsr&^mxcsrBits != 0 {
		c.task("S014", t, "mxcsr is %#x", mxcsr)
	}
}

func checkRestart(c *checker, t *format.Task, r *format.RegistersAMD64) {
	interrupted := int64(r.RAX) == restartBlock && int64(r.OrigAX) >= 0
	switch {
	case t.Restart == nil:
		if interrupted {
			c.task("S016", t, "system call %d was interrupted", r.OrigAX)
		}
		return
	case !interrupted:
		c.task("S015", t, "restart of %.20q, but rax is %d, system call %d", string(t.Restart.Kind), int64(r.RAX), int64(r.OrigAX))
		return
	}
	numbers := restartCalls
	if r.CS == selCompat {
		numbers = restartCalls32
	}
	calls, known := numbers[t.Restart.Kind]
	fits := len(calls) == 0
	for _, n := range calls {
		fits = fits || n == r.OrigAX
	}
	if !known || !fits {
		c.task("S017", t, "restart of %.20q in system call %d", string(t.Restart.Kind), r.OrigAX)
	}
	if t.Restart.Remaining < 0 || t.Restart.Kind == format.RestartNanosleep && !c.sleepClock(t.Restart.Clock) {
		c.task("S018", t, "clock %d, %d ns remaining", t.Restart.Clock, t.Restart.Remaining)
	}
}

// sleepClock says whether clock_nanosleep(2) takes the clock: none of a thread's
// own time, and of processes those that are there.
func (c *checker) sleepClock(clock int32) bool {
	if clock >= 0 {
		return timerClock(clock) && clock != clockThread
	}
	pid := clockProcess(clock)
	return timerClock(clock) && (pid == 0 || c.Task(pid) != nil)
}

// checkUserAddresses asks that addresses the kernel will touch for the task are
// mapped.
func checkUserAddresses(c *checker, t *format.Task) {
	if !living(t) {
		return
	}
	checkAltStack(c, t)
	if r := t.RobustList; r != nil && r.Length != robustListSize && (r.Length != robustListSize/2 || !compat(t)) {
		c.task("S044", t, "robust list of length %d", r.Length)
	}
	if r := t.Rseq; r != nil && (r.Address == 0 || r.Address%rseqAlign != 0 || r.Length < rseqSize || r.Length > format.PageSize || r.Flags != 0) {
		c.task("S045", t, "rseq area at %s, %d bytes, flags %#x", r.Address, r.Length, r.Flags)
	}
	l := c.layoutOfID(t.Memory)
	if len(l) == 0 {
		return
	}
	for _, a := range addressesOf(t) {
		if a.addr != 0 && l.at(a.addr) == nil {
			c.task("S046", t, "%s %s not mapped", a.name, a.addr)
		}
	}
	if r := t.Rseq; r != nil && r.Address != 0 && r.Length <= format.PageSize && !l.writable(r.Address, r.Length) {
		c.task("S035", t, "rseq area of %d bytes at %s", r.Length, r.Address)
	}
	if r := t.Restart; r != nil && r.Remainder != 0 && !l.writable(r.Remainder, timespecSize) {
		c.task("S034", t, "the rest of its sleep goes to %s", r.Remainder)
	}
}

type namedAddress struct {
	name string
	addr format.Addr
}

func addressesOf(t *format.Task) []namedAddress {
	list := []namedAddress{{"thread id address", t.TIDAddress}}
	if t.RobustList != nil {
		list = append(list, namedAddress{"robust list", t.RobustList.Head})
	}
	if t.Rseq != nil {
		list = append(list, namedAddress{"rseq critical section", t.Rseq.Section})
	}
	return list
}

const (
	// robustListSize is sizeof(struct robust_list_head) on 64-bit machines.
	robustListSize = 24
	// rseqSize and rseqAlign are those of the first struct rseq
	// (include/uapi/linux/rseq.h).
	rseqSize  = 32
	rseqAlign = 32
	// timespecSize is sizeof(struct timespec) of 32-bit code, the smaller one.
	timespecSize = 8
	// minAltStack is MINSIGSTKSZ of x86.
	minAltStack = 2048
	// SS_ONSTACK, SS_DISABLE, SS_AUTODISARM (include/uapi/linux/signal.h).
	altDisabled = 2
	altFlags    = 1 | 2 | 1<<31
)

func checkAltStack(c *checker, t *format.Task) {
	s := t.AltStack
	switch {
	case s == nil:
	case s.Flags&^uint32(altFlags) != 0:
		c.task("S042", t, "alternate stack with flags %#x", s.Flags)
	case s.Flags&altDisabled != 0:
	case s.Size < minAltStack || s.Base > userEnd || s.Size > uint64(userEnd-s.Base):
		c.task("S042", t, "alternate stack of %d bytes at %s", s.Size, s.Base)
	default:
		if l := c.layoutOfID(t.Memory); len(l) > 0 && !l.covers(s.Base, s.Base+format.Addr(s.Size)) {
			c.task("S043", t, "alternate stack of %d bytes at %s not mapped", s.Size, s.Base)
		}
	}
}
