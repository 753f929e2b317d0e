package validate

// Codes of what a machine cannot hold.
const (
	CodeHostArch       = "X200"
	CodePIDTaken       = "X201"
	CodeSessionTaken   = "X202"
	CodePIDMax         = "X203"
	CodeFileMissing    = "X204"
	CodeFileChanged    = "X205"
	CodePermission     = "X206"
	CodeVDSO           = "X207"
	CodeCPUFeature     = "X208"
	CodeKernelFeature  = "X209"
	CodeHostLimit      = "X210"
	CodeHostMemory     = "X211"
	CodeUnmappedID     = "X212"
	CodeCapability     = "X213"
	CodeTerminal       = "X214"
	CodeAffinity       = "X215"
	CodeDeviceDiffers  = "X216"
	CodeMountOptions   = "X217"
	CodeCorePattern    = "X218"
	CodeAddressRange   = "X219"
	CodeHostPageSize   = "X220"
	CodePIDNamespaceNo = "X221"
	CodeOpenFiles      = "X222"
	CodeMapCount       = "X223"
	CodeVerify         = "X224"
	CodeSocketName     = "X225"
	CodeXSaveLayout    = "X226"
	CodeProcessorLess  = "X227"
	CodeSignalFrame    = "X228"
	CodeFileTouched    = "X229"
	CodeLockTaken      = "X230"
	CodeSysVTaken      = "X231"
	CodeCgroupMemory   = "X232"
	CodeTaskLimit      = "X233"
	CodeCommitLimit    = "X234"
	CodeTracing        = "X235"
	CodeConfined       = "X236"
	CodeCgroupMissing  = "X237"
	CodeFilesystem     = "X238"
	CodeSysVLimit      = "X239"
	CodeHostUnknown    = "X240"
	CodeFeatureUnknown = "X241"
	CodeAbstractName   = "X242"
	CodeLogin          = "X243"
	CodeDirectIO       = "X244"
	CodeMappedMemory   = "X245"
)

var hostRules = []Rule{
	{
		Code: CodeHostArch, Severity: Error, Title: "other architecture than this machine's",
		Why: "Registers and machine code run on their own architecture only.",
		Fix: "restore on a machine of the image's architecture", Example: "an arm64 image on amd64",
	},
	{
		Code: CodePIDTaken, Severity: Error, Title: "task number taken",
		Why: "Programs remember their numbers and those of their children; two tasks cannot have the same.",
		Fix: "end the process that has it, or restore with --pidns", Example: "task 812 runs as sshd here",
	},
	{
		Code: CodeSessionTaken, Severity: Error, Title: "session or group number taken",
		Why: "A number is not free as long as a session or group of that number exists.",
		Fix: "end the members of that session, or restore with --pidns", Example: "session 400 lives here",
	},
	{
		Code: CodePIDMax, Severity: Error, Title: "task number above this machine's highest",
		Why: "The kernel gives no numbers from pid_max on.",
		Fix: "raise /proc/sys/kernel/pid_max", Example: "task 70000 where pid_max is 32768",
	},
	{
		Code: CodeFileMissing, Severity: Error, Title: "file missing",
		Why: "A mapped or open file is found by its path.",
		Fix: "put the file back, or name the place where it is with --map-path or --root", Example: "/usr/bin/python3 is not there",
	},
	{
		Code: CodeFileChanged, Severity: Error, Title: "file changed since the capture",
		Why: "Code and data of a running program must not change under it.",
		Fix: "put the old file back", Example: "libc.so.6 has another build id",
	},
	{
		Code: CodePermission, Severity: Error, Title: "no permission",
		Why: "Choosing pids, credentials and other properties needs privileges, files the permission to use them as before.",
		Fix: "run as root, or in a user namespace with --pidns", Example: "clone3 with set_tid without CAP_CHECKPOINT_RESTORE",
	},
	{
		Code: CodeVDSO, Severity: Error, Title: "kernel's vdso differs",
		Why: "The program calls into it at addresses that it looked up once.",
		Fix: "restore under the kernel that captured", Example: "another kernel release",
	},
	{
		Code: CodeCPUFeature, Severity: Error, Title: "processor lacks a feature",
		Why: "Registers in use have no place, and code chosen at start fails.",
		Fix: "restore on a processor with the same features", Example: "AVX-512 state on a processor without it",
	},
	{
		Code: CodeKernelFeature, Severity: Error, Title: "kernel lacks a feature",
		Why: "The restore needs a system call or option that this kernel does not have.",
		Fix: "use a newer kernel or one configured with it", Example: "clone3 with set_tid before Linux 5.5",
	},
	{
		Code: CodeHostLimit, Severity: Error, Title: "limit of this session too low",
		Why: "A limit can be raised beyond its hard value only with a privilege, and a setting of the machine by root.",
		Fix: "raise the limit, or the setting that the message names, before the restore", Example: "the image needs RLIMIT_NOFILE 65536, hard is 4096",
	},
	{
		Code: CodeHostMemory, Severity: Error, Title: "not enough memory",
		Why: "The tree would be killed while its memory is filled.",
		Fix: "free memory, or restore with --map-memory", Example: "an image of 8 GiB with 2 GiB available",
	},
	{
		Code: CodeUnmappedID, Severity: Error, Title: "user or group without a number here",
		Why: "In a user namespace only mapped ids exist, and in one that is made without privilege nobody changes groups.",
		Fix: "map the id with newuidmap, or restore as root", Example: "uid 33 in a namespace that maps 0 only",
	},
	{
		Code: CodeCapability, Severity: Error, Title: "capability not to be had",
		Why: "A task cannot be given a capability that the restoring program lacks, nor what takes one. Much is asked for in the first user namespace: the root of another has none there.",
		Fix: "run with the capability in the bounding set, as root outside of containers where it is to hold there", Example: "CAP_SYS_RESOURCE is not in the bounding set",
	},
	{
		Code: CodeTerminal, Severity: Error, Title: "no terminal to hand over",
		Why: "The image borrows its terminal from whoever restores it.",
		Fix: "restore from a terminal, or redirect", Example: "standard input is /dev/null",
	},
	{
		Code: CodeAffinity, Severity: Warning, Title: "processors of the affinity mask missing",
		Why: "The task may run on other processors than before.",
		Fix: "none needed if the program does not count on it", Example: "affinity to CPU 7 on a machine with 4",
	},
	{
		Code: CodeDeviceDiffers, Severity: Error, Title: "device missing or another one",
		Why: "The path leads to a device of another number.",
		Fix: "make the device node as it was", Example: "/dev/fuse is 10:229 in the image and absent here",
	},
	{
		Code: CodeMountOptions, Severity: Error, Title: "mount forbids what the image needs",
		Why: "A file cannot be mapped executable or opened for writing.",
		Fix: "remount without noexec or read-only", Example: "the program lies on a noexec mount",
	},
	{
		Code: CodeCorePattern, Severity: Error, Title: "core flag of a zombie cannot be made",
		Why: "The flag is set only by a real core dump, and core_pattern sends it to a program.",
		Fix: "set core_pattern to a file name for the time of the restore", Example: "core_pattern begins with |",
	},
	{
		Code: CodeAddressRange, Severity: Error, Title: "addresses this kernel does not give",
		Why: "Memory must lie where it was.",
		Fix: "restore on a machine with the same address width", Example: "a mapping above 2^47 without 5-level paging",
	},
	{
		Code: CodeHostPageSize, Severity: Error, Title: "other page size than this machine's",
		Why: "Mappings cannot be aligned as they were.",
		Fix: "restore under a kernel with pages of 4096 bytes", Example: "an arm64 kernel with 64 KiB pages",
	},
	{
		Code: CodePIDNamespaceNo, Severity: Error, Title: "no new namespace allowed",
		Why: "The wanted restore mode makes a pid or user namespace.",
		Fix: "allow it in /proc/sys/user and kernel.unprivileged_userns_clone", Example: "max_user_namespaces is 0",
	},
	{
		Code: CodeOpenFiles, Severity: Error, Title: "descriptor number above this machine's highest",
		Why: "The kernel gives no descriptors from fs.nr_open on.",
		Fix: "raise /proc/sys/fs/nr_open", Example: "descriptor 2000000",
	},
	{
		Code: CodeMapCount, Severity: Error, Title: "more mappings than this machine allows",
		Why: "The kernel refuses mmap from vm.max_map_count on.",
		Fix: "raise /proc/sys/vm/max_map_count", Example: "an address space of 100000 VMAs",
	},
	{
		Code: CodeVerify, Severity: Error, Title: "restored tree differs from the image",
		Why: "What was read back after the restore is not what was saved.",
		Fix: "report it with the image's thaw dump", Example: "task 12 has another parent",
	},
	{
		Code: CodeLockTaken, Severity: Error, Title: "file lock held by somebody else",
		Why: "The tree holds a lock that this one excludes.",
		Fix: "end the process that has it, or wait until it lets go", Example: "a write lock on /var/lib/db, which process 812 has",
	},
	{
		Code: CodeSocketName, Severity: Error, Title: "path of a unix socket taken",
		Why: "A socket is bound where nothing is; only what a socket that is gone has left there is removed.",
		Fix: "move the file, or end the program whose socket it is", Example: "a regular file at /run/app.sock",
	},
	{
		Code: CodeSysVTaken, Severity: Error, Title: "number or key of a System V segment taken",
		Why: "Programs know a segment by both; two segments cannot have the same.",
		Fix: "remove the segment that has it (ipcrm), if nobody needs it", Example: "segment 5 exists, left over by the captured tree",
	},
	{
		Code: CodeXSaveLayout, Severity: Error, Title: "vector registers laid out otherwise here",
		Why: "Components lie where the processor model has them; put back as they are, one would become another.",
		Fix: "restore on a processor of the same maker and features", Example: "protection keys at byte 2688, here at 2432",
	},
	{
		Code: CodeProcessorLess, Severity: Warning, Title: "processor has less than programs were told",
		Why: "Libraries choose code by what the processor has when they start; where it lacks that, they die of SIGILL.",
		Fix: "restore on a processor with the same features", Example: "captured with AVX-512 enabled, which this processor lacks",
	},
	{
		Code: CodeSignalFrame, Severity: Warning, Title: "signals do not fit the alternate stack",
		Why: "Signal frames hold all registers; with more of them than before, a program is killed by its next signal.",
		Fix: "restore on a processor with the same features", Example: "a stack of 2048 bytes where a signal takes 3632",
	},
	{
		Code: CodeFileTouched, Severity: Note, Title: "file was written since",
		Why: "Its size is right, and no build id or digest tells more: what is in it may be something else.",
		Fix: "compare it with the one that was captured", Example: "/etc/app.conf was written an hour after the capture",
	},
	{
		Code: CodeCgroupMemory, Severity: Error, Title: "control group allows too little memory",
		Why: "The tree would be killed while its memory is filled.",
		Fix: "raise memory.max of the group, restore in another one, or with --map-memory", Example: "8 GiB are needed in a group of 2 GiB",
	},
	{
		Code: CodeTaskLimit, Severity: Error, Title: "more tasks than there may be",
		Why: "clone fails in the middle of the restore.",
		Fix: "raise pids.max, kernel.threads-max or RLIMIT_NPROC, as the message says", Example: "500 tasks in a group of 100",
	},
	{
		Code: CodeCommitLimit, Severity: Error, Title: "more memory than the kernel promises",
		Why: "With vm.overcommit_memory 2 memory that is only mapped counts too.",
		Fix: "raise vm.overcommit_ratio, add swap, or set vm.overcommit_memory to 0", Example: "4 GiB are mapped, 1 GiB is left to promise",
	},
	{
		Code: CodeTracing, Severity: Error, Title: "tracing is forbidden",
		Why: "Registers are put back by ptrace.",
		Fix: "set kernel.yama.ptrace_scope to 1 or 0 (from 3 only a reboot leads back)", Example: "kernel.yama.ptrace_scope is 3",
	},
	{
		Code: CodeConfined, Severity: Warning, Title: "a security policy confines the restore",
		Why: "What it forbids fails in the middle of the restore, and the tree stays confined.",
		Fix: "restore from a program that is not confined, or allow it what the tree needs", Example: "a profile of AppArmor",
	},
	{
		Code: CodeCgroupMissing, Severity: Warning, Title: "control groups of the image are not here",
		Why: "Limits that the tree was under cannot be put back.",
		Fix: "mount the hierarchy, or enable the controller in cgroup.subtree_control", Example: "an image of version 1 where only version 2 is mounted",
	},
	{
		Code: CodeFilesystem, Severity: Warning, Title: "type of file system not known to this kernel",
		Why: "A mount of the image cannot be made.",
		Fix: "load the module", Example: "a mount of overlay where the module is not loaded",
	},
	{
		Code: CodeSysVLimit, Severity: Error, Title: "limit of System V segments too low",
		Why: "shmget fails in the middle of the restore.",
		Fix: "raise kernel.shmmni, kernel.shmmax or kernel.shmall, as the message says", Example: "a segment of 1 GiB where shmmax is 32 MiB",
	},
	{
		Code: CodeHostUnknown, Severity: Note, Title: "not known of this host",
		Why: "The image needs it, and neither the facts nor the kernel tell.",
		Fix: "validate --host on the machine itself, or make its facts with host-facts --for IMAGE --numbers", Example: "whether the files of the image are there",
	},
	{
		Code: CodeFeatureUnknown, Severity: Warning, Title: "kernel does not tell whether it has a feature",
		Why: "The image needs it; asking was refused, as the restore may be.",
		Fix: "ask with the privileges of the restore, and outside of filters of system calls", Example: "fsopen fails with EPERM",
	},
	{
		Code: CodeAbstractName, Severity: Error, Title: "abstract name of a unix socket taken",
		Why: "Only one socket of a network namespace can have a name.",
		Fix: "end the program whose socket it is", Example: "@/tmp/.X11-unix/X0",
	},
	{
		Code: CodeLogin, Severity: Warning, Title: "login of the audit stays the restoring program's",
		Why: "The kernel lets only some change the login that the audit notes for a task, and nobody where logins are immutable. The task then answers as part of the login that restored it, never of another.",
		Fix: "restore with CAP_AUDIT_CONTROL, or from where nobody is logged in, as a service of the init system", Example: "login uid 1000, here 1001",
	},
	{
		Code: CodeDirectIO, Severity: Error, Title: "file system without direct I/O",
		Why: "The file was open with O_DIRECT, past the kernel's cache; not every file system can do that.",
		Fix: "put the file on one that can, tmpfs from Linux 6.6 on, and name it with --map-path", Example: "a database on a ramfs",
	},
	{
		Code: CodeMappedMemory, Severity: Note, Title: "memory comes from the image",
		Why: "With --map-memory private memory is the image's until it is written to: what a program drops by MADV_DONTNEED, to have it zeroed, it gets from there again.",
		Fix: "restore programs whose allocators count on zeroes, as those of Go and jemalloc do, without --map-memory", Example: "96 MiB of a Go program's heap",
	},
}
