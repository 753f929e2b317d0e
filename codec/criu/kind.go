package criu

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
)

// base is how the number in a name is written.
type base int

const (
	single      base = 0 // there is no number: one file of this kind
	decimal     base = 10
	hexadecimal base = 16
)

// payload gives the length of the raw data behind a message, in bytes.
type payload func(proto.Message) uint64

// A kind is one kind of image file.
type kind struct {
	// prefix of the name; a number follows, and archived or ".img".
	prefix string
	number base
	// goes says what of the model it becomes, for the specification; nothing for
	// files that are only kept.
	goes string
	// archived says that the name ends in ".tar.gz.img", bare that it ends with
	// its prefix.
	archived, bare bool
	// magic is the kind's name in CRIU's table of magic numbers; empty for files
	// that are raw data.
	magic string
	// wants is that number.
	wants uint32
	// entry makes the record's message.
	entry func() proto.Message
	// bulk are the fields that are decoded by hand (bulk.go).
	bulk []*bulk
	// place is the kind's number in the list of them.
	place int
	// payload is nil where no raw data follows a message.
	payload payload
	// one says that there is exactly one record.
	one bool
	// service is IMG_SERVICE: not part of what is restored. ungrouped files have
	// the magic number of their kind alone also in version 1.1.
	service, ungrouped bool
	// ofTask says that the number is a task's.
	ofTask bool
	// rest says that the file holds state that the model has no word for.
	rest bool
}

func (k *kind) raw() bool { return k.magic == "" }

// end is what a name ends in.
func (k *kind) end() string {
	switch {
	case k.archived:
		return archiveSuffix
	case k.bare:
		return ""
	}
	return imageSuffix
}

// name is the name of the file with a number.
func (k *kind) name(n uint64) string {
	if k.number == single {
		return k.prefix + k.end()
	}
	return k.prefix + "-" + strconv.FormatUint(n, int(k.number)) + k.end()
}

func message[T any, P interface {
	*T
	proto.Message
}]() proto.Message {
	return P(new(T))
}

// The names of kinds that the code asks for.
const (
	kInventory  = "inventory"
	kPSTree     = "pstree"
	kCore       = "core"
	kIDs        = "ids"
	kMM         = "mm"
	kVMAs       = "vmas"
	kPagemap    = "pagemap"
	kShmemMap   = "pagemap-shmem"
	kPages      = "pages"
	kPagesShmem = "pages-shmem"
	kFDInfo     = "fdinfo"
	kFiles      = "files"
	kFS         = "fs"
	kCreds      = "creds"
	kRLimit     = "rlimit"
	kITimers    = "itimers"
	kTimers     = "posix-timers"
	kSigacts    = "sigacts"
	kSignalS    = "signal-s"
	kSignalP    = "signal-p"
	kSeccomp    = "seccomp"
	kRemap      = "remap-fpath"
	kGhost      = "ghost-file"
	kPipesData  = "pipes-data"
	kFifoData   = "fifo-data"
	kQueues     = "sk-queues"
	kStream     = "tcp-stream"
	kMemfd      = "memfd"
	kTTYInfo    = "tty-info"
	kTTYData    = "tty-data"
	kEpollTFD   = "eventpoll-tfd"
	kInotifyWD  = "inotify-wd"
	kFanMark    = "fanotify-mark"
	kLocks      = "filelocks"
	kUTS        = "utsns"
	kIPCVar     = "ipcns-var"
	kIPCShm     = "ipcns-shm"
	kIPCMsg     = "ipcns-msg"
	kIPCSem     = "ipcns-sem"
	kMounts     = "mountpoints"
	kNetdev     = "netdev"
	kNetNS      = "netns"
	kUserNS     = "userns"
	kPidNS      = "pidns"
	kTimeNS     = "timens"
	kCgroup     = "cgroup"
	kCPUInfo    = "cpuinfo"
	kStats      = "stats-dump"
	kTmpfs      = "tmpfs"
	kTmpfsDev   = "tmpfs-dev"
)

// The old files with one kind of open file each, and what they became in
// files.img.
const (
	kRegFiles = "reg-files"
	kPipes    = "pipes"
	kFifo     = "fifo"
	kInet     = "inetsk"
	kUnix     = "unixsk"
	kEventfd  = "eventfd"
	kEpoll    = "eventpoll"
	kInotify  = "inotify"
	kSignalfd = "signalfd"
	kPacket   = "packetsk"
	kTTY      = "tty"
	kFanotify = "fanotify"
	kNetlink  = "netlinksk"
	kNSFiles  = "ns-files"
	kTun      = "tunfile"
	kExt      = "ext-files"
	kTimerfd  = "timerfd"
	kBPFFile  = "bpfmap-file"
)

// The ends of names.
const (
	imageSuffix   = ".img"
	archiveSuffix = ".tar.gz" + imageSuffix
)

// kindsOf are the kinds by prefix; a few have two suffixes.
var kindsOf = func() map[string][]*kind {
	m := map[string][]*kind{}
	for i, k := range kinds {
		k.place, k.wants = i, uint32(magics[k.magic])
		m[k.prefix] = append(m[k.prefix], k)
	}
	return m
}()

// kindNamed is the kind with a prefix.
func kindNamed(prefix string) *kind { return kindsOf[prefix][0] }

// parseName tells the kind of a file and the number in its name; nil for a name
// that no kind has.
func parseName(name string) (*kind, uint64) {
	for _, suffix := range []string{archiveSuffix, imageSuffix, ""} {
		base, ok := strings.CutSuffix(name, suffix)
		if !ok {
			continue
		}
		if k := findKind(base, "", suffix); k != nil && k.number == single {
			return k, 0
		}
		at := strings.LastIndexByte(base, '-')
		if at < 0 {
			continue
		}
		k := findKind(base[:at], base[at+1:], suffix)
		if k == nil || k.number == single {
			continue
		}
		n, err := strconv.ParseUint(base[at+1:], int(k.number), 64)
		var plain [20]byte // no zeroes before it, and no capitals
		if err == nil && string(strconv.AppendUint(plain[:0], n, int(k.number))) == base[at+1:] {
			return k, n
		}
	}
	return nil, 0
}

func findKind(prefix, number, suffix string) *kind {
	for _, k := range kindsOf[prefix] {
		if k.end() == suffix && (k.number == single) == (number == "") {
			return k
		}
	}
	return nil
}
