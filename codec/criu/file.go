package criu

import (
	"strconv"

	bpfmap_file "github.com/checkpoint-restore/go-criu/v8/crit/images/bpfmap-file"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/eventfd"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/eventpoll"
	ext_file "github.com/checkpoint-restore/go-criu/v8/crit/images/ext-file"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fifo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fown"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fsnotify"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/ns"
	packet_sock "github.com/checkpoint-restore/go-criu/v8/crit/images/packet-sock"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pipe"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/regfile"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/signalfd"
	sk_inet "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-inet"
	sk_netlink "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-netlink"
	sk_unix "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-unix"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/timerfd"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/tty"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/tun"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }

// oldFiles are the files that one kind of open file had each before CRIU 3.3.
var oldFiles = []string{
	kRegFiles, kPipes, kFifo, kInet, kUnix, kPacket, kNetlink, kEventfd, kEpoll, kSignalfd, kTimerfd, kInotify, kFanotify,
	kNSFiles, kTun, kExt, kTTY, kBPFFile,
}

// wrap makes an entry of files.img of one of an old file; the number is zero if it
// is no open file.
func wrap(m proto.Message) *fdinfo.FileEntry {
	e := &fdinfo.FileEntry{}
	set := func(t fdinfo.FdTypes, id uint32) { e.Type, e.Id = t.Enum(), new(id) }
	switch v := m.(type) {
	case *regfile.RegFileEntry:
		e.Reg = v
		set(fdinfo.FdTypes_REG, v.GetId())
	case *pipe.PipeEntry:
		e.Pipe = v
		set(fdinfo.FdTypes_PIPE, v.GetId())
	case *fifo.FifoEntry:
		e.Fifo = v
		set(fdinfo.FdTypes_FIFO, v.GetId())
	case *sk_inet.InetSkEntry:
		e.Isk = v
		set(fdinfo.FdTypes_INETSK, v.GetId())
	case *sk_unix.UnixSkEntry:
		e.Usk = v
		set(fdinfo.FdTypes_UNIXSK, v.GetId())
	case *packet_sock.PacketSockEntry:
		e.Psk = v
		set(fdinfo.FdTypes_PACKETSK, v.GetId())
	case *sk_netlink.NetlinkSkEntry:
		e.Nlsk = v
		set(fdinfo.FdTypes_NETLINKSK, v.GetId())
	case *eventfd.EventfdFileEntry:
		e.Efd = v
		set(fdinfo.FdTypes_EVENTFD, v.GetId())
	case *eventpoll.EventpollFileEntry:
		e.Epfd = v
		set(fdinfo.FdTypes_EVENTPOLL, v.GetId())
	default:
		wrapRest(e, m, set)
	}
	return e
}

func wrapRest(e *fdinfo.FileEntry, m proto.Message, set func(fdinfo.FdTypes, uint32)) {
	switch v := m.(type) {
	case *signalfd.SignalfdEntry:
		e.Sgfd = v
		set(fdinfo.FdTypes_SIGNALFD, v.GetId())
	case *timerfd.TimerfdEntry:
		e.Tfd = v
		set(fdinfo.FdTypes_TIMERFD, v.GetId())
	case *fsnotify.InotifyFileEntry:
		e.Ify = v
		set(fdinfo.FdTypes_INOTIFY, v.GetId())
	case *fsnotify.FanotifyFileEntry:
		e.Ffy = v
		set(fdinfo.FdTypes_FANOTIFY, v.GetId())
	case *ns.NsFileEntry:
		e.Nsf = v
		set(fdinfo.FdTypes_NS, v.GetId())
	case *tun.TunfileEntry:
		e.Tunf = v
		set(fdinfo.FdTypes_TUNF, v.GetId())
	case *ext_file.ExtFileEntry:
		e.Ext = v
		set(fdinfo.FdTypes_EXT, v.GetId())
	case *tty.TtyFileEntry:
		e.Tty = v
		set(fdinfo.FdTypes_TTY, v.GetId())
	case *bpfmap_file.BpfmapFileEntry:
		e.Bpf = v
		set(fdinfo.FdTypes_BPFMAP, v.GetId())
	}
}

// fileEntries indexes the open files, of files.img and of the old files.
func (d *decoder) fileEntries() error {
	if err := d.indexFiles(d.find(kFiles, 0), func(m proto.Message) *fdinfo.FileEntry {
		e, _ := m.(*fdinfo.FileEntry)
		return e
	}); err != nil {
		return err
	}
	for _, old := range oldFiles {
		if err := d.indexFiles(d.find(old, 0), wrap); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) indexFiles(f *file, get func(proto.Message) *fdinfo.FileEntry) error {
	if f == nil {
		return nil
	}
	for i := range f.records {
		r := &f.records[i]
		e := get(r.msg)
		if e.GetId() == 0 {
			return fault(f, r, codec.Malformed, "open file without a number")
		}
		if err := checkFile(f, r, e); err != nil {
			return err
		}
		if other := d.entries[e.GetId()]; other != nil {
			return fault(f, r, codec.Duplicate, "open file %d is in record %d of %s already", e.GetId(), other.rec.n, other.file.name)
		}
		d.entries[e.GetId()] = &entryOf{e, f, r}
	}
	return d.charge(int64(len(f.records)) * 64)
}

// tableNumber is the number in the name of the file with a process's descriptors.
func (d *decoder) tableNumber(p *proc) uint64 {
	if d.inv.GetFdinfoPerId() {
		return uint64(p.ids.GetFilesId())
	}
	return uint64(p.GetPid())
}

// fileTable reads the descriptors of a process.
func (d *decoder) fileTable(p *proc) (format.ObjectID, error) {
	n := p.ids.GetFilesId()
	if id, ok := d.tables[n]; ok {
		return id, nil
	}
	number := d.tableNumber(p)
	f := d.find(kFDInfo, number)
	if f == nil {
		return 0, missing(kindNamed(kFDInfo).name(number), "nobody knows the descriptors of process %d", p.pid)
	}
	o := format.FileTable{ID: d.newID(), Entries: make([]format.FileEntry, 0, len(f.records))}
	d.tables[n] = o.ID
	last := int64(-1)
	for i, e := range entries[*fdinfo.FdinfoEntry](f) {
		r := &f.records[i]
		switch fd := int64(e.GetFd()); {
		case fd == last:
			return 0, fault(f, r, codec.Duplicate, "descriptor %d is there twice", fd)
		case fd > 1<<31-1:
			return 0, fault(f, r, codec.Malformed, "descriptor %d", fd)
		default:
			last = fd
		}
		id, err := d.openFile(e.GetId(), f, r)
		if err == nil {
			err = sameType(f, r, e, d.entries[e.GetId()])
		}
		if err != nil {
			return 0, err
		}
		checkBits(d, f, r, e, descriptorBits)
		o.Entries = append(o.Entries, format.FileEntry{FD: format.FD(e.GetFd()), File: id, CloseOnExec: e.GetFlags()&closeOnExec != 0})
	}
	sortEntries(o.Entries)
	for i := 1; i < len(o.Entries); i++ {
		if o.Entries[i].FD == o.Entries[i-1].FD {
			return 0, fault(f, nil, codec.Duplicate, "descriptor %d is there twice", o.Entries[i].FD)
		}
	}
	d.img.Objects.FileTables = append(d.img.Objects.FileTables, o)
	return o.ID, d.charge(int64(len(o.Entries))*16 + 64)
}

// entryAt finds an open file by its number.
func (d *decoder) entryAt(id uint32, f *file, r *record) (*entryOf, error) {
	if e := d.entries[id]; e != nil {
		return e, nil
	}
	return nil, fault(f, r, codec.Missing, "open file %d is not in files.img", id)
}

// openFile gives the object of an open file, making it when it is first referred
// to. f and r say who refers to it.
func (d *decoder) openFile(id uint32, f *file, r *record) (format.ObjectID, error) {
	if obj, ok := d.files[id]; ok {
		return obj, nil
	}
	e, err := d.entryAt(id, f, r)
	if err != nil {
		return 0, err
	}
	o := format.OpenFile{ID: d.newID()}
	d.files[id] = o.ID
	make, ok := fileMakers[e.GetType()]
	if !ok {
		return 0, fault(e.file, e.rec, codec.UnsupportedVersion, "open file of type %d, which CRIU up to 4.2 does not know", e.GetType())
	}
	if err := make(d, e, &o); err != nil {
		return 0, err
	}
	d.img.Objects.Files = append(d.img.Objects.Files, o)
	return o.ID, d.charge(512)
}

// fileMakers make the model's form of each type of open file.
var fileMakers map[fdinfo.FdTypes]func(*decoder, *entryOf, *format.OpenFile) error

func init() {
	fileMakers = map[fdinfo.FdTypes]func(*decoder, *entryOf, *format.OpenFile) error{
		fdinfo.FdTypes_REG:       (*decoder).regular,
		fdinfo.FdTypes_PIPE:      (*decoder).pipe,
		fdinfo.FdTypes_FIFO:      (*decoder).fifo,
		fdinfo.FdTypes_INETSK:    (*decoder).inet,
		fdinfo.FdTypes_UNIXSK:    (*decoder).unix,
		fdinfo.FdTypes_EVENTFD:   (*decoder).eventfd,
		fdinfo.FdTypes_EVENTPOLL: (*decoder).epoll,
		fdinfo.FdTypes_INOTIFY:   (*decoder).inotify,
		fdinfo.FdTypes_SIGNALFD:  (*decoder).signalfd,
		fdinfo.FdTypes_PACKETSK:  (*decoder).packet,
		fdinfo.FdTypes_TTY:       (*decoder).tty,
		fdinfo.FdTypes_FANOTIFY:  (*decoder).fanotify,
		fdinfo.FdTypes_NETLINKSK: (*decoder).netlink,
		fdinfo.FdTypes_NS:        (*decoder).namespaceFile,
		fdinfo.FdTypes_TUNF:      (*decoder).tun,
		fdinfo.FdTypes_EXT:       (*decoder).external,
		fdinfo.FdTypes_TIMERFD:   (*decoder).timerfd,
		fdinfo.FdTypes_MEMFD:     (*decoder).memfd,
		fdinfo.FdTypes_BPFMAP:    (*decoder).bpfMap,
		fdinfo.FdTypes_PIDFD:     (*decoder).pidfd,
	}
}

// lacks says that an entry does not have the part that its type names.
func lacks(e *entryOf) error {
	return fault(e.file, e.rec, codec.Missing, "open file %d of type %s has no entry of that type", e.GetId(), e.GetType())
}

// owner says who gets signals about a file; nil for nobody.
func owner(e *fown.FownEntry) *format.FileOwner {
	if e.GetPid() == 0 && e.GetSignum() == 0 {
		return nil
	}
	return &format.FileOwner{
		Type: int32(e.GetPidType()), PID: format.PID(e.GetPid()), Signal: format.Signal(min(e.GetSignum(), 255)),
		UID: e.GetUid(), EUID: e.GetEuid(),
	}
}

// other makes a file that the model knows by name only.
func other(o *format.OpenFile, link string) error {
	o.Kind, o.Other = format.FileOther, &format.OtherFile{Link: link}
	return nil
}

func (d *decoder) tun(e *entryOf, o *format.OpenFile) error {
	return other(o, "/dev/net/tun ("+e.GetTunf().GetNetdev()+")")
}

func (d *decoder) external(e *entryOf, o *format.OpenFile) error {
	o.Owner = owner(e.GetExt().GetFown())
	return other(o, "external:"+utoa(uint64(e.GetId())))
}

func (d *decoder) bpfMap(e *entryOf, o *format.OpenFile) error {
	if e.GetBpf() == nil {
		return lacks(e)
	}
	o.Flags, o.Owner = e.GetBpf().GetFlags(), owner(e.GetBpf().GetFown())
	return other(o, "anon_inode:bpf-map")
}
