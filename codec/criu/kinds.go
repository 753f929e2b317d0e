package criu

import (
	"slices"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/apparmor"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/autofs"
	binfmt_misc "github.com/checkpoint-restore/go-criu/v8/crit/images/binfmt-misc"
	bpfmap_data "github.com/checkpoint-restore/go-criu/v8/crit/images/bpfmap-data"
	bpfmap_file "github.com/checkpoint-restore/go-criu/v8/crit/images/bpfmap-file"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/cgroup"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/cpuinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/creds"
	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	criu_sa "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-sa"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/eventfd"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/eventpoll"
	ext_file "github.com/checkpoint-restore/go-criu/v8/crit/images/ext-file"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fh"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fifo"
	file_lock "github.com/checkpoint-restore/go-criu/v8/crit/images/file-lock"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fs"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fsnotify"
	ghost_file "github.com/checkpoint-restore/go-criu/v8/crit/images/ghost-file"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/inventory"
	ipc_msg "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-msg"
	ipc_sem "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-sem"
	ipc_shm "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-shm"
	ipc_var "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-var"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/memfd"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/mnt"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/netdev"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/ns"
	packet_sock "github.com/checkpoint-restore/go-criu/v8/crit/images/packet-sock"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pidns"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pipe"
	pipe_data "github.com/checkpoint-restore/go-criu/v8/crit/images/pipe-data"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pstree"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/regfile"
	remap_file_path "github.com/checkpoint-restore/go-criu/v8/crit/images/remap-file-path"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/rlimit"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/seccomp"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/siginfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/signalfd"
	sk_inet "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-inet"
	sk_netlink "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-netlink"
	sk_packet "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-packet"
	sk_unix "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-unix"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/stats"
	tcp_stream "github.com/checkpoint-restore/go-criu/v8/crit/images/tcp-stream"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/timens"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/timer"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/timerfd"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/tty"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/tun"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/userns"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/utsns"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/vma"
	"google.golang.org/protobuf/proto"
)

// kinds are all kinds of files of CRIU up to 4.2, in the order they are read in.
// Source: criu/image-desc.c, criu/protobuf-desc.c, and the functions that write
// each.
var kinds = slices.Concat(taskKinds, fileKinds, namespaceKinds, keptKinds)

// taskKinds are those of the image itself and of tasks.
var taskKinds = []*kind{
	{prefix: kInventory, goes: "provenance; which namespaces are the host's", magic: "INVENTORY", entry: message[inventory.InventoryEntry], one: true, ungrouped: true},
	{prefix: kPSTree, goes: "tasks: numbers, groups, sessions, threads", magic: "PSTREE", entry: message[pstree.PstreeEntry]},
	{prefix: kCore, goes: "tasks, processes, credentials, signal handlers, registers", number: decimal, magic: "CORE", entry: message[criu_core.CoreEntry], bulk: bulkCore, one: true, ofTask: true},
	{prefix: kIDs, goes: "what tasks share; namespaces", number: decimal, magic: "IDS", entry: message[criu_core.TaskKobjIdsEntry], one: true, ofTask: true},
	{prefix: kMM, goes: "address spaces", number: decimal, magic: "MM", entry: message[mm.MmEntry], bulk: bulkMM, one: true, ofTask: true},
	{prefix: kVMAs, goes: "memory areas, in old images", number: decimal, magic: "VMAS", entry: message[vma.VmaEntry], ofTask: true},
	{prefix: kPagemap, goes: "pages of an address space", number: decimal, magic: "PAGEMAP", ofTask: true},
	{prefix: kShmemMap, goes: "pages of shared memory", number: decimal, magic: "PAGEMAP"},
	{prefix: kPages, goes: "pages", number: decimal},
	{prefix: kPagesShmem, goes: "not read", number: decimal},
	{prefix: kFDInfo, goes: "tables of descriptors", number: decimal, magic: "FDINFO", entry: message[fdinfo.FdinfoEntry]},
	{prefix: kFiles, goes: "open files", magic: "FILES", entry: message[fdinfo.FileEntry]},
	{prefix: kFS, goes: "directory, root, umask", number: decimal, magic: "FS", entry: message[fs.FsEntry], one: true, ofTask: true},
	{prefix: kCreds, goes: "credentials, in old images", number: decimal, magic: "CREDS", entry: message[creds.CredsEntry], one: true, ofTask: true},
	{prefix: kRLimit, goes: "limits, in old images", number: decimal, magic: "RLIMIT", entry: message[rlimit.RlimitEntry], ofTask: true},
	{prefix: kITimers, goes: "interval timers, in old images", number: decimal, magic: "ITIMERS", entry: message[timer.ItimerEntry], ofTask: true},
	{prefix: kTimers, goes: "timers of timer_create, in old images", number: decimal, magic: "POSIX_TIMERS", entry: message[timer.PosixTimerEntry], ofTask: true},
	{prefix: kSigacts, goes: "signal handlers, in old images", number: decimal, magic: "SIGACT", entry: message[criu_sa.SaEntry], ofTask: true},
	{prefix: kSignalS, goes: "signals queued for a process, in old images", number: decimal, magic: "SIGNAL", entry: message[siginfo.SiginfoEntry], ofTask: true},
	{prefix: kSignalP, goes: "signals queued for a task, in old images", number: decimal, magic: "SIGNAL", entry: message[siginfo.SiginfoEntry], ofTask: true},
	{prefix: kSeccomp, goes: "seccomp filters", magic: "SECCOMP", entry: message[seccomp.SeccompEntry], one: true},
}

// fileKinds are those of open files, and of what is in them.
var fileKinds = []*kind{
	{prefix: kRemap, goes: "deleted files: which", magic: "REMAP_FPATH", entry: message[remap_file_path.RemapFilePathEntry]},
	{prefix: kGhost, goes: "deleted files: contents", number: hexadecimal, magic: "GHOST_FILE", entry: message[ghost_file.GhostFileEntry]},
	{
		prefix: kPipesData, goes: "contents and sizes of pipes", magic: "PIPES_DATA", entry: message[pipe_data.PipeDataEntry],
		payload: sized(func(m *pipe_data.PipeDataEntry) uint64 { return uint64(m.GetBytes()) }),
	},
	{
		prefix: kFifoData, goes: "contents and sizes of fifos", magic: "FIFO_DATA", entry: message[pipe_data.PipeDataEntry],
		payload: sized(func(m *pipe_data.PipeDataEntry) uint64 { return uint64(m.GetBytes()) }),
	},
	{
		prefix: kQueues, goes: "messages in sockets, with descriptors in flight", magic: "SK_QUEUES", entry: message[sk_packet.SkPacketEntry],
		payload: sized(func(m *sk_packet.SkPacketEntry) uint64 { return uint64(m.GetLength()) }),
	},
	{
		prefix: kStream, goes: "TCP connections and their queues", number: hexadecimal, magic: "TCP_STREAM", entry: message[tcp_stream.TcpStreamEntry], one: true,
		payload: sized(func(m *tcp_stream.TcpStreamEntry) uint64 { return uint64(m.GetInqLen()) + uint64(m.GetOutqLen()) }),
	},
	{prefix: kMemfd, goes: "memfds; shared anonymous memory, which CRIU 4 takes for one", magic: "MEMFD_INODE", entry: message[memfd.MemfdInodeEntry]},
	{prefix: kRegFiles, goes: "open files, in old images", magic: "REG_FILES", entry: message[regfile.RegFileEntry]},
	{prefix: kPipes, goes: "open files, in old images", magic: "PIPES", entry: message[pipe.PipeEntry]},
	{prefix: kFifo, goes: "open files, in old images", magic: "FIFO", entry: message[fifo.FifoEntry]},
	{prefix: kInet, goes: "open files, in old images", magic: "INETSK", entry: message[sk_inet.InetSkEntry]},
	{prefix: kUnix, goes: "open files, in old images", magic: "UNIXSK", entry: message[sk_unix.UnixSkEntry]},
	{prefix: kPacket, goes: "open files, in old images", magic: "PACKETSK", entry: message[packet_sock.PacketSockEntry]},
	{prefix: kNetlink, goes: "open files, in old images", magic: "NETLINK_SK", entry: message[sk_netlink.NetlinkSkEntry]},
	{prefix: kEventfd, goes: "open files, in old images", magic: "EVENTFD_FILE", entry: message[eventfd.EventfdFileEntry]},
	{prefix: kEpoll, goes: "open files, in old images", magic: "EVENTPOLL_FILE", entry: message[eventpoll.EventpollFileEntry]},
	{prefix: kEpollTFD, goes: "what epoll instances watch, in old images", magic: "EVENTPOLL_TFD", entry: message[eventpoll.EventpollTfdEntry]},
	{prefix: kSignalfd, goes: "open files, in old images", magic: "SIGNALFD", entry: message[signalfd.SignalfdEntry]},
	{prefix: kTimerfd, goes: "open files, in old images", magic: "TIMERFD", entry: message[timerfd.TimerfdEntry]},
	{prefix: kInotify, goes: "open files, in old images", magic: "INOTIFY_FILE", entry: message[fsnotify.InotifyFileEntry]},
	{prefix: kInotifyWD, goes: "watches of inotify, in old images", magic: "INOTIFY_WD", entry: message[fsnotify.InotifyWdEntry]},
	{prefix: kFanotify, goes: "open files, in old images", magic: "FANOTIFY_FILE", entry: message[fsnotify.FanotifyFileEntry]},
	{prefix: kFanMark, goes: "marks of fanotify, in old images", magic: "FANOTIFY_MARK", entry: message[fsnotify.FanotifyMarkEntry]},
	{prefix: kNSFiles, goes: "open files, in old images", magic: "NS_FILES", entry: message[ns.NsFileEntry]},
	{prefix: kTun, goes: "open files, in old images", magic: "TUNFILE", entry: message[tun.TunfileEntry]},
	{prefix: kExt, goes: "open files, in old images", magic: "EXT_FILES", entry: message[ext_file.ExtFileEntry]},
	{prefix: kTTY, goes: "open files, in old images", magic: "TTY_FILES", entry: message[tty.TtyFileEntry]},
	{prefix: kTTYInfo, goes: "terminals", magic: "TTY_INFO", entry: message[tty.TtyInfoEntry]},
	{prefix: kTTYData, goes: "unread bytes of terminals", magic: "TTY_DATA", entry: message[tty.TtyDataEntry]},
	{prefix: kBPFFile, goes: "open files, in old images", magic: "BPFMAP_FILE", entry: message[bpfmap_file.BpfmapFileEntry]},
	{
		prefix: "bpfmap-data", goes: "kept", rest: true, magic: "BPFMAP_DATA", entry: message[bpfmap_data.BpfmapDataEntry],
		payload: sized(func(m *bpfmap_data.BpfmapDataEntry) uint64 {
			return uint64(m.GetKeysBytes()) + uint64(m.GetValuesBytes())
		}),
	},
	{prefix: kLocks, goes: "locks of open files", magic: "FILE_LOCKS", entry: message[file_lock.FileLockEntry]},
}

// namespaceKinds are those of namespaces, control groups and the processor.
var namespaceKinds = []*kind{
	{prefix: kUTS, goes: "host names of namespaces", number: decimal, magic: "UTSNS", entry: message[utsns.UtsnsEntry], one: true},
	{prefix: kIPCVar, goes: "settings of IPC namespaces", number: decimal, magic: "IPC_VAR", entry: message[ipc_var.IpcVarEntry], one: true},
	{
		prefix: kIPCShm, goes: "System V shared memory", number: decimal, magic: "IPCNS_SHM", entry: message[ipc_shm.IpcShmEntry],
		payload: sized(func(m *ipc_shm.IpcShmEntry) uint64 {
			if m.GetInPagemaps() {
				return 0
			}
			return roundUp(min(m.GetSize(), 1<<62), 4)
		}),
	},
	{prefix: kIPCMsg, goes: "System V message queues", number: decimal, magic: "IPCNS_MSG", entry: message[ipc_msg.IpcMsgEntry]},
	{
		prefix: kIPCSem, goes: "System V semaphores", number: decimal, magic: "IPCNS_SEM", entry: message[ipc_sem.IpcSemEntry],
		payload: sized(func(m *ipc_sem.IpcSemEntry) uint64 { return roundUp(uint64(m.GetNsems())*2, 8) }),
	},
	{prefix: kMounts, goes: "mounts of namespaces", number: decimal, magic: "MNTS", entry: message[mnt.MntEntry]},
	{prefix: kNetdev, goes: "network interfaces", number: decimal, magic: "NETDEV", entry: message[netdev.NetDeviceEntry]},
	{prefix: kNetNS, goes: "kept", number: decimal, magic: "NETNS", entry: message[netdev.NetnsEntry], one: true, rest: true},
	{prefix: kUserNS, goes: "id maps", number: decimal, magic: "USERNS", entry: message[userns.UsernsEntry], one: true},
	{prefix: kPidNS, goes: "kept", number: decimal, magic: "PIDNS", entry: message[pidns.PidnsEntry], one: true},
	{prefix: kTimeNS, goes: "number 0: clocks of the machine; others are kept", number: decimal, magic: "TIMENS", entry: message[timens.TimensEntry], one: true},
	{prefix: kCgroup, goes: "control groups", magic: "CGROUP", entry: message[cgroup.CgroupEntry], one: true},
	{prefix: kCPUInfo, goes: "layout of XSAVE areas", magic: "CPUINFO", entry: message[cpuinfo.CpuinfoEntry], one: true},
}

// keptKinds are those that the model has no place for.
var keptKinds = []*kind{
	{prefix: "autofs", goes: "kept", number: decimal, magic: "AUTOFS", entry: message[autofs.AutofsEntry], rest: true},
	{prefix: "binfmt-misc", goes: "kept", number: decimal, magic: "BINFMT_MISC", entry: message[binfmt_misc.BinfmtMiscEntry], rest: true},
	{prefix: "apparmor", goes: "kept", magic: "APPARMOR", entry: message[apparmor.ApparmorEntry], one: true, rest: true},
	{prefix: "irmap-cache", goes: "kept", magic: "IRMAP_CACHE", entry: message[fh.IrmapCacheEntry], service: true},
	{prefix: kStats, goes: "kept", bare: true, magic: "STATS", entry: message[stats.StatsEntry], service: true},
	{prefix: "stats-restore", goes: "kept", bare: true, magic: "STATS", entry: message[stats.StatsEntry], service: true},
	{prefix: "descriptors.json", bare: true}, // runc: what standard input, output and error were
	{prefix: "ifaddr", number: decimal, rest: true},
	{prefix: "route", number: decimal, rest: true},
	{prefix: "route6", number: decimal, rest: true},
	{prefix: "rule", number: decimal, rest: true},
	{prefix: "iptables", number: decimal, rest: true},
	{prefix: "ip6tables", number: decimal, rest: true},
	{prefix: "nftables", number: decimal, rest: true},
	{prefix: "netns-ct", number: decimal, rest: true},
	{prefix: "netns-exp", number: decimal, rest: true},
	{prefix: kTmpfs, number: decimal, archived: true, rest: true},
	{prefix: kTmpfsDev, number: decimal, archived: true, rest: true},
	{prefix: "binfmt-misc", number: decimal, archived: true, rest: true},
}

func sized[T proto.Message](length func(T) uint64) payload {
	return func(m proto.Message) uint64 {
		v, ok := m.(T)
		if !ok {
			return 0
		}
		return length(v)
	}
}

// roundUp rounds a length up to words of 8 or 4 bytes, as CRIU pads.
func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }
