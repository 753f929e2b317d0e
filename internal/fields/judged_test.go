package fields

// A judgement says why what the rules let through of some fields is no fault of an
// image.
type judgement struct {
	why string
	// fields are names, parted by spaces, with the wildcards of path.Match.
	fields string
}

// judged are all fields of which the audit finds a value that still validates. What
// such a value does was looked at, and restored where an engine restores it.
var judged = []judgement{
	{"the contents of registers are the program's own; the rules bound what the kernel refuses", `
		RegistersAMD64.R8 RegistersAMD64.R9 RegistersAMD64.R1? RegistersAMD64.RBP RegistersAMD64.RBX RegistersAMD64.RCX
		RegistersAMD64.RDI RegistersAMD64.RDX RegistersAMD64.RSI RegistersAMD64.FSBase RegistersAMD64.GSBase
		RegistersAMD64.OrigAX RegistersAMD64.RFlags RegistersAMD64.RIP RegistersAMD64.RSP RegistersAMD64.XSave
		RegistersARM64.PC RegistersARM64.PState RegistersARM64.SP RegistersARM64.SyscallNo RegistersARM64.TLS RegistersARM64.X`},
	{"0x23 and 0x33 are both code; the engine refuses the former (X1)", "RegistersAMD64.CS"},
	{"carried along for the format it came from, never restored", `
		Registers.Raw RegisterSet.Arch RegisterSet.Data RegisterSet.Type Attachment.Data Attachment.Place
		Attachment.Format Attachment.Record Attachment.Role Attachment.Task Attachment.Object Image.Attachments`},
	{"words for people about where the image comes from", `
		Image.Provenance.Boottime Image.Provenance.Format Image.Provenance.FormatVersion Image.Provenance.Host
		Image.Provenance.Kernel Image.Provenance.Time Image.Provenance.Tool Image.Provenance.ToolVersion
		Image.Warnings Warning.Message Warning.Task`},
	{"what an archive says of a container: judged by the policy, restored by nobody", "Image.Containers"},
	{"a task fewer, or an object that lives without users fewer, is another image that can be", `
		Image.Tasks Image.Objects.Messages Image.Objects.Semaphores`},
	{"an id that nothing refers to may be any that is free", "SysVMessages.ID SysVSemaphores.ID"},

	{"identity on the machine that captured; the file here is compared with it (X205, X229)", `
		*.File.Device *.File.Inode *.File.MTime *.File.BuildID *.File.Size *.File.Mode AddressSpace.Exe.Device
		AddressSpace.Exe.Inode AddressSpace.Exe.MTime AddressSpace.Exe.BuildID AddressSpace.Exe.Size AddressSpace.Exe.Mode
		PipeBuffer.Fifo.Device PipeBuffer.Fifo.Inode PipeBuffer.Fifo.MTime PipeBuffer.Fifo.BuildID PipeBuffer.Fifo.Size
		PipeBuffer.Fifo.Mode Namespace.Inode`},
	{"the contents that were; the file here is compared with them (X205), whole and of a regular file or not at all (R059)", `
		*.File.SHA256 AddressSpace.Exe.SHA256`},
	{"another file that could have stood there: the host says whether it is there (X204)", `
		*.File.Path AddressSpace.Exe.Path PipeBuffer.Fifo.Path FS.Cwd FS.Root UnixSocket.Dir UnixSocket.Root UnixSocket.Path
		DeletedFile.Path DeletedFile.Link Terminal.Path OtherFile.Link`},
	{"another object of the same kind", "*.File.Deleted FS.Deleted EpollWatch.File FileEntry.File VMA.Shared Task.Files"},
	{"any number of links; a wrong one is a warning (R042)", "DeletedFile.Links"},
	{"permissions are any", "DeletedFile.Mode SharedMemory.Mode UnixSocket.Mode *Key.Mode"},
	{"any user and group but the one that nobody is", `
		DeletedFile.UID DeletedFile.GID SharedMemory.UID SharedMemory.GID UnixSocket.UID UnixSocket.GID *Key.UID *Key.GID
		*Key.CUID *Key.CGID PeerCredentials.UID PeerCredentials.GID FileOwner.UID FileOwner.EUID Credentials.UID
		Credentials.EUID Credentials.SUID Credentials.FSUID Credentials.GID Credentials.EGID Credentials.SGID
		Credentials.FSGID Credentials.Groups`},
	{"any user, or none; no permission depends on it, and the kernel says who may set it (X243)", "Task.Login Login.UID"},
	{"any capabilities in the order that the kernel keeps among the sets; the host must have them (X213)", `
		Credentials.Ambient Credentials.Bounding Credentials.Effective Credentials.Inheritable Credentials.Permitted
		Credentials.SecureBits`},
	{"refused by the engine (X134)", "Credentials.Label"},

	{"addresses that the kernel reports and never follows for its own ends, within what prctl(2) takes", `
		AddressSpace.ArgEnd AddressSpace.ArgStart AddressSpace.EndCode AddressSpace.EndData AddressSpace.EnvEnd
		AddressSpace.EnvStart AddressSpace.StartCode AddressSpace.StartData AddressSpace.StartStack AddressSpace.StartBrk
		AddressSpace.Brk AddressSpace.Auxv`},
	{"any of its few values", `
		AddressSpace.CoreFilter AddressSpace.Dumpable AddressSpace.MDWE AddressSpace.Membarriers AddressSpace.MergeAny
		AddressSpace.THPAdvised Task.MCEKill Task.NoTSC Task.NoCPUID Task.IOFlusher Task.NoNewPrivs Task.Speculation
		Speculation.Control Process.Subreaper Process.XFeatures Task.Personality FS.Umask`},
	{"compared with this kernel's vdso, which is put in its place (X207)", "AddressSpace.VDSO AddressSpace.VDSOLayout"},
	{"mappings and guards that are not where the program's pointers lead: the program's own affair", `
		AddressSpace.VMAs AddressSpace.Guards PageSpan.Start PageSpan.End VMA.Start VMA.Offset VMA.Prot VMA.Flags VMA.SharedMap`},
	{"what /proc shows; nothing follows it", "VMA.Name"},
	{"memory of any kind, size and seals that agree with each other", `
		SharedMemory.Kind SharedMemory.MemfdFlags SharedMemory.Name SharedMemory.Seals SharedMemory.SysV
		SharedMemory.Size DeletedFile.Size`},

	{"addresses for the program's threads; the kernel passes over what is not there", `
		RobustList.Head Rseq.Address Rseq.Section Task.TIDAddress AltStack.Base AltStack.Size AltStack.Flags
		Restart.Remainder Task.AltStack Task.RobustList Task.Rseq`},
	{"a number that program and library agree on, and a length up to a page", "Rseq.Signature Rseq.Length"},
	{"a sleep of any length, on a clock that one can sleep by", "Restart.Clock Restart.Known Restart.Remaining Restart.Kind Task.Restart"},
	{"handlers are the program's; those with an address lead to code", `
		SignalAction.Flags SignalAction.Handler SignalAction.Mask SignalAction.Restorer SignalAction.Signal
		SignalHandlers.Actions`},
	{"any signals but the two that nothing holds off", "Signalfd.Mask Task.SignalMask"},
	{"queues of any signals, each with whatever its sender said", "SigInfo.Raw Task.Pending Process.Pending"},
	{"any signal, or none", "Task.ExitSignal Task.ParentDeathSignal"},
	{"any times and notifications", `
		IntervalTimer.Interval IntervalTimer.Remaining IntervalTimer.Which PosixTimer.Clock PosixTimer.Interval
		PosixTimer.Notify PosixTimer.Number PosixTimer.Overrun PosixTimer.Remaining PosixTimer.Signal PosixTimer.Target
		PosixTimer.Value Process.Intervals Process.Timers Timerfd.Clock Timerfd.Interval Timerfd.Remaining
		Timerfd.SetFlags Timerfd.Ticks TimeOffsets.Boottime TimeOffsets.Monotonic`},
	{"limits are any with soft up to hard; the host says which it can set (X210)", "Limit.Hard Limit.Soft Limit.Resource Process.Limits"},
	{"any within its range", `
		Process.OOMScoreAdj Sched.Affinity Sched.Nice Sched.Policy Sched.ResetOnFork Sched.Slice Sched.TimerSlack
		Task.Sched`},
	{"no terminal controls it, or another of the session", "Process.Terminal"},
	{"accounting of the dead, which nobody can set", "Task.Times Times.Start Times.System Times.User"},
	{"another tree that fork, setsid, setpgid and exit can make: the plan proves it", `
		Task.Creator Task.State Task.Status Task.StopSignal Task.StopUnreported Task.NSPIDs Task.Comm`},
	{"a namespace that is not named is the host's", "Task.Namespaces Namespace.Host *Key.Namespace"},
	{"refused by the engine (X114, X126)", `
		Task.Seccomp Task.SeccompMode SeccompFilter.Flags SeccompFilter.Previous SeccompFilter.Program Task.Cgroup Cgroup.Paths
		CgroupPath.Controllers CgroupPath.Path CgroupPath.Settings`},

	{"what a program may have done with its descriptors", "FileTable.Entries FileEntry.CloseOnExec"},
	{"status flags that fcntl(2) sets, an offset that lseek(2) takes", "OpenFile.Flags OpenFile.Pos"},
	{"as empty as one just made", "OpenFile.Epoll OpenFile.Eventfd OpenFile.Signalfd OpenFile.Timerfd OpenFile.Other OpenFile.Owner"},
	{"locks that do not exclude each other, whoever holds them", `
		OpenFile.Locks FileLock.End FileLock.Owner FileLock.Start FileLock.Type FileLock.Write`},
	{"an owner that is not there is refused by the engine (X113)", "FileOwner.PID FileOwner.Signal FileOwner.Type"},
	{"watches of any events; the data are the program's", "Epoll.Watches EpollWatch.Data EpollWatch.Events EpollWatch.FD"},
	{"any count", "Eventfd.Count Eventfd.Semaphore"},
	{"unread bytes are any that fit", "PipeBuffer.Data PipeBuffer.Packets SocketMessage.Data SocketMessage.Files SysVMessage.Data UnixSocket.Queue"},
	{"a size of the pipe; none is the default, an odd one a warning (R033)", "PipeBuffer.Capacity"},
	{"numbers that the host must know (X216)", "DeviceFile.Major DeviceFile.Minor"},
	{"terminals are the caller's: only what agrees with its session is asked (R06x, X129)", `
		Terminal.Columns Terminal.Group Terminal.Index Terminal.Inherited Terminal.Input Terminal.Locked Terminal.Major
		Terminal.Minor Terminal.Output Terminal.Packet Terminal.Rows Terminal.Session Terminal.Settings TTYFile.Master`},
	{"states of a socket that can be", `
		UnixSocket.Error UnixSocket.Name UnixSocket.PeerCreds UnixSocket.PeerGone UnixSocket.SocketCommon.*
		UnixSocket.Deleted SocketMessage.Creds`},
	{"of another level than the socket's own, or of a socket that the engine refuses (X101, X102)", "SocketOption.Level SocketOption.Value"},
	{"a process or a peer that the image does not hold is refused by the engine (X149, X101)", "PeerCredentials.PID UnixSocket.PeerName"},
	{"refused by the engine (X102 to X104)", "InetSocket.* TCPState.* NetlinkSocket.* PacketSocket.*"},
	{"refused by the engine (X106, X107, X108)", `
		Inotify.Events Inotify.Watches InotifyWatch.Mask InotifyWatch.Number Fanotify.EventFlags Fanotify.Flags Fanotify.Marks
		FanotifyMark.Flags FanotifyMark.Ignored FanotifyMark.Mask Pidfd.PID Pidfd.Thread`},

	{"keys and numbers that no other object of the namespace has", "*Key.Key *Key.Number"},
	{"any messages of a type above 0, as many bytes as fit", "SysVMessage.Type SysVMessages.MaxBytes SysVMessages.Messages"},
	{"any values; adjustments are refused by the engine (X116)", "SysVSemaphores.Values SysVSemaphores.Undo SysVUndo.Adjust SysVUndo.Process"},
	{"names and settings that the kernel takes", `
		Namespace.DomainName Namespace.HostName Namespace.Sysctls Sysctl.Name Sysctl.Value`},
	{"namespaces that the engine refuses (X124, X125)", `
		Namespace.Clocks Namespace.GIDMap Namespace.UIDMap Namespace.Links Namespace.Mounts IDMap.Count IDMap.Inside
		IDMap.Outside NetLink.* Mount.*`},
}
