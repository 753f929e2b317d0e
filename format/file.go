package format

// FileTable maps descriptors to open files (the kernel's files_struct).
type FileTable struct {
	ID ObjectID `json:"id"`
	// Entries are ordered by descriptor.
	Entries []FileEntry `json:"entries,omitempty"`
}

// FileEntry is one descriptor.
type FileEntry struct {
	FD FD `json:"fd"`
	// File is the open file description.
	File        ObjectID `json:"file"`
	CloseOnExec bool     `json:"cloexec,omitempty"`
}

// FileKind says which of OpenFile's kinds is set.
type FileKind string

// The kinds of open files.
const (
	FileRegular   FileKind = "regular"
	FileDirectory FileKind = "directory"
	FileDevice    FileKind = "device"
	FilePipe      FileKind = "pipe"
	FileFifo      FileKind = "fifo"
	FileMemfd     FileKind = "memfd"
	FileEventfd   FileKind = "eventfd"
	FileEpoll     FileKind = "epoll"
	FileTimerfd   FileKind = "timerfd"
	FileSignalfd  FileKind = "signalfd"
	FileInotify   FileKind = "inotify"
	FileFanotify  FileKind = "fanotify"
	FileTTY       FileKind = "tty"
	FileUnix      FileKind = "unix"
	FileInet      FileKind = "inet"
	FileNetlink   FileKind = "netlink"
	FilePacket    FileKind = "packet"
	FilePidfd     FileKind = "pidfd"
	FileNamespace FileKind = "namespace"
	FileOther     FileKind = "other"
)

// OpenFile is an open file description (open(2)): what descriptors made by dup,
// fork and SCM_RIGHTS share. Exactly the field that Kind names is set.
type OpenFile struct {
	ID   ObjectID `json:"id"`
	Kind FileKind `json:"kind"`
	// Flags are the access mode and status flags of fcntl(F_GETFL), O_CLOEXEC
	// left out.
	Flags uint32 `json:"flags"`
	// Pos is the file offset.
	Pos   int64      `json:"pos,omitempty"`
	Owner *FileOwner `json:"owner,omitempty"`
	Locks []FileLock `json:"locks,omitempty"`

	Regular   *RegularFile   `json:"regular,omitempty"`
	Directory *DirectoryFile `json:"directory,omitempty"`
	Device    *DeviceFile    `json:"device,omitempty"`
	Pipe      *PipeEnd       `json:"pipe,omitempty"`
	Memfd     *MemfdFile     `json:"memfd,omitempty"`
	Eventfd   *Eventfd       `json:"eventfd,omitempty"`
	Epoll     *Epoll         `json:"epoll,omitempty"`
	Timerfd   *Timerfd       `json:"timerfd,omitempty"`
	Signalfd  *Signalfd      `json:"signalfd,omitempty"`
	Inotify   *Inotify       `json:"inotify,omitempty"`
	Fanotify  *Fanotify      `json:"fanotify,omitempty"`
	TTY       *TTYFile       `json:"tty,omitempty"`
	Unix      *UnixSocket    `json:"unix,omitempty"`
	Inet      *InetSocket    `json:"inet,omitempty"`
	Netlink   *NetlinkSocket `json:"netlink,omitempty"`
	Packet    *PacketSocket  `json:"packet,omitempty"`
	Pidfd     *Pidfd         `json:"pidfd,omitempty"`
	Namespace *NamespaceFile `json:"namespace,omitempty"`
	Other     *OtherFile     `json:"other,omitempty"`
}

// Access modes and status flags as the kernel numbers them on amd64 and most
// architectures (include/uapi/asm-generic/fcntl.h).
const (
	OAccMode   uint32 = 0o3
	ORdOnly    uint32 = 0o0
	OWrOnly    uint32 = 0o1
	ORdWr      uint32 = 0o2
	OAppend    uint32 = 0o2000
	ONonBlock  uint32 = 0o4000
	OAsync     uint32 = 0o20000
	ODirect    uint32 = 0o40000
	OLargeFile uint32 = 0o100000
	ODirectory uint32 = 0o200000
	ONoFollow  uint32 = 0o400000
	ONoATime   uint32 = 0o1000000
	OPath      uint32 = 0o10000000
)

// Readable says whether the description can be read from.
func (f *OpenFile) Readable() bool { m := f.Flags & OAccMode; return m == ORdOnly || m == ORdWr }

// Signals says whether somebody is told of the description's events by a signal,
// or would be if it were asked for (fcntl(2), "Managing signals").
func (f *OpenFile) Signals() bool {
	return f.Flags&OPath == 0 && (f.Flags&OAsync != 0 || f.Owner != nil && *f.Owner != FileOwner{})
}

// Writable says whether the description can be written to.
func (f *OpenFile) Writable() bool { m := f.Flags & OAccMode; return m == OWrOnly || m == ORdWr }

// FileOwner says who gets signals about a file (fcntl(F_SETOWN_EX)).
type FileOwner struct {
	// Type is F_OWNER_TID 0, F_OWNER_PID 1, F_OWNER_PGRP 2.
	Type   int32  `json:"type"`
	PID    PID    `json:"pid"`
	Signal Signal `json:"signal,omitempty"`
	UID    uint32 `json:"uid,omitempty"`
	EUID   uint32 `json:"euid,omitempty"`
}

// FileLock is a lock held through a description (flock, ofd, lease) or by a
// process that has the description open (posix); see /proc/locks in proc(5).
type FileLock struct {
	// Type is flock, posix, ofd or lease.
	Type  string `json:"type"`
	Write bool   `json:"write,omitempty"`
	// Owner is the process that holds a POSIX lock, or that took a flock; zero
	// where it is not known.
	Owner PID `json:"owner,omitempty"`
	// Start and End are byte offsets, End inclusive; Unlimited for the rest. A
	// flock and a lease are about the whole file, whatever stands here.
	Start uint64 `json:"start,omitempty"`
	End   uint64 `json:"end,omitempty"`
}
