package validate

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
)

// setXSave writes 64 bits into the root's XSAVE area.
func (v *vector) setXSave(offset int, value uint64) {
	binary.LittleEndian.PutUint64(v.regs().XSave[offset:], value)
}

func (v *vector) timer() *format.PosixTimer { return &v.proc().Timers[0] }

func (v *vector) sched() *format.Sched { return v.task(100).Sched }

func (v *vector) creds() *format.Credentials { return &v.Image.Objects.Creds[0] }

func (v *vector) speculate(feature, control uint8) {
	t := v.task(101)
	t.Speculation = append(t.Speculation, format.Speculation{Feature: feature, Control: control})
}

// action is the one with a handler.
func (v *vector) action() *format.SignalAction { return &v.Image.Objects.Handlers[0].Actions[1] }

func (v *vector) act(a format.SignalAction) {
	h := &v.Image.Objects.Handlers[0]
	h.Actions = append(h.Actions, a)
}

var stateMutations = []mutation{
	{"S001", "none", func(v *vector) { v.task(101).Registers = nil }},
	{"S001", "empty", func(v *vector) { v.task(101).Registers = &format.Registers{} }},
	{"S001", "two-machines", func(v *vector) { v.task(101).Registers.ARM64 = &format.RegistersARM64{} }},
	{"S002", "arm64-on-amd64", func(v *vector) { v.task(101).Registers = &format.Registers{ARM64: &format.RegistersARM64{}} }},
	{"S003", "kernel-rip", func(v *vector) { v.regs().RIP = 0xffffffff81000000 }},
	{"S003", "wide-rip-in-32-bit-code", func(v *vector) { v.regs().CS, v.regs().RIP = selCompat, vdsoAddr+16 }},
	{"S004", "kernel-rsp", func(v *vector) { v.regs().RSP = 0xffff888000000000 }},
	{"S005", "kernel-cs", func(v *vector) { v.regs().CS = 0x10 }},
	{"S005", "kernel-ss", func(v *vector) { v.regs().SS = 0x18 }},
	{"S006", "kernel-ds", func(v *vector) { v.regs().DS = 0x18 }},
	{"S006", "null-of-level-one", func(v *vector) { v.regs().ES = 1 }},
	{"S007", "iopl", func(v *vector) { v.regs().RFlags |= 0x3000 }},
	{"S007", "nested-task", func(v *vector) { v.regs().RFlags |= 1 << 14 }},
	{"S008", "interrupts-off", func(v *vector) { v.regs().RFlags = 0x46 }},
	{"S009", "kernel-fs-base", func(v *vector) { v.regs().FSBase = 1 << 63 }},
	{"S009", "kernel-gs-base", func(v *vector) { v.regs().GSBase = 1 << 63 }},
	{"S010", "huge-call", func(v *vector) { v.regs().OrigAX = 0x123456789 }},
	{"S011", "short", func(v *vector) { v.regs().XSave = v.regs().XSave[:512] }},
	{"S011", "no-room-for-avx", func(v *vector) { v.setXSave(xsaveHeader, 7) }},
	{"S012", "feature-40", func(v *vector) { v.setXSave(xsaveHeader, 1<<40) }},
	{"S012", "supervisor-state", func(v *vector) { v.setXSave(xsaveHeader, 1<<8) }},
	{"S013", "compacted", func(v *vector) { v.setXSave(xsaveHeader+8, 1<<63|3) }},
	{"S013", "reserved", func(v *vector) { v.setXSave(xsaveHeader+56, 1) }},
	{"S014", "mxcsr", func(v *vector) { v.setXSave(mxcsrOffset, 0xffff0000) }},
	{"S015", "no-call", func(v *vector) { v.task(101).Restart = &format.Restart{Kind: format.RestartPoll} }},
	{"S016", "nothing-known", func(v *vector) { v.task(102).Restart = nil }},
	{"S017", "poll-in-nanosleep", func(v *vector) { v.task(102).Restart.Kind = format.RestartPoll }},
	{"S017", "amd64-number-in-32-bit-code", func(v *vector) { v.task(102).Registers.AMD64.CS = selCompat }},
	{"S017", "unknown", func(v *vector) { v.task(102).Restart.Kind = "select" }},
	{"S018", "negative-rest", func(v *vector) { v.task(102).Restart.Remaining = -1 }},
	{"S018", "no-such-clock", func(v *vector) { v.task(102).Restart.Clock = 50 }},
	{"S018", "clock-of-a-thread", func(v *vector) { v.task(102).Restart.Clock = clockThread }},
	{"S018", "clock-of-a-file", func(v *vector) { v.task(102).Restart.Clock = -1 }},
	{"S018", "clock-of-nobody", func(v *vector) { v.task(102).Restart.Clock = ^77 << 3 }},
	{"S019", "local-table", func(v *vector) { v.regs().GS = 0x7 }},
	{"S019", "no-descriptor", func(v *vector) { v.regs().DS = 0x1b }},
	{"S019", "beyond-the-table", func(v *vector) { v.regs().ES = 0x83 }},
	{"S020", "sigkill-blocked", func(v *vector) { v.task(101).SignalMask = 1 << 8 }},
	{"S020", "sigstop-blocked", func(v *vector) { v.task(101).SignalMask = 1 << 18 }},
	{"S021", "signal-65", func(v *vector) { v.act(format.SignalAction{Signal: 65}) }},
	{"S022", "sigint-twice", func(v *vector) { v.act(format.SignalAction{Signal: 2, Handler: 1}) }},
	{"S023", "sigkill-ignored", func(v *vector) { v.act(format.SignalAction{Signal: 9, Handler: 1}) }},
	{"S023", "sigstop-with-flags", func(v *vector) { v.act(format.SignalAction{Signal: 19, Flags: 0x10000000}) }},
	{"S024", "sigkill-in-mask", func(v *vector) { v.action().Mask = 1 << 8 }},
	{"S025", "bit-eight", func(v *vector) { v.action().Flags |= 0x100 }},
	{"S026", "handler-in-a-hole", func(v *vector) { v.action().Handler = holeAddr }},
	{"S026", "handler-in-the-heap", func(v *vector) { v.action().Handler = 0x603000 }},
	{"S027", "no-restorer", func(v *vector) { v.action().Flags &^= saRestorer }},
	{"S027", "restorer-in-a-hole", func(v *vector) { v.action().Restorer = holeAddr }},
	{"S028", "signal-99", func(v *vector) { v.task(101).Pending = []format.SigInfo{sigInfo(99)} }},
	{"S029", "sigkill", func(v *vector) { v.proc().Pending = []format.SigInfo{sigInfo(9)} }},
	{"S030", "sigusr1-twice", func(v *vector) { v.task(101).Pending = []format.SigInfo{sigInfo(10), sigInfo(10)} }},
	{"S031", "twelve-bytes", func(v *vector) { v.task(100).Pending[0].Raw = v.task(100).Pending[0].Raw[:12] }},
	{"S032", "another-signal", func(v *vector) { v.task(100).Pending[0].Raw[0] = 13 }},
	{"S032", "another-code", func(v *vector) { v.task(100).Pending[0].Code = -1 }},
	{"S033", "over-the-limit", func(v *vector) { v.proc().Limits[1].Soft = 0; v.proc().Pending = nil }},
	{"S034", "in-a-hole", func(v *vector) { v.task(102).Restart.Remainder = holeAddr }},
	{"S034", "beyond-all-addresses", func(v *vector) { v.task(102).Restart.Remainder = ^format.Addr(0) }},
	{"S034", "in-code", func(v *vector) { v.task(102).Restart.Remainder = textAddr }},
	{"S034", "far-below-the-stack", func(v *vector) { v.task(102).Restart.Remainder = stackAddr - 2<<20 }},
	{"S035", "in-a-hole", func(v *vector) { v.task(100).Rseq.Address = holeAddr }},
	{"S035", "in-code", func(v *vector) { v.task(100).Rseq.Address = textAddr }},
	{"S042", "small", func(v *vector) { v.task(101).AltStack.Size = 100 }},
	{"S042", "flags", func(v *vector) { v.task(101).AltStack.Flags = 0x10 }},
	{"S042", "overflow", func(v *vector) { v.task(101).AltStack.Size = ^uint64(0) }},
	{"S043", "in-a-hole", func(v *vector) { v.task(101).AltStack.Base = holeAddr }},
	{"S044", "length-12", func(v *vector) { v.task(100).RobustList.Length = 12 }},
	{"S044", "length-0", func(v *vector) { v.task(100).RobustList.Length = 0 }},
	{"S049", "fs-selector-and-base", func(v *vector) { v.regs().FS, v.regs().FSBase = 0x63, 0x7ffff7d8a740 }},
	{"S045", "unaligned", func(v *vector) { v.task(100).Rseq.Address += 8 }},
	{"S045", "short", func(v *vector) { v.task(100).Rseq.Length = 20 }},
	{"S045", "nowhere", func(v *vector) { v.task(100).Rseq.Address = 0 }},
	{"S046", "tid-address-in-a-hole", func(v *vector) { v.task(100).TIDAddress = holeAddr }},
	{"S047", "avx", func(v *vector) { v.proc().XFeatures = 4 }},
	{"S046", "robust-list-in-a-hole", func(v *vector) { v.task(100).RobustList.Head = holeAddr }},
	{"S050", "number-3", func(v *vector) { v.proc().Intervals[0].Which = 3 }},
	{"S050", "twice", func(v *vector) { v.proc().Intervals = append(v.proc().Intervals, v.proc().Intervals[0]) }},
	{"S051", "interval-for-ever", func(v *vector) { v.proc().Intervals[0].Interval = format.Unlimited }},
	{"S051", "timer-for-ever", func(v *vector) { v.timer().Remaining = format.Unlimited }},
	{"S052", "twice", func(v *vector) { v.proc().Timers = append(v.proc().Timers, v.proc().Timers[0]) }},
	{"S052", "negative", func(v *vector) { v.timer().Number = -1 }},
	{"S053", "coarse-clock", func(v *vector) { v.timer().Clock = 5 }},
	{"S053", "clock-of-a-file", func(v *vector) { v.timer().Clock = -5 }},
	{"S053", "clock-of-an-impossible-process", func(v *vector) { v.timer().Clock = -1 << 31 }},
	{"S054", "negative", func(v *vector) { v.timer().Overrun = -1 }},
	{"S055", "five", func(v *vector) { v.timer().Notify = 5 }},
	{"S056", "no-signal", func(v *vector) { v.timer().Signal = 0 }},
	{"S057", "other-process", func(v *vector) { v.timer().Target = 102 }},
	{"S057", "nobody", func(v *vector) { v.timer().Target = 0 }},
	{"S060", "resource-16", func(v *vector) { v.proc().Limits[0].Resource = 16 }},
	{"S061", "twice", func(v *vector) { v.proc().Limits = append(v.proc().Limits, v.proc().Limits[0]) }},
	{"S062", "soft-above-hard", func(v *vector) { v.proc().Limits[0].Soft = 5000 }},
	{"S063", "two-thousand", func(v *vector) { v.proc().OOMScoreAdj = 2000 }},
	{"S070", "nice-20", func(v *vector) { v.sched().Nice = 20 }},
	{"S071", "policy-4", func(v *vector) { v.sched().Policy = 4 }},
	{"S071", "policy-99", func(v *vector) { v.sched().Policy = 99 }},
	{"S072", "fifo-zero", func(v *vector) { v.sched().Policy = schedFIFO }},
	{"S072", "other-five", func(v *vector) { v.sched().Priority = 5 }},
	{"S073", "no-processor", func(v *vector) { v.sched().Affinity = []uint64{0, 0} }},
	{"S074", "class-4", func(v *vector) { v.sched().IOPrio = 4 << 13 }},
	{"S074", "no-class-with-a-level", func(v *vector) { v.sched().IOPrio = 4 }},
	{"S075", "bit-28", func(v *vector) { v.task(100).Personality = 1 << 28 }},
	{"S076", "mode-without-filter", func(v *vector) { v.task(100).SeccompMode = 2 }},
	{"S077", "never", func(v *vector) { v.task(101).MCEKill = "never" }},
	{"S078", "feature-two", func(v *vector) { v.speculate(2, 4) }},
	{"S078", "enabled", func(v *vector) { v.speculate(0, 2) }},
	{"S078", "twice", func(v *vector) { v.speculate(1, 4); v.speculate(1, 8) }},
	{"S078", "noexec-of-branches", func(v *vector) { v.speculate(1, 16) }},
	{"S079", "one-nanosecond", func(v *vector) { v.sched().Slice = 1 }},
	{"S079", "of-fifo", func(v *vector) { v.sched().Policy, v.sched().Priority, v.sched().Slice = 1, 5, 3e6 }},
	{"S076", "mode-3", func(v *vector) { v.task(100).SeccompMode = 3 }},
	{"S076", "mode-of-a-zombie", func(v *vector) { v.task(103).SeccompMode = 255 }},
	{"S080", "effective", func(v *vector) { v.creds().Effective = 4 }},
	{"S081", "ambient", func(v *vector) { v.creds().Ambient = 2 }},
	{"S082", "bit-60", func(v *vector) { v.creds().Permitted |= 1 << 60 }},
	{"S083", "no-user", func(v *vector) { v.creds().UID = noID }},
	{"S083", "no-group", func(v *vector) { v.creds().Groups[0] = noID }},
	{"S084", "bit-16", func(v *vector) { v.creds().SecureBits = 1 << 16 }},
	{"S085", "relative", func(v *vector) { v.Image.Objects.FS[0].Cwd = "tmp" }},
	{"S085", "climbing", func(v *vector) { v.Image.Objects.FS[0].Cwd = "/tmp/../etc" }},
	{"S085", "no-root", func(v *vector) { v.Image.Objects.FS[0].Root = "" }},
	{"S086", "ten-bits", func(v *vector) { v.Image.Objects.FS[0].Umask = 0o1000 }},
	{"S087", "one-too-many", func(v *vector) { v.creds().Groups = make([]uint32, maxGroups+1) }},
}
