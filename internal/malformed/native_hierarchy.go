package malformed

import "github.com/thaw-cr/thaw/format"

// hierarchyFaults are trees that no kernel can hold. The base has root 100 in
// session 50, its thread 101, its child 102 with a session of its own, and the
// zombie 103.
var hierarchyFaults = []modelFault{
	{fault{"tree-no-tasks", "an image without tasks", "tasks", "H001 R007"}, func(m tree) { m.Tasks = nil }},
	{fault{"tree-root-missing", "the root is not in the image", "image, root", "H002"}, func(m tree) { m.Root = 99 }},
	{fault{"tree-root-is-thread", "the root is a thread", "image, root", "H003"}, func(m tree) { m.Root = 101 }},
	{fault{"tree-root-not-first", "a child stands before the root", "tasks, order", "H004"}, func(m tree) { m.Tasks[0], m.Tasks[2] = m.Tasks[2], m.Tasks[0] }},
	{fault{"tree-number-twice", "two tasks have one number", "task 103", "H006"}, func(m tree) { m.Tasks = append(m.Tasks, m.Tasks[3]) }},
	{fault{"tree-number-zero", "a task has number 0", "task 0", "H007"}, func(m tree) { m.task(103).TGID, m.task(103).TID = 0, 0 }},
	{fault{"tree-number-negative", "a parent with a negative number", "task 102, ppid", "H007"}, func(m tree) { m.task(102).PPID = -5 }},
	{fault{"tree-number-max", "a task whose number is the greatest of 32 bits", "task 103, tid", "H007"}, func(m tree) { t := m.task(103); t.TID, t.TGID = 1<<31-1, 1<<31-1 }},
	{fault{"tree-thread-without-leader", "a thread of a process that is not there", "task 101, tgid", "H008 S057"}, func(m tree) {
		m.task(101).TGID = 104
	}},
	{fault{"tree-state-unknown", "a state that does not exist", "task 102, state", "H009"}, func(m tree) { m.task(102).State = "sleeping" }},
	{fault{"tree-dead-leader-alone", "a leader that is dead, without a living thread", "task 103, state", "H012"}, func(m tree) { m.task(103).State = format.DeadLeader }},
	{fault{"tree-status-of-the-living", "a living task with a wait status", "task 102, status", "H013"}, func(m tree) { m.task(102).Status = format.ExitStatus(1) }},
	{fault{"tree-status-code-and-signal", "a wait status with an exit code and a signal", "task 103, status", "H014"}, func(m tree) { m.task(103).Status = 0x105 }},
	{fault{"tree-status-signal-65", "killed by signal 65", "task 103, status", "H014"}, func(m tree) { m.task(103).Status = 65 }},
	{fault{"tree-status-all-bits", "a wait status with all bits", "task 103, status", "H014"}, func(m tree) { m.task(103).Status = 0xffff }},
	{fault{"tree-thread-other-parent", "a thread with another parent than its leader", "task 101, ppid", "H016"}, func(m tree) { m.task(101).PPID = 2 }},
	{fault{"tree-thread-other-group", "a thread in another group than its leader", "task 101, pgid", "H017"}, func(m tree) { m.task(101).PGID = 77 }},
	{fault{"tree-thread-other-memory", "a thread with another memory than its leader", "task 101, memory", "H019"}, func(m tree) {
		m.task(101).Memory, m.task(101).AltStack = treeSmallMemory, nil
	}},
	{fault{"tree-child-of-thread", "a parent that is a thread", "task 102, ppid", "H022"}, func(m tree) { m.task(102).PPID = 101 }},
	{fault{"tree-child-of-zombie", "a zombie with a living child", "task 102, ppid", "H023"}, func(m tree) { m.task(102).PPID = 103 }},
	{fault{"tree-own-parent", "a process that is its own parent", "task 102, ppid", "H024"}, func(m tree) { m.task(102).PPID = 102 }},
	{fault{"tree-cycle", "two processes that are each other's parents", "tasks 100 and 102, ppid", "H024"}, func(m tree) { m.task(100).PPID, m.task(101).PPID = 102, 102 }},
	{fault{"tree-leader-left-group", "a session leader in another group", "task 102, pgid", "H025"}, func(m tree) { m.task(102).PGID = 105 }},
	{fault{"tree-session-of-nobody", "a member of a session whose leader is in another", "task 103, sid", "H026"}, func(m tree) { m.task(103).SID, m.task(103).PGID = 100, 77 }},
	{fault{"tree-group-torn", "a group in two sessions", "task 103, sid", "H027"}, func(m tree) { m.task(103).SID = 51 }},
	{fault{"tree-group-zero", "group 0", "task 103, pgid", "H028"}, func(m tree) { m.task(103).PGID = 0 }},
	{fault{"tree-group-of-thread", "a group whose number a thread has", "task 103, pgid", "H029"}, func(m tree) { m.task(103).PGID = 101 }},
	{fault{"tree-exit-signal-65", "exit signal 65", "task 102, exit_signal", "H030"}, func(m tree) { m.task(102).ExitSignal = 65 }},
	{fault{"tree-thread-exit-signal", "a thread that signals its end", "task 101, exit_signal", "H031"}, func(m tree) { m.task(101).ExitSignal = format.SIGCHLD }},
	{fault{"tree-death-signal-99", "parent-death signal 99", "task 102, parent_death_signal", "H033"}, func(m tree) { m.task(102).ParentDeathSignal = 99 }},
	{fault{"tree-made-itself", "a task that made itself", "task 102, creator", "H034"}, func(m tree) { m.task(102).Creator = 102 }},
	{fault{"tree-zombie-with-files", "a zombie with open files", "task 103, files", "H035"}, func(m tree) { m.task(103).Files = m.task(102).Files }},
	{fault{"tree-zombie-with-registers", "a zombie with registers", "task 103, registers", "H035"}, func(m tree) { m.task(103).Registers = m.task(102).Registers }},
	{fault{"tree-name-too-long", "a name of 16 bytes", "task 100, comm", "H036"}, func(m tree) { m.task(100).Comm = "sixteen-bytes-ok" }},
	{fault{"tree-name-with-zero", "a name with a zero byte", "task 100, comm", "H036"}, func(m tree) { m.task(100).Comm = "a\x00b" }},
	{fault{"tree-stopped-by-term", "stopped by a signal that stops nobody", "task 102, stop_signal", "H037"}, func(m tree) { t := m.task(102); t.State, t.StopSignal = format.Stopped, format.SIGTERM }},
	{fault{"tree-stopped-by-nobody", "stopped, without a signal", "task 102, stop_signal", "H038"}, func(m tree) { m.task(102).State = format.Stopped }},
	{fault{"tree-nothing-shared", "a living task without credentials", "task 102, creds", "H040"}, func(m tree) { m.task(102).Creds = 0 }},
	{fault{"tree-nested-number-zero", "number 0 in a nested pid namespace", "task 102, nspids", "H043"}, func(m tree) { m.task(102).NSPIDs = []format.PID{0} }},
	{fault{"tree-thread-deeper", "a thread in a deeper pid namespace than its leader", "task 101, nspids", "H044"}, func(m tree) { m.task(101).NSPIDs = []format.PID{7} }},
}

// stateFaults are registers, signals, timers, credentials that no kernel gives.
var stateFaults = []modelFault{
	{fault{"regs-none", "a living task without registers", "task 101, registers", "S001"}, func(m tree) { m.task(101).Registers = nil }},
	{fault{"regs-two-machines", "registers of two machines", "task 101, registers", "S001"}, func(m tree) { m.task(101).Registers.ARM64 = &format.RegistersARM64{} }},
	{fault{"regs-other-machine", "registers of another machine", "task 101, registers", "S002"}, func(m tree) { m.task(101).Registers = &format.Registers{ARM64: &format.RegistersARM64{}} }},
	{fault{"regs-kernel-rip", "an instruction pointer in the kernel", "task 100, rip", "S003"}, func(m tree) { m.regs().RIP = 0xffffffff81000000 }},
	{fault{"regs-noncanonical-rip", "an instruction pointer that is no address", "task 100, rip", "S003"}, func(m tree) { m.regs().RIP = 1 << 63 }},
	{fault{"regs-rip-above-47-bits", "an instruction pointer above 47 bits, where nothing is mapped", "task 100, rip", "M044"}, func(m tree) { m.regs().RIP = 1 << 47 }},
	{fault{"regs-kernel-rsp", "a stack pointer in the kernel", "task 100, rsp", "S004"}, func(m tree) { m.regs().RSP = 0xffff888000000000 }},
	{fault{"regs-kernel-cs", "the kernel's code segment", "task 100, cs", "S005"}, func(m tree) { m.regs().CS = 0x10 }},
	{fault{"regs-kernel-ss", "the kernel's stack segment", "task 100, ss", "S005"}, func(m tree) { m.regs().SS = 0x18 }},
	{fault{"regs-kernel-ds", "a data segment of the kernel", "task 100, ds", "S006"}, func(m tree) { m.regs().DS = 0x18 }},
	{fault{"regs-iopl", "the right to use ports", "task 100, rflags", "S007"}, func(m tree) { m.regs().RFlags |= 0x3000 }},
	{fault{"regs-interrupts-off", "interrupts switched off", "task 100, rflags", "S008"}, func(m tree) { m.regs().RFlags = 0x46 }},
	{fault{"regs-kernel-fs-base", "a segment base in the kernel", "task 100, fs_base", "S009"}, func(m tree) { m.regs().FSBase = 1 << 63 }},
	{fault{"regs-xsave-short", "an extended state of 512 bytes", "task 100, xsave", "S011"}, func(m tree) { m.regs().XSave = m.regs().XSave[:512] }},
	{fault{"regs-xsave-feature-40", "an extended state with a feature that does not exist", "task 100, xsave, offset 512", "S012"}, func(m tree) { le.PutUint64(m.regs().XSave[512:], 1<<40) }},
	{fault{"regs-xsave-compacted", "an extended state in compacted form", "task 100, xsave, offset 520", "S013"}, func(m tree) { le.PutUint64(m.regs().XSave[520:], 1<<63|3) }},
	{fault{"regs-mxcsr", "reserved bits of MXCSR", "task 100, xsave, offset 24", "S014"}, func(m tree) { le.PutUint64(m.regs().XSave[24:], 0xffff0000) }},
	{fault{"regs-rip-in-a-hole", "an instruction pointer where nothing is mapped", "task 100, rip", "M044"}, func(m tree) { m.regs().RIP = treeHole }},
	{fault{"regs-rip-in-data", "an instruction pointer in memory that is not executable", "task 100, rip", "M045"}, func(m tree) { m.regs().RIP = treeHeap + 16 }},
	{fault{"regs-rsp-in-a-hole", "a stack pointer where nothing is mapped", "task 100, rsp", "M046"}, func(m tree) { m.regs().RSP = treeHole }},
	{fault{"restart-unknown", "a system call to restart that does not exist", "task 102, restart", "S017"}, func(m tree) { m.task(102).Restart.Kind = "select" }},
	{fault{"restart-negative", "a sleep with a negative rest", "task 102, restart", "S018"}, func(m tree) { m.task(102).Restart.Remaining = -1 }},
	{fault{"signal-kill-blocked", "SIGKILL blocked", "task 101, signal_mask", "S020"}, func(m tree) { m.task(101).SignalMask = 1 << 8 }},
	{fault{"signal-action-65", "an action for signal 65", "object 65, actions", "S021"}, func(m tree) {
		h := &m.Objects.Handlers[0]
		h.Actions = append(h.Actions, format.SignalAction{Signal: 65})
	}},
	{fault{"signal-kill-ignored", "SIGKILL ignored", "object 65, actions", "S023"}, func(m tree) {
		h := &m.Objects.Handlers[0]
		h.Actions = append(h.Actions, format.SignalAction{Signal: 9, Handler: 1})
	}},
	{fault{"signal-handler-in-a-hole", "a signal handler where nothing is mapped", "object 65, actions", "S026"}, func(m tree) { m.Objects.Handlers[0].Actions[1].Handler = treeHole }},
	{fault{"signal-pending-99", "signal 99 pending", "task 100, pending", "S028"}, func(m tree) { m.task(100).Pending[0].Signal = 99 }},
	{fault{"signal-info-short", "a siginfo of 12 bytes", "task 100, pending", "S031"}, func(m tree) { m.task(100).Pending[0].Raw = m.task(100).Pending[0].Raw[:12] }},
	{fault{"signal-info-other", "a siginfo of another signal", "task 100, pending", "S032"}, func(m tree) { m.task(100).Pending[0].Raw[0] = 13 }},
	{fault{"stack-overflow", "an alternate stack beyond all memory", "task 101, alt_stack", "S042"}, func(m tree) { m.task(101).AltStack.Size = 1<<64 - 1 }},
	{fault{"robust-list-length", "a robust list of another length", "task 100, robust_list", "S044"}, func(m tree) { m.task(100).RobustList.Length = 12 }},
	{fault{"rseq-unaligned", "an rseq area that is not aligned", "task 100, rseq", "S045"}, func(m tree) { m.task(100).Rseq.Address += 8 }},
	{fault{"timer-number-3", "interval timer 3", "object 1, intervals", "S050"}, func(m tree) { m.process().Intervals[0].Which = 3 }},
	{fault{"timer-twice", "a timer number twice", "object 1, timers", "S052"}, func(m tree) { m.process().Timers = append(m.process().Timers, m.process().Timers[0]) }},
	{fault{"timer-other-process", "a timer that signals a task of another process", "object 1, timers", "S057"}, func(m tree) { m.process().Timers[0].Target = 102 }},
	{fault{"limit-16", "a limit of a resource that does not exist", "object 1, limits", "S060"}, func(m tree) { m.process().Limits[0].Resource = 16 }},
	{fault{"limit-soft-above-hard", "a soft limit above the hard one", "object 1, limits", "S062"}, func(m tree) { m.process().Limits[0].Soft = 5000 }},
	{fault{"oom-score", "an OOM score adjustment of 2000", "object 1, oom_score_adj", "S063"}, func(m tree) { m.process().OOMScoreAdj = 2000 }},
	{fault{"sched-nice-20", "a nice value of 20", "task 100, sched", "S070"}, func(m tree) { m.task(100).Sched.Nice = 20 }},
	{fault{"sched-no-processor", "an empty set of processors", "task 100, sched", "S073"}, func(m tree) { m.task(100).Sched.Affinity = []uint64{0, 0} }},
	{fault{"seccomp-without-filter", "seccomp in filter mode without a filter", "task 100, seccomp_mode", "S076"}, func(m tree) { m.task(100).SeccompMode = 2 }},
	{fault{"creds-effective", "effective capabilities that are not permitted", "object 70, effective", "S080"}, func(m tree) { m.Objects.Creds[0].Effective = 4 }},
	{fault{"creds-user-minus-one", "user 2^32-1", "object 70, uid", "S083"}, func(m tree) { m.Objects.Creds[0].UID = 1<<32 - 1 }},
	{fault{"fs-relative", "a working directory that is not absolute", "object 60, cwd", "S085"}, func(m tree) { m.Objects.FS[0].Cwd = "tmp" }},
	{fault{"fs-climbing", "a working directory with ..", "object 60, cwd", "S085"}, func(m tree) { m.Objects.FS[0].Cwd = "/tmp/../etc" }},
	{fault{"fs-umask", "an umask of ten bits", "object 60, umask", "S086"}, func(m tree) { m.Objects.FS[0].Umask = 0o1000 }},
}
