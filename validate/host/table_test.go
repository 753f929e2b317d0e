package host

import (
	"bytes"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// vectors are images and machines that do not fit in one way, and some that do.
var vectors = slices.Concat(ownVectors, lateVectors)

// A vectorCase is a vector's name, with the code that is found, and what is
// different in it from an image and a machine that fit.
type vectorCase struct {
	code, name, about string
	change            func(*vector)
}

var ownVectors = []vectorCase{
	{"", "fits", "a machine that can hold the image", func(*vector) {}},
	{"", "fits-in-namespace", "nothing is known of numbers, which are free in a pid namespace", func(v *vector) {
		v.PIDNamespace, v.Facts.Numbers = true, nil
	}},
	{"", "fits-other-build", "a vdso that differs in its build only", func(v *vector) {
		v.memory().VDSOLayout, v.Facts.VDSO.Layout, v.Facts.VDSO.Digest = digest(8), digest(8), digest(9)
	}},
	{"", "fits-dead-socket", "a socket file that nobody listens at", func(v *vector) {
		v.bound("/tmp/socket", "")
	}},
	{"", "fits-beside-locks", "locks of others on both sides of the image's", func(v *vector) {
		v.Image.Objects.Files[0].Locks = []format.FileLock{{Type: "posix", Write: true, Owner: 100, Start: 10, End: 19}}
		v.file("/var/log/app").Locks = &[]Lock{{Type: "posix", Write: true, Process: 812, Start: 5, End: 9}, {Type: "posix", Write: true, Process: 812, Start: 20, End: 20}}
	}},
	{"", "fits-speculation", "mitigations that can be chosen", func(v *vector) {
		v.task().Speculation = []format.Speculation{{Feature: 0, Control: 4}, {Feature: 1, Control: 4}}
	}},
	{validate.CodeHostArch, "arm64", "another architecture", func(v *vector) { v.Facts.Arch = "arm64" }},
	{validate.CodePIDTaken, "taken", "a task's number is in use", func(v *vector) {
		v.Facts.Numbers.Tasks = append(v.Facts.Numbers.Tasks, Taken{Number: 100, By: "sshd"})
	}},
	{validate.CodeSessionTaken, "session", "a group of the number lives without its leader", func(v *vector) {
		v.Facts.Numbers.Groups = append(v.Facts.Numbers.Groups, Taken{Number: 100, Process: 101})
	}},
	{validate.CodeSessionTaken, "ghost", "the number of a session whose leader is gone is in use", func(v *vector) {
		v.task().SID, v.task().PGID = 90, 90
		v.Facts.Numbers.Tasks = append(v.Facts.Numbers.Tasks, Taken{Number: 90, By: "bash"})
	}},
	{validate.CodePIDMax, "pid-max", "numbers end below", func(v *vector) { v.Facts.Settings["kernel.pid_max"] = "100" }},
	{validate.CodeFileMissing, "program", "the program is not there", func(v *vector) {
		*v.file("/usr/bin/counter") = File{Path: "/usr/bin/counter", Error: "ENOENT"}
	}},
	{validate.CodeFileMissing, "mount-source", "a mount from outside is not there", func(v *vector) {
		v.there(File{Path: "/srv/data", Error: "ENOENT"})
		v.namespace(format.Namespace{Kind: format.NSMount, Mounts: []format.Mount{{Point: "/data", Type: "ext4", External: "/srv/data"}}})
	}},
	{validate.CodeFileChanged, "size", "a file has another size", func(v *vector) { v.file("/var/log/app").Size = 101 }},
	{validate.CodeFileChanged, "type", "a directory is a file", func(v *vector) { v.file("/tmp").Mode = 0o100644 }},
	{validate.CodeFileChanged, "build-id", "the program is another build", func(v *vector) { *v.file("/usr/bin/counter").BuildID = Hex{9} }},
	{"", "fits-contents", "the contents are as they were, only the time of a file is another", func(v *vector) {
		v.digested()
		v.logFile().MTime++
	}},
	{validate.CodeFileChanged, "contents", "a file has other contents of the same length, time and build", func(v *vector) {
		v.digested()
		v.file("/usr/bin/counter").SHA256 = Hex(digest(0xb))
	}},
	{validate.CodeFileChanged, "grown", "a file that was empty, as its digest tells, and is not", func(v *vector) {
		v.digested()
		v.logFile().Size = 0
	}},
	{validate.CodeHostUnknown, "contents", "the image tells the digests of its files, and the facts do not", func(v *vector) {
		v.digested()
		for i := range v.Facts.Files {
			v.Facts.Files[i].SHA256 = nil
		}
	}},
	{validate.CodeFileTouched, "mtime", "a file was written since", func(v *vector) { v.file("/var/log/app").MTime++ }},
	{validate.CodePermission, "pids", "no right to choose numbers", (*vector).unprivileged},
	{validate.CodePermission, "file", "no right to write to a file", func(v *vector) { *v.file("/var/log/app").Write = "EACCES" }},
	{validate.CodePermission, "peer", "no right to connect as another user", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << capSetuid
		v.open(format.OpenFile{Kind: format.FileUnix, Unix: &format.UnixSocket{
			SocketCommon: format.SocketCommon{Type: 1}, PeerGone: true, PeerCreds: &format.PeerCredentials{PID: 100, UID: 7},
		}})
	}},
	{validate.CodeVDSO, "looked-up", "another vdso, which the program has looked up", func(v *vector) {
		v.Facts.VDSO.Digest = digest(9)
		v.task().Registers.AMD64.RIP = codeAddr + 0x8c0
	}},
	{validate.CodeVDSO, "shape", "the same code with more data before it, and the program is in it", func(v *vector) {
		v.Facts.VDSO.Parts[0].Size += 4096
		v.Facts.VDSO.Parts[1].Start += 4096
		v.task().Registers.AMD64.RIP = codeAddr + 0x8c0
	}},
	{validate.CodeCPUFeature, "registers", "AVX-512 registers without AVX-512", func(v *vector) { v.Facts.Processor.XFeatures = 7 }},
	{validate.CodeCPUFeature, "asked", "a component that cannot be asked for", func(v *vector) {
		v.Image.Objects.Processes[0].XFeatures = 1 << 18
	}},
	{validate.CodeCPUFeature, "cpuid", "cpuid cannot be forbidden", func(v *vector) {
		v.task().NoCPUID = true
		v.Facts.Features[FeatureNoCPUID] = Answer{No, "no such device"}
	}},
	{validate.CodeXSaveLayout, "shorter", "components that lie closer together, and so end sooner", func(v *vector) {
		v.Facts.Processor.Components = compact()
	}},
	{validate.CodeXSaveLayout, "elsewhere", "what is in use lies where nothing is here", func(v *vector) {
		// Without the kernel's word, and without AVX-512: only by what is there.
		area := make([]byte, 2696)
		area[xsaveHeader+1], area[2432] = 2, 0x55
		v.task().Registers.AMD64.XSave = area
	}},
	{validate.CodeProcessorLess, "enabled", "captured with more components enabled, which it did not use", func(v *vector) {
		area := v.task().Registers.AMD64.XSave
		area[xsaveHeader], area[xsaveHeader+1], area[1088], area[2688] = 7, 0, 0, 0
		v.Facts.Processor.XFeatures = 7
	}},
	{validate.CodeProcessorLess, "hwcap", "the program was told of more", func(v *vector) { v.Facts.Processor.HWCap2 = 0 }},
	{validate.CodeSignalFrame, "stack", "signals take more than the alternate stack has", func(v *vector) { v.Facts.Processor.SignalFrame = 20000 }},
	{validate.CodeKernelFeature, "set-tid", "a kernel without set_tid", func(v *vector) {
		v.Facts.Features[FeatureSetTID] = Answer{No, "function not implemented"}
	}},
	{validate.CodeKernelFeature, "mseal", "sealed memory on a kernel without mseal", func(v *vector) {
		v.memory().VMAs[1].Flags = format.VMASealed
		v.Facts.Features[FeatureMseal] = Answer{No, "function not implemented"}
	}},
	{validate.CodeKernelFeature, "membarrier", "registrations for memory barriers on a kernel without those of rseq", func(v *vector) {
		v.memory().Membarriers = format.MembarrierPrivate | format.MembarrierRseq
		v.Facts.Features[FeatureBarrierRseq] = Answer{No, "invalid argument"}
	}},
	{validate.CodeKernelFeature, "socket-option", "an option of sockets that the kernel does not know", func(v *vector) {
		v.open(format.OpenFile{Kind: format.FileUnix, Unix: &format.UnixSocket{
			SocketCommon: format.SocketCommon{Type: 1, Options: []format.SocketOption{{Level: 1, Name: 83}}},
		}})
		v.Facts.Features[SocketOption(1, 83)] = Answer{No, "protocol not available"}
	}},
	{validate.CodeKernelFeature, "next-id", "a kernel without shm_next_id", func(v *vector) {
		v.segment(4096)
		v.Facts.Settings["kernel.shm_next_id"] = ""
	}},
	{validate.CodeKernelFeature, "speculation", "a mitigation that is always off", func(v *vector) {
		v.task().Speculation = []format.Speculation{{Feature: 0, Control: 4}}
		v.Facts.Processor.Speculation[0] = specEnable
	}},
	{validate.CodeFeatureUnknown, "fsopen", "a kernel that does not tell", func(v *vector) {
		v.Image.Tasks = append(v.Image.Tasks, format.Task{
			TID: 101, TGID: 101, PPID: 100, PGID: 100, SID: 100, State: format.Zombie, Status: format.SignalStatus(11, true), ExitSignal: format.SIGCHLD,
		})
		v.Facts.Features[FeatureFsopen] = Answer{Unknown, "operation not permitted"}
	}},
	{validate.CodeHostLimit, "hard", "a hard limit above the program's own", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << CapSysResource
		v.Image.Objects.Processes[0].Limits[0].Hard = 1 << 20
	}},
	{validate.CodeHostLimit, "memlock", "more memory locked than may be", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << capIPCLock
		v.memory().VMAs[1].Flags, v.memory().VMAs[1].End = format.VMALocked, 0x7f0000020000
	}},
	{validate.CodeHostLimit, "datagrams", "more datagrams wait than may", func(v *vector) {
		v.open(format.OpenFile{Kind: format.FileUnix, Unix: &format.UnixSocket{
			SocketCommon: format.SocketCommon{Type: sockDgram}, Queue: make([]format.SocketMessage, 20),
		}})
	}},
	{validate.CodeHostMemory, "little", "ten pages on a machine that has one", func(v *vector) { v.Facts.Memory.Available = 4096 }},
	{validate.CodeCgroupMemory, "little", "ten pages in a control group that allows one", func(v *vector) { v.Facts.Cgroups.Memory = new(uint64(4096)) }},
	{validate.CodeTaskLimit, "pids-max", "a control group that allows no more tasks", func(v *vector) { v.Facts.Cgroups.Tasks = new(uint64(0)) }},
	{validate.CodeTaskLimit, "threads-max", "a kernel that allows no more tasks", func(v *vector) { v.Facts.Settings["kernel.threads-max"] = "200" }},
	{validate.CodeCommitLimit, "strict", "a kernel that promises no more", func(v *vector) {
		v.Facts.Settings["vm.overcommit_memory"] = "2"
		v.Facts.Memory.Committed = 2 << 30
	}},
	{validate.CodeUnmappedID, "user", "another user in a namespace that has one", func(v *vector) {
		v.PIDNamespace = true
		v.unprivileged()
		c := &v.Image.Objects.Creds[0]
		c.UID, c.EUID, c.SUID, c.FSUID = 33, 33, 33, 33
	}},
	{validate.CodeCapability, "permitted", "a capability that nobody here has", func(v *vector) { v.Image.Objects.Creds[0].Permitted = 1 << 50 }},
	{validate.CodeCapability, "user", "another user without CAP_SETUID", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << capSetuid
		v.Image.Objects.Creds[0].UID = 33
	}},
	{validate.CodeCapability, "realtime", "real-time scheduling without CAP_SYS_NICE", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << capSysNice
		v.task().Sched = &format.Sched{Policy: 1, Priority: 10}
	}},
	{validate.CodeCapability, "spared-by-the-oom-killer", "a process that the OOM killer spares, without CAP_SYS_RESOURCE", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << CapSysResource
		v.Facts.Rights.OOM.Least = 0
		v.Image.Objects.Processes[0].OOMScoreAdj = -500
	}},
	{validate.CodeCapability, "io-flusher", "an I/O flusher without CAP_SYS_RESOURCE", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << CapSysResource
		v.task().IOFlusher = true
	}},
	{validate.CodeLogin, "other", "another login, and no right to change it", func(v *vector) {
		v.Facts.Rights.Login = new(uint32(1001))
		v.Facts.Rights.Effective &^= 1 << capAuditControl
		v.task().Login = &format.Login{UID: 1000}
	}},
	{validate.CodeHostUnknown, "login", "nobody told from whose login the facts come", func(v *vector) {
		v.task().Login = &format.Login{UID: format.NoLogin}
	}},
	{validate.CodeLogin, "no-number", "a login of another user, in a user namespace of one", func(v *vector) {
		v.PIDNamespace = true
		v.unprivileged()
		v.Facts.Rights.EUID, v.Facts.Rights.EGID, v.Facts.Rights.Login = 1000, 1000, new(format.NoLogin)
		c := &v.Image.Objects.Creds[0]
		c.UID, c.EUID, c.SUID, c.FSUID, c.GID, c.EGID, c.SGID, c.FSGID = 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000
		v.task().Login = &format.Login{UID: 1001}
	}},
	{"", "fits-login", "a login that can be set, as there is none here", func(v *vector) {
		v.Facts.Rights.Login = new(format.NoLogin)
		v.Facts.Rights.Effective &^= 1 << capAuditControl
		v.task().Login = &format.Login{UID: 1000}
	}},
	{validate.CodeTerminal, "none", "no terminal to hand over", func(v *vector) {
		v.open(format.OpenFile{Kind: format.FileTTY, TTY: &format.TTYFile{Terminal: 30}})
		v.Facts.Terminal = new(false)
	}},
	{validate.CodeAffinity, "processor-8", "bound to a processor that is not there", func(v *vector) { v.task().Sched.Affinity = []uint64{0x100} }},
	{validate.CodeDeviceDiffers, "number", "another device", func(v *vector) {
		v.open(format.OpenFile{Kind: format.FileDevice, Device: &format.DeviceFile{File: format.FileRef{Path: "/dev/fuse"}, Major: 10, Minor: 229}})
		v.there(File{Path: "/dev/fuse", Mode: 0o020666, Major: 10, Minor: 200, Read: new("")})
	}},
	{validate.CodeMountOptions, "noexec", "the program lies where nothing is executed", func(v *vector) { *v.file("/usr/bin/counter").NoExec = true }},
	{validate.CodeCorePattern, "program", "cores are handed to a program", func(v *vector) {
		v.Image.Tasks = append(v.Image.Tasks, format.Task{
			TID: 101, TGID: 101, PPID: 100, PGID: 100, SID: 100, State: format.Zombie, Status: format.SignalStatus(11, true), ExitSignal: format.SIGCHLD,
		})
		v.Facts.Settings["kernel.core_pattern"] = "|/usr/lib/systemd/systemd-coredump"
	}},
	{validate.CodeAddressRange, "five-levels", "addresses of five levels of page tables", func(v *vector) {
		mm := v.memory()
		mm.VMAs = append(mm.VMAs, format.VMA{Start: 1 << 50, End: 1<<50 + 4096, Prot: 1, Kind: format.VMAAnon})
	}},
	{validate.CodeAddressRange, "low", "memory below where there may be any", func(v *vector) {
		v.memory().VMAs[0].Start = 0x1000
	}},
	{validate.CodeHostPageSize, "64-KiB", "other pages", func(v *vector) { v.Facts.PageSize = 65536 }},
	{validate.CodePIDNamespaceNo, "pid", "no more pid namespaces", func(v *vector) {
		v.PIDNamespace = true
		v.Facts.Settings["user.max_pid_namespaces"] = "0"
	}},
	{validate.CodePIDNamespaceNo, "apparmor", "no user namespaces without privilege", func(v *vector) {
		v.PIDNamespace = true
		v.unprivileged()
		v.Facts.Settings["kernel.apparmor_restrict_unprivileged_userns"] = "1"
	}},
	{validate.CodeOpenFiles, "nr-open", "descriptors end below", func(v *vector) { v.Facts.Settings["fs.nr_open"] = "1" }},
	{validate.CodeMapCount, "few", "fewer mappings than the image has", func(v *vector) { v.Facts.Settings["vm.max_map_count"] = "8" }},
	{validate.CodeSocketName, "taken", "another program's socket", func(v *vector) {
		v.bound("/tmp/socket", "another program's socket is bound there")
	}},
	{validate.CodeAbstractName, "taken", "an abstract name in use", func(v *vector) {
		v.open(format.OpenFile{Kind: format.FileUnix, Unix: &format.UnixSocket{SocketCommon: format.SocketCommon{Type: 1}, Name: []byte("\x00app")}})
		v.Facts.Abstract = &[]string{"@app"}
	}},
	{validate.CodeLockTaken, "posix", "somebody holds a lock of a file", func(v *vector) {
		v.Image.Objects.Files[0].Locks = []format.FileLock{{Type: "posix", Write: true, Owner: 100, Start: 0, End: 9}}
		v.file("/var/log/app").Locks = &[]Lock{{Type: "posix", Write: true, Process: 812, Start: 5, End: 6}}
	}},
	{validate.CodeLockTaken, "last-byte", "somebody holds a lock that ends where the image's begins", func(v *vector) {
		v.Image.Objects.Files[0].Locks = []format.FileLock{{Type: "posix", Owner: 100, Start: 10, End: 19}}
		v.file("/var/log/app").Locks = &[]Lock{{Type: "posix", Write: true, Process: 812, Start: 5, End: 10}}
	}},
	{validate.CodeSysVTaken, "key", "a segment has the key", func(v *vector) {
		v.segment(4096)
		v.Facts.SysV.Segments = []Segment{{ID: 9, Key: 5}}
	}},
	{validate.CodeSysVLimit, "shmmax", "a segment longer than may be", func(v *vector) {
		v.segment(1 << 30)
		v.Facts.Settings["kernel.shmmax"] = "33554432"
	}},
	{validate.CodeTracing, "never", "nobody may trace", func(v *vector) { v.Facts.Settings["kernel.yama.ptrace_scope"] = "3" }},
	{validate.CodeConfined, "apparmor", "a profile of AppArmor", func(v *vector) {
		v.Facts.Security = &Security{Modules: []string{"capability", "apparmor"}, Label: "docker-default (enforce)"}
	}},
	{validate.CodeConfined, "selinux", "SELinux enforces", func(v *vector) {
		v.Facts.Security = &Security{Modules: []string{"selinux"}, Label: "system_u:system_r:container_t:s0", Enforcing: true}
	}},
	{validate.CodeConfined, "seccomp", "a filter of system calls", func(v *vector) {
		v.Facts.Security = &Security{Modules: []string{"capability"}, Seccomp: true}
	}},
	{validate.CodeCgroupMissing, "version-1", "a hierarchy of version 1", func(v *vector) {
		v.Image.Objects.Cgroups = []format.Cgroup{{ID: 60, Paths: []format.CgroupPath{{Controllers: "memory", Path: "/app"}}}}
	}},
	{validate.CodeCgroupMissing, "controller", "settings of a controller that is not enabled", func(v *vector) {
		v.Image.Objects.Cgroups = []format.Cgroup{{ID: 60, Paths: []format.CgroupPath{{Path: "/app", Settings: []format.Sysctl{{Name: "io.max", Value: "max"}}}}}}
	}},
	{validate.CodeFilesystem, "overlay", "a mount of a type that the kernel does not know", func(v *vector) {
		v.namespace(format.Namespace{Kind: format.NSMount, Mounts: []format.Mount{{Point: "/data", Type: "overlay"}}})
	}},
	{validate.CodeHostUnknown, "numbers", "nothing is known of numbers", func(v *vector) { v.Facts.Numbers = nil }},
	{validate.CodeHostUnknown, "files", "nothing is known of files", func(v *vector) { v.Facts.Files = nil }},
}

// lateVectors are machines that restores of a time before these rules found not to
// fit in their midst.
var lateVectors = []vectorCase{
	{"", "fits-unprivileged", "nothing that takes a privilege", func(v *vector) {
		v.userNamespace()
		v.Facts.Rights.OOM = &OOM{Adjust: 200, Least: 100}
		v.Image.Objects.Processes[0].OOMScoreAdj = 100
		v.task().Sched = &format.Sched{Nice: 5, IOPrio: 2<<ioClassShift | 4}
		v.pipe(1 << 20)
	}},
	{validate.CodeHostLimit, "pipe", "a pipe larger than may be", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << CapSysResource
		v.pipe(2 << 20)
	}},
	{validate.CodeHostLimit, "pipes", "pipes that are too large together", func(v *vector) {
		v.userNamespace()
		v.Facts.Settings["fs.pipe-user-pages-soft"] = "300"
		v.pipe(1 << 20)
		v.pipe(1 << 20)
	}},
	{validate.CodeHostLimit, "pipes-hard", "more pipes than there may be", func(v *vector) {
		v.userNamespace()
		v.Facts.Settings["fs.pipe-user-pages-hard"] = "1"
		v.pipe(4096)
		v.pipe(4096)
	}},
	{validate.CodeHostLimit, "socket-buffer", "a socket's buffer larger than may be", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << capNetAdmin
		v.open(format.OpenFile{Kind: format.FileUnix, Unix: &format.UnixSocket{SocketCommon: format.SocketCommon{
			Type: 1, Options: []format.SocketOption{{Level: 1, Name: soSndbuf, Value: []byte{0, 0, 8, 0}}},
		}}})
		v.Facts.Features[SocketOption(1, soSndbuf)] = Answer{Is: Yes}
	}},
	{validate.CodeHostLimit, "watches", "more files watched than may be", func(v *vector) {
		v.open(format.OpenFile{Kind: format.FileEpoll, Epoll: &format.Epoll{Watches: []format.EpollWatch{{FD: 1, File: idFile}}}})
		v.Facts.Settings["fs.epoll.max_user_watches"] = "0"
	}},
	{validate.CodeHostLimit, "address-space", "more memory mapped than may be", func(v *vector) { v.limit(rlimitAS, 1<<30) }},
	{validate.CodeHostLimit, "data", "more private memory than may be", func(v *vector) { v.limit(rlimitData, 1<<12) }},
	{validate.CodeHostLimit, "file-size", "a file longer than may be written", func(v *vector) {
		v.limit(rlimitFsize, 1<<20)
		v.Image.Objects.Shared = []format.SharedMemory{{ID: 40, Kind: format.SharedMemfd, Size: 2 << 20}}
	}},
	{validate.CodeHostLimit, "locked-in-namespace", "locked memory takes a capability outside of user namespaces", func(v *vector) {
		v.userNamespace()
		v.memory().VMAs[1].Flags, v.memory().VMAs[1].End = format.VMALocked, 0x7f0000020000
	}},
	{validate.CodeHostLimit, "raised-in-namespace", "hard limits take a capability outside of user namespaces", func(v *vector) {
		v.userNamespace()
		v.Image.Objects.Processes[0].Limits[0].Hard = 1 << 20
	}},
	{validate.CodePIDNamespaceNo, "proc-covered", "a part of /proc is covered", func(v *vector) {
		v.PIDNamespace = true
		v.unprivileged()
		v.Facts.Rights.ProcCovered = new("/proc/kcore lies over a part of it")
	}},
	{validate.CodeOpenFiles, "hard-limit", "a hard limit of descriptors above fs.nr_open", func(v *vector) {
		v.Image.Objects.Processes[0].Limits[0].Hard = 1 << 30
	}},
	{validate.CodeUnmappedID, "groups", "supplementary groups in a namespace that is made without privilege", func(v *vector) {
		v.PIDNamespace = true
		v.unprivileged()
		v.Image.Objects.Creds[0].Groups = []uint32{27}
	}},
	{validate.CodeUnmappedID, "groups-denied", "supplementary groups in a user namespace without setgroups", func(v *vector) {
		v.userNamespace()
		v.Facts.Rights.GroupsFixed = true
		v.Image.Objects.Creds[0].Groups = []uint32{0, 1}
	}},
	{validate.CodeUnmappedID, "group-in-namespace", "a group that the user namespace does not have", func(v *vector) {
		v.userNamespace()
		v.Image.Objects.Creds[0].Groups = []uint32{70000}
	}},
	{validate.CodeUnmappedID, "user-in-namespace", "a user that the user namespace does not have", func(v *vector) {
		v.userNamespace()
		v.Image.Objects.Creds[0].UID = 70000
	}},
	{validate.CodeUnmappedID, "file-in-namespace", "memory of a user that the user namespace does not have", func(v *vector) {
		v.userNamespace()
		v.Image.Objects.Shared = []format.SharedMemory{{ID: 40, Kind: format.SharedMemfd, UID: 70000}}
	}},
	{validate.CodeUnmappedID, "segment-in-namespace", "a segment of a user that the user namespace does not have", func(v *vector) {
		v.userNamespace()
		v.segment(4096)
		v.Image.Objects.Shared[0].SysV.UID = 70000
	}},
	{validate.CodeCapability, "groups", "supplementary groups without CAP_SETGID", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << capSetgid
		v.Image.Objects.Creds[0].Groups = []uint32{27}
	}},
	{validate.CodeCapability, "setpcap", "capabilities cannot be given up", func(v *vector) { v.Facts.Rights.Effective &^= 1 << capSetpcap }},
	{validate.CodeCapability, "owner", "memory of another user without CAP_CHOWN", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << capChown
		v.Image.Objects.Shared = []format.SharedMemory{{ID: 40, Kind: format.SharedMemfd, UID: 33}}
	}},
	{validate.CodeCapability, "chroot", "another root without CAP_SYS_CHROOT", func(v *vector) {
		v.Facts.Rights.Effective &^= 1 << capSysChroot
		v.Image.Objects.FS[0].Root = "/tmp"
	}},
	{validate.CodeCapability, "alarm", "a timer that wakes the machine without CAP_WAKE_ALARM", func(v *vector) {
		v.userNamespace()
		v.open(format.OpenFile{Kind: format.FileTimerfd, Timerfd: &format.Timerfd{Clock: 9}})
	}},
	{validate.CodeCapability, "alarm-timer", "a POSIX timer of this kind", func(v *vector) {
		v.userNamespace()
		v.Image.Objects.Processes[0].Timers = []format.PosixTimer{{Clock: 8}}
	}},
	{validate.CodeCapability, "nice", "a better nice value in a user namespace", func(v *vector) {
		v.userNamespace()
		v.Facts.Rights.Limits = append(v.Facts.Rights.Limits, format.Limit{Resource: rlimitNice, Soft: 24, Hard: 24})
		v.task().Sched = &format.Sched{Nice: -5}
	}},
	{"", "fits-nice", "a nice value that the limit allows", func(v *vector) {
		v.userNamespace()
		v.Facts.Rights.Limits = append(v.Facts.Rights.Limits, format.Limit{Resource: rlimitNice, Soft: 25, Hard: 25})
		v.task().Sched = &format.Sched{Nice: -5}
	}},
	{validate.CodeCapability, "idle", "whoever restores is scheduled with SCHED_IDLE", func(v *vector) {
		v.userNamespace()
		v.Facts.Rights.Scheduling.Policy = schedIdle
	}},
	{validate.CodeCapability, "realtime-in-namespace", "real-time scheduling in a user namespace", func(v *vector) {
		v.userNamespace()
		v.task().Sched = &format.Sched{Policy: 1, Priority: 10}
	}},
	{validate.CodeCapability, "io-priority", "real-time I/O without CAP_SYS_NICE", func(v *vector) {
		v.userNamespace()
		v.task().Sched = &format.Sched{IOPrio: ioRealtime<<ioClassShift | 4}
	}},
	{validate.CodeCapability, "oom-score", "less likely to be killed than whoever restores may make it", func(v *vector) {
		v.userNamespace()
		v.Facts.Rights.OOM = &OOM{Adjust: 200, Least: 100}
	}},
	{validate.CodeDirectIO, "ramfs", "a file system without direct I/O", func(v *vector) {
		v.Image.Objects.Files[0].Flags |= format.ODirect
		v.file("/var/log/app").Direct = new(false)
	}},
	{validate.CodePermission, "socket-directory", "a directory in which a socket cannot be bound", func(v *vector) {
		v.bound("/tmp/socket", "")
		v.file("/tmp").Write = new("EROFS")
	}},
	{validate.CodePermission, "mapped", "a program that cannot be read", func(v *vector) { v.file("/usr/bin/counter").Read = new("EACCES") }},
	{validate.CodePermission, "program", "a program that nobody may execute", func(v *vector) {
		v.memory().EndCode = textAddr + 0x1000
		v.file("/usr/bin/counter").Search = new("EACCES")
	}},
	{validate.CodePermission, "directory", "a working directory that cannot be entered", func(v *vector) { v.file("/tmp").Search = new("EACCES") }},
	{validate.CodePermission, "deleted", "a deleted file in a directory that cannot be written to", func(v *vector) {
		v.Image.Objects.Deleted = []format.DeletedFile{{ID: 41, Path: "/tmp/gone/file", Mode: 0o100600}}
		v.there(File{Path: "/tmp/gone", Error: "ENOENT"})
		v.file("/tmp").Write = new("EACCES")
	}},
	{validate.CodePermission, "fifo", "a fifo that cannot be written to", func(v *vector) {
		v.pipe(65536)
		v.Image.Objects.Pipes[0].Fifo = format.FileRef{Path: "/tmp/fifo", Mode: 0o010600}
		v.there(File{Path: "/tmp/fifo", Mode: 0o010600, Read: new(""), Write: new("EACCES")})
	}},
	{validate.CodeSysVLimit, "shmall", "segments of more pages than there may be", func(v *vector) {
		v.segment(1 << 20)
		v.Facts.SysV.Pages = 100
		v.Facts.Settings["kernel.shmall"] = "300"
	}},
	{validate.CodeHostUnknown, "scheduling", "nothing is known of how the program that would restore is scheduled", func(v *vector) {
		v.userNamespace()
		v.Facts.Rights.Scheduling = nil
		v.task().Sched = &format.Sched{Nice: -1}
	}},
	{validate.CodeHostUnknown, "groups", "nothing is known of its groups", func(v *vector) {
		v.userNamespace()
		v.Facts.Rights.Groups, v.Facts.Rights.GroupsFixed = nil, true
	}},
	{validate.CodeHostUnknown, "oom-score", "nothing is known of its chances to be killed", func(v *vector) {
		v.userNamespace()
		v.Facts.Rights.OOM = nil
		v.Image.Objects.Processes[0].OOMScoreAdj = -1
	}},
	{validate.CodeHostUnknown, "pipes", "nothing is known of pipes", func(v *vector) {
		v.userNamespace()
		v.pipe(65536)
		delete(v.Facts.Settings, "fs.pipe-max-size")
	}},
	{validate.CodeHostUnknown, "direct", "nothing is known of direct I/O", func(v *vector) { v.Image.Objects.Files[0].Flags |= format.ODirect }},
}

// userNamespace makes the program root of a user namespace of 65536 users.
func (v *vector) userNamespace() {
	r := v.Facts.Rights
	r.UserNamespace, r.UIDs, r.GIDs = true, []Range{{0, 65536}}, []Range{{0, 65536}}
}

// limit gives the program a limit.
func (v *vector) limit(resource uint32, n uint64) {
	v.Facts.Rights.Limits = append(v.Facts.Rights.Limits, format.Limit{Resource: resource, Soft: n, Hard: n})
}

// pipe adds a pipe without ends.
func (v *vector) pipe(size uint32) {
	o := &v.Image.Objects
	o.Pipes = append(o.Pipes, format.PipeBuffer{ID: format.ObjectID(70 + len(o.Pipes)), Capacity: size})
}

// compact is where a processor without MPX has the components.
func compact() []Component {
	return []Component{{2, 576, 256}, {5, 832, 64}, {6, 896, 512}, {7, 1408, 1024}, {9, 2432, 8}}
}

// bound adds a socket of a name, and what stands against it.
func (v *vector) bound(name, why string) {
	v.open(format.OpenFile{Kind: format.FileUnix, Unix: &format.UnixSocket{
		SocketCommon: format.SocketCommon{Type: 1, Listening: true}, Name: bytes.Clone([]byte(name)), Mode: 0o755,
	}})
	v.there(File{Path: name, NoFollow: true, Mode: 0o140755, Bound: new(why)})
}
