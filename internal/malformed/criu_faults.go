package malformed

import (
	"bytes"
	"math"
)

// proc changes the entry of a process in pstree.img of criuZombies, whose processes
// are in this order: 20501 with children 20504 to 20508 and 20511, dead, 20512,
// 20513, dead, 20514 with its dead 20515 and 20519, and 20517 with its dead 20518.
func proc(nth int, field string, v uint64) func(*criuDir) { return number("pstree.img", nth, field, v) }

const (
	psPID, psPPID, psPGID, psSID, psThread = "1", "2", "3", "4", "5"

	nth20501, nth20504, nth20512, nth20513, nth20514, nth20515, nth20517 = 0, 1, 7, 8, 9, 10, 12
)

// criuTrees are faults of pstree.img and inventory.img.
var criuTrees = []criuFault{
	{fault{"tree-own-parent", "a process that is its own parent", "pstree.img, 20512, ppid", "H024"}, criuZombies, proc(nth20512, psPPID, 20512)},
	{fault{"tree-cycle", "two processes that are each other's parents", "pstree.img, 20512 and 20514, ppid", "H024"}, criuZombies, all(proc(nth20512, psPPID, 20514), proc(nth20514, psPPID, 20512))},
	{fault{"tree-parent-missing", "a parent that is not there", "pstree.img, 20512, ppid", "H047"}, criuZombies, proc(nth20512, psPPID, 777)},
	{fault{"tree-parent-zombie", "a zombie with a living child", "pstree.img, 20512, ppid", "H023"}, criuZombies, proc(nth20512, psPPID, 20504)},
	{fault{"tree-parent-max", "parent 2^32-1", "pstree.img, 20512, ppid", "H007"}, criuZombies, proc(nth20512, psPPID, math.MaxUint32)},
	{fault{"tree-number-twice", "a process twice", "pstree.img, 20504", "H006"}, criuZombies, repeated("pstree.img", nth20504)},
	{fault{"tree-number-of-another", "two processes have one number", "pstree.img, 20513, pid", "F033 H006"}, criuZombies, proc(nth20513, psPID, 20504)},
	{fault{"tree-number-zero", "a process has number 0", "pstree.img, 20513, pid", "F013"}, criuZombies, all(proc(nth20513, psPID, 0), renamed("core-20513.img", "core-0.img"))},
	{fault{"tree-number-max", "process 2^31", "pstree.img, 20513, pid", "F013"}, criuZombies, all(proc(nth20513, psPID, 1<<31), renamed("core-20513.img", "core-2147483648.img"))},
	{fault{"tree-group-of-nobody", "a leader of a session in another group", "pstree.img, 20513, pgid", "H025"}, criuZombies, proc(nth20513, psPGID, 777)},
	{fault{"tree-group-max", "group 2^32-1", "pstree.img, 20512, pgid", "H007"}, criuZombies, proc(nth20512, psPGID, math.MaxUint32)},
	{fault{"tree-session-of-member", "a session whose leader is in another", "pstree.img, 20512, sid", "H026"}, criuZombies, all(proc(nth20512, psSID, 20514), proc(nth20512, psPGID, 777))},
	{fault{"tree-group-torn", "a group in two sessions", "pstree.img, 20512, sid", "H027"}, criuZombies, proc(nth20512, psSID, 778)},
	{fault{"tree-no-processes", "no processes", "pstree.img", "F009"}, criuZombies, func(d *criuDir) { d.setMessages("pstree.img", nil) }},
	{fault{"tree-root-not-first", "the root stands after a child", "pstree.img, order", "F013"}, criuZombies, func(d *criuDir) {
		list := d.messages("pstree.img")
		list[0], list[1] = list[1], list[0]
		d.setMessages("pstree.img", list)
	}},
	{fault{"tree-two-roots", "two processes without a parent", "pstree.img, 20512, ppid", "F013"}, criuZombies, proc(nth20512, psPPID, 0)},
	{fault{"tree-thread-missing", "a thread without its core file", "pstree.img, threads", "F009"}, criuThreads, number("pstree.img", 0, "5[4]", 20999)},
	{fault{"tree-thread-twice", "a thread twice", "pstree.img, threads", "H006"}, criuThreads, double("pstree.img", "5[4]")},
	{fault{"tree-thread-zero", "a thread with number 0 in a living process", "pstree.img, threads", "F009"}, criuThreads, number("pstree.img", 0, "5[4]", 0)},
	{fault{"tree-leader-no-thread", "a process whose leader is none of its threads", "pstree.img, threads", "F013"}, criuThreads, drop("pstree.img", 0, "5[0]")},
	{fault{"tree-pid-missing", "an entry without a number", "pstree.img, pid", "F013"}, criuZombies, drop("pstree.img", nth20512, psPID)},
	{fault{"tree-garbage", "an entry that is no protobuf", "pstree.img", "F013"}, criuZombies, message("pstree.img", nth20512, func([]byte) []byte { return bytes.Repeat([]byte{0xff}, 12) })},
	{fault{"inventory-twice", "two inventories", "inventory.img", "F008"}, criuZombies, repeated("inventory.img", 0)},
	{fault{"inventory-version-0", "version 0", "inventory.img, img_version", "F002"}, criuZombies, number("inventory.img", 0, "1", 0)},
	{fault{"inventory-version-3", "a version of the future", "inventory.img, img_version", "F002"}, criuZombies, number("inventory.img", 0, "1", 3)},
	{fault{"inventory-version-max", "version 2^32-1", "inventory.img, img_version", "F002"}, criuZombies, number("inventory.img", 0, "1", math.MaxUint32)},
	{fault{"inventory-no-version", "no version", "inventory.img, img_version", "F013"}, criuZombies, drop("inventory.img", 0, "1")},
}

// criuCores are faults of core files.
var criuCores = []criuFault{
	{fault{"core-state-77", "a state that does not exist", "core-20512.img, tc.task_state", "F002"}, criuZombies, number("core-20512.img", 0, "3.1", 77)},
	{fault{"core-machine-99", "a machine that does not exist", "core-20512.img, mtype", "S001"}, criuZombies, number("core-20512.img", 0, "1", 99)},
	{fault{"core-status-17-bits", "a wait status of 17 bits", "core-20504.img, tc.exit_code", "F013"}, criuZombies, number("core-20504.img", 0, "3.2", 1<<16)},
	{fault{"core-status-both", "a wait status with an exit code and a signal", "core-20504.img, tc.exit_code", "H014"}, criuZombies, number("core-20504.img", 0, "3.2", 0x105)},
	{fault{"core-status-65", "killed by signal 65", "core-20504.img, tc.exit_code", "H014"}, criuZombies, number("core-20504.img", 0, "3.2", 65)},
	{fault{"core-zombie-lives", "a process without threads that is alive", "core-20504.img, tc.task_state", "F009"}, criuZombies, number("core-20504.img", 0, "3.1", 1)},
	{fault{"core-no-task", "a process without its state", "core-20512.img, tc", "F009"}, criuZombies, drop("core-20512.img", 0, "3")},
	{fault{"core-no-thread", "a thread without its state", "core-20512.img, thread_core", "H040"}, criuZombies, drop("core-20512.img", 0, "5")},
	{fault{"core-no-registers", "a living process without registers", "core-20512.img, thread_info", "F009"}, criuZombies, drop("core-20512.img", 0, "2")},
	{fault{"core-no-name", "a process without a name", "core-20512.img, tc.comm", "F013"}, criuZombies, drop("core-20512.img", 0, "3.6")},
	{fault{"core-name-long", "a name of 16 bytes", "core-20512.img, tc.comm", "F032 H036"}, criuZombies, text("core-20512.img", 0, "sixteen-bytes-ok")},
	{fault{"core-twice", "two messages in a core file", "core-20512.img", "F008"}, criuZombies, repeated("core-20512.img", 0)},
	{fault{"core-kernel-ip", "an instruction pointer in the kernel", "core-20512.img, gpregs.ip", "S003"}, criuZombies, number("core-20512.img", 0, "2.2.17", 0xffffffff81000000)},
	{fault{"core-ip-in-a-hole", "an instruction pointer where nothing is mapped", "core-20512.img, gpregs.ip", "M044"}, criuZombies, number("core-20512.img", 0, "2.2.17", 0x500000000)},
	{fault{"core-ip-in-data", "an instruction pointer in memory that is not executable", "core-20512.img, gpregs.ip", "M045"}, criuZombies, number("core-20512.img", 0, "2.2.17", 0x4bf000)},
	{fault{"core-kernel-sp", "a stack pointer in the kernel", "core-20512.img, gpregs.sp", "S004"}, criuZombies, number("core-20512.img", 0, "2.2.20", 0xffff888000000000)},
	{fault{"core-kernel-cs", "the kernel's code segment", "core-20512.img, gpregs.cs", "S005"}, criuZombies, number("core-20512.img", 0, "2.2.18", 0x10)},
	{fault{"core-kernel-ss", "the kernel's stack segment", "core-20512.img, gpregs.ss", "S005"}, criuZombies, number("core-20512.img", 0, "2.2.21", 0x18)},
	{fault{"core-iopl", "the right to use ports", "core-20512.img, gpregs.flags", "S007"}, criuZombies, number("core-20512.img", 0, "2.2.19", 0x3246)},
	{fault{"core-interrupts-off", "interrupts switched off", "core-20512.img, gpregs.flags", "S008"}, criuZombies, number("core-20512.img", 0, "2.2.19", 0x46)},
	{fault{"core-kernel-gs-base", "a segment base in the kernel", "core-20512.img, gpregs.gs_base", "S009"}, criuZombies, number("core-20512.img", 0, "2.2.23", 1<<63)},
	{fault{"core-mxcsr", "reserved bits of MXCSR", "core-20512.img, fpregs.mxcsr", "S014"}, criuZombies, number("core-20512.img", 0, "2.3.7", 0xffff0000)},
	{fault{"core-mask-kill", "SIGKILL blocked", "core-20405.img, thread_core.blk_sigset", "S020"}, criuThreads, number("core-20405.img", 0, "5.6", 1<<8)},
	{fault{"core-rlimits-17", "a limit of a resource that does not exist", "core-20512.img, rlimits", "S060"}, criuZombies, double("core-20512.img", "3.8.1[15]")},
	{fault{"core-rlimit-reversed", "a soft limit above the hard one", "core-20512.img, rlimits", "S062"}, criuZombies, all(number("core-20512.img", 0, "3.8.1[4].1", 10), number("core-20512.img", 0, "3.8.1[4].2", 5))},
	{fault{"core-sigactions-65", "an action for signal 65", "core-20512.img, sigactions", "F013"}, criuZombies, double("core-20512.img", "3.15[1]")},
	{fault{"core-oom", "an OOM score adjustment of 2000", "core-20512.img, oom_score_adj", "F013"}, criuZombies, number("core-20512.img", 0, "3.14", 2000)},
	{fault{"core-uid-max", "user 2^32-1", "core-20512.img, creds.uid", "S083"}, criuZombies, number("core-20512.img", 0, "5.10.1", math.MaxUint32)},
	{fault{"core-ids-files-999", "a file table that is not there", "ids-20512.img, files_id", "F009"}, criuZombies, number("ids-20512.img", 0, "2", 999)},
	{fault{"core-fs-dangling", "a working directory that is not there", "fs-20512.img, cwd_id", "F009"}, criuZombies, number("fs-20512.img", 0, "1", 999)},
	{fault{"core-fs-umask", "an umask of ten bits", "fs-20512.img, umask", "S086"}, criuZombies, number("fs-20512.img", 0, "3", 0o1000)},
}
