package malformed

import (
	"math"
	"slices"
)

// headless takes a magic number from the beginning of a file.
func headless(file string) func(*criuDir) {
	return func(d *criuDir) { d.files[file] = slices.Clone(d.files[file][4:]) }
}

// added is a field of the first message of a file that was not there.
func added(file, path string, v uint64) func(*criuDir) { return number(file, 0, path, v) }

// criuStrange are images that can be read, and that CRIU refuses, dies of, or
// restores otherwise than they say.
var criuStrange = []criuFault{
	{fault{"inventory-common-magic", "an inventory that begins as other files do", "inventory.img, magic", "F001"}, criuZombies, func(d *criuDir) {
		d.files["inventory.img"] = append(le.AppendUint32(nil, 0x54564319), d.files["inventory.img"]...)
	}},
	{fault{"core-no-common-magic", "a file that begins as those of version 1.0 do", "core-20512.img, magic", "F001"}, criuZombies, headless("core-20512.img")},
	{fault{"inventory-no-root-ids", "nobody says which namespaces are the machine's", "inventory.img, root_ids", "F009"}, criuZombies, drop("inventory.img", 0, "3")},
	{fault{"inventory-root-set-zero", "CRIU in control groups of number 0", "inventory.img, root_cg_set", "F031"}, criuZombies, number("inventory.img", 0, "5", 0)},
	{fault{"inventory-lsm-9", "a security module that does not exist", "inventory.img, lsmtype", "F002"}, criuZombies, number("inventory.img", 0, "6", 9)},
	{fault{"inventory-network-lock-9", "a lock of networks that does not exist", "inventory.img, network_lock_method", "F002"}, criuZombies, number("inventory.img", 0, "11", 9)},
	{fault{"tree-no-threads", "a living process without threads", "pstree.img, 20512, threads", "F009"}, criuZombies, drop("pstree.img", nth20512, psThread)},
	{fault{"tree-leader-twice", "a leader that is two of its threads", "pstree.img, 20512, threads", "F008"}, criuZombies, message("pstree.img", nth20512, func(b []byte) []byte {
		return editPB(b, psThread, doubleField)
	})},
	{fault{"ids-vm-zero", "memory of number 0", "ids-20512.img, vm_id", "F031"}, criuZombies, number("ids-20512.img", 0, "1", 0)},
	{fault{"ids-fs-zero", "a place of number 0", "ids-20512.img, fs_id", "F031"}, criuZombies, number("ids-20512.img", 0, "3", 0)},
	{fault{"ids-vm-shared", "two processes with one memory, and each with one of its own", "ids-20512.img, vm_id", "F032 F033"}, criuZombies, number("ids-20512.img", 0, "1", 2)},
	{fault{"ids-vm-of-criu", "a process that shares its memory with CRIU", "ids-20512.img, vm_id", "F031"}, criuZombies, number("ids-20512.img", 0, "1", 1)},
	{fault{"ids-uts-missing", "a namespace whose file is not there", "ids-20512.img, uts_ns_id", "F009"}, criuZombies, number("ids-20512.img", 0, "8", 777)},
	{fault{"ids-uts-none", "a process in no UTS namespace", "ids-20512.img, uts_ns_id", "F009"}, criuZombies, drop("ids-20512.img", 0, "8")},
	{fault{"utsns-missing", "a namespace of the image's own whose file is not there", "utsns-11.img", "F009"}, criuPidNS, func(d *criuDir) { delete(d.files, "utsns-11.img") }},
	{fault{"utsns-long", "a host name of 65 bytes", "utsns-11.img, nodename", "R093"}, criuPidNS, message("utsns-11.img", 0, func(b []byte) []byte {
		return editPB(b, "1", setText(string(make([]byte, 65))))
	})},
	{fault{"ipcns-var-missing", "an IPC namespace whose settings are not there", "ipcns-var-10.img", "F009"}, criuPidNS, func(d *criuDir) { delete(d.files, "ipcns-var-10.img") }},
	{fault{"ipcns-var-negative", "a setting of -1", "ipcns-var-10.img, msg_ctlmax", "R093"}, criuPidNS, number("ipcns-var-10.img", 0, "2", math.MaxUint32)},
	{fault{"core-exit-code-alive", "an exit code of a task that is alive", "core-20512.img, tc.exit_code", "H013"}, criuZombies, number("core-20512.img", 0, "3.2", 256)},
	{fault{"core-stop-alive", "a stop signal of a task that is not stopped", "core-20512.img, tc.stop_signo", "H039"}, criuZombies, number("core-20512.img", 0, "3.21", 19)},
	{fault{"core-stop-99", "a stop signal that does not exist", "core-20512.img, tc.stop_signo", "F031"}, criuZombies, number("core-20512.img", 0, "3.21", 99)},
	{fault{"core-dead-machine", "a dead process of another machine", "core-20504.img, mtype", "F032"}, criuZombies, number("core-20504.img", 0, "1", 2)},
	{fault{"core-timers-missing", "a process without timers", "core-20512.img, tc.timers", "F009"}, criuZombies, drop("core-20512.img", 0, "3.7")},
	{fault{"core-sigactions-61", "a signal without an action", "core-20512.img, tc.sigactions", "F009"}, criuZombies, shortened("3.15[61]")},
	{fault{"core-rlimits-15", "a resource without a limit", "core-20512.img, tc.rlimits", "F034"}, criuZombies, shortened("3.8.1[15]")},
	{fault{"core-nice-300", "a nice value of 300", "core-20512.img, thread_core.sched_nice", "F031 S070"}, criuZombies, number("core-20512.img", 0, "5.3", 600)},
	{fault{"core-pdeath-99", "a parent-death signal that does not exist", "core-20512.img, thread_core.pdeath_sig", "F031"}, criuZombies, number("core-20512.img", 0, "5.8", 99)},
	{fault{"core-altstack-on-and-off", "an alternate stack that is off and has a size", "core-20512.img, thread_core.sas.ss_flags", "F031"}, criuZombies, number("core-20512.img", 0, "5.7.3", 0)},
	{fault{"core-no-new-privs-7", "no_new_privs of 7", "core-20512.img, thread_core.creds.no_new_privs", "F031"}, criuZombies, added("core-20512.img", "5.10.18", 7)},
	{fault{"core-membarrier", "registrations of membarrier that do not exist", "core-20512.img, tc.membarrier_registration_mask", "F031"}, criuZombies, added("core-20512.img", "3.22", 1)},
	{fault{"core-mode-7", "registers of a mode that does not exist", "core-20512.img, gpregs.mode", "F031"}, criuZombies, number("core-20512.img", 0, "2.2.28", 7)},
	{fault{"core-st-space-31", "a word of the x87 registers too few", "core-20512.img, fpregs.st_space", "F031"}, criuZombies, shortened("2.3.9[31]")},
	{fault{"core-xmm-space-63", "a word of the SSE registers too few", "core-20512.img, fpregs.xmm_space", "F031"}, criuZombies, shortened("2.3.10[63]")},
	{fault{"core-ymm-space-63", "a word of the AVX registers too few", "core-20512.img, xsave.ymmh_space", "F031"}, criuZombies, shortened("2.3.13.2[63]")},
	{fault{"core-fp-word", "an x87 control word of 17 bits", "core-20512.img, fpregs.cwd", "F031"}, criuZombies, number("core-20512.img", 0, "2.3.1", 0x1037f)},
	{fault{"core-tls-slot", "a TLS descriptor in a slot that does not exist", "core-20512.img, tls.entry_number", "F031"}, criuZombies, number("core-20512.img", 0, "2.4.1", 99)},
	{fault{"core-tls-system", "a TLS descriptor of a system segment", "core-20512.img, tls.contents_h", "F031"}, criuZombies, number("core-20512.img", 0, "2.4.5", 1)},
	{fault{"vma-prot-8", "protection that does not exist", "mm-20501.img, vmas[0].prot", "M010"}, criuZombies, number("mm-20501.img", 0, "14[0].5", 9)},
	{fault{"vma-prot-max", "protection of 32 bits", "mm-20501.img, vmas[0].prot", "F031 M010 M011"}, criuZombies, number("mm-20501.img", 0, "14[0].5", math.MaxUint32)},
	{fault{"vma-status-none", "an area that shows nothing", "mm-20501.img, vmas[0].status", "F031"}, criuZombies, number("mm-20501.img", 0, "14[0].7", 0)},
	{fault{"vma-status-two", "an area that is two things", "mm-20501.img, vmas[0].status", "F031"}, criuZombies, number("mm-20501.img", 0, "14[0].7", 1|1<<6|1<<9)},
	{fault{"vma-advice", "advice that does not exist", "mm-20501.img, vmas[0].madv", "F002"}, criuZombies, number("mm-20501.img", 0, "14[0].9", 1<<40)},
	{fault{"vma-open-truncates", "a mapped file that is opened to be cut off", "mm-20501.img, vmas[0].fdflags", "F002"}, criuZombies, number("mm-20501.img", 0, "14[0].10", 0o1000)},
	{fault{"mm-start-brk-zero", "a heap at address 0", "mm-20501.img, mm_start_brk", "M067"}, criuZombies, number("mm-20501.img", 0, "6", 0)},
	{fault{"mm-auxv-missing", "no auxiliary vector", "mm-20501.img, mm_saved_auxv", "F034"}, criuZombies, message("mm-20501.img", 0, func(b []byte) []byte {
		return encodePB(slices.DeleteFunc(parsePB(b), func(f pbField) bool { return f.num == 13 }))
	})},
	{fault{"pagemap-head-only", "a pagemap of nothing beside pages", "pagemap-20501.img", "F004"}, criuZombies, func(d *criuDir) {
		d.setMessages("pagemap-20501.img", d.messages("pagemap-20501.img")[:1])
	}},
	{fault{"pagemap-parent-twice", "pages that are here and in the parent", "pagemap-20501.img, entry 1, flags", "F013"}, criuZombies, number("pagemap-20501.img", 1, "4", 5)},
	{fault{"pagemap-in-parent", "in_parent and flags disagree", "pagemap-20501.img, entry 1, in_parent", "F013"}, criuZombies, number("pagemap-20501.img", 1, "3", 1)},
	{fault{"pagemap-compat", "another number of pages for older readers", "pagemap-20501.img, entry 1, compat_nr_pages", "F013"}, criuZombies, number("pagemap-20501.img", 1, "2", 99)},
	{fault{"pagemap-compat-missing", "no number of pages for older readers", "pagemap-20501.img, entry 1, compat_nr_pages", "F013"}, criuZombies, drop("pagemap-20501.img", 1, "2")},
	{fault{"pages-of-nobody", "pages that no pagemap refers to", "pages-99.img", "F033"}, criuZombies, func(d *criuDir) { d.files["pages-99.img"] = make([]byte, pageSize) }},
	{fault{"core-of-nobody", "a task that is in no process", "core-777.img", "F033"}, criuZombies, func(d *criuDir) { d.files["core-777.img"] = d.files["core-20512.img"] }},
	{fault{"pipe-data-of-nobody", "contents of a pipe that is not there", "pipes-data.img, pipe_id", "F009"}, criuFiles, number("pipes-data.img", 0, "1", 777)},
	{fault{"pipe-size-zero", "a pipe that holds nothing", "pipes-data.img, size", "F031"}, criuFiles, number("pipes-data.img", 0, "3", 0)},
	{fault{"pipe-zero", "a pipe of number 0", "files.img, pipe_id", "F009 F031"}, criuFiles, func(d *criuDir) { pipeOfFiles(d, 0) }},
	{fault{"fd-flags", "flags of a descriptor that do not exist", "fdinfo-2.img, entry 0, flags", "F002"}, criuZombies, number("fdinfo-2.img", 0, "2", 6)},
	{fault{"ghost-longer", "a deleted file with more than it says", "ghost-file-1.img, size", "F004"}, criuFiles, ghostSize(5)},
	{fault{"ghost-shorter", "a deleted file with less than it says", "ghost-file-1.img, size", "F003"}, criuFiles, ghostSize(1 << 20)},
	{fault{"ghost-mode", "a deleted file of no type", "ghost-file-1.img, mode", "F031"}, criuFiles, ghostField("3", 0o644)},
	{fault{"ghost-nobody", "a deleted file of nobody", "ghost-file-1.img, uid", "R048"}, criuFiles, ghostField("1", math.MaxUint32)},
	{fault{"memfd-mode", "a memfd that is a directory", "memfd.img, mode", "F031"}, criuFiles, number("memfd.img", 0, "9", 0o040755)},
	{fault{"memfd-pages-missing", "shared memory whose pagemap is not there", "pagemap-shmem-30923.img", "F009 F033"}, criuFiles, func(d *criuDir) { delete(d.files, "pagemap-shmem-30923.img") }},
	{fault{"lock-flag", "a lock of two kinds", "filelocks.img, flag", "F013"}, criuFiles, number("filelocks.img", 0, "1", 3)},
}

// ghostField sets a number of the entry of a deleted file, whose contents follow.
func ghostField(path string, v uint64) func(*criuDir) {
	const file, head = "ghost-file-1.img", 8
	return func(d *criuDir) {
		b := d.files[file]
		n := int(le.Uint32(b[head:]))
		m := editPB(slices.Clone(b[head+4:head+4+n]), path, setNumber(v))
		out := le.AppendUint32(slices.Clone(b[:head]), uint32(len(m)))
		d.files[file] = append(append(out, m...), b[head+4+n:]...)
	}
}

func ghostSize(n uint64) func(*criuDir) { return ghostField("10", n) }

// pipeOfFiles gives all pipes of an image another number.
func pipeOfFiles(d *criuDir, v uint64) {
	list := d.messages("files.img")
	for i, m := range list {
		if slices.ContainsFunc(parsePB(m), func(f pbField) bool { return f.num == 18 }) {
			list[i] = editPB(slices.Clone(m), "18.2", setNumber(v))
		}
	}
	d.setMessages("files.img", list)
}

// shortened takes a number from a list of the core of 20512 that is not packed.
func shortened(path string) func(*criuDir) { return drop("core-20512.img", 0, path) }
