package validate

import (
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

func (v *vector) buffer() *format.PipeBuffer { return &v.Image.Objects.Pipes[0] }

func (v *vector) table() *format.FileTable { return &v.Image.Objects.FileTables[0] }

func (v *vector) path(p string) { v.file(idRegular).Regular.File.Path = p }

func (v *vector) socket(id format.ObjectID, u format.UnixSocket) {
	u.Type = 1
	v.open(format.OpenFile{ID: id, Kind: format.FileUnix, Flags: format.ORdWr, Unix: &u})
}

// hidden adds a socket without a descriptor.
func (v *vector) hidden(id format.ObjectID, u format.UnixSocket) {
	v.socket(id, u)
	v.table().Entries = v.table().Entries[:len(v.table().Entries)-1]
}

func (v *vector) listener(id format.ObjectID, u format.UnixSocket) {
	u.Listening, u.Backlog = true, 5
	v.socket(id, u)
}

func (v *vector) inotify(mask uint32, events []byte) {
	w := format.InotifyWatch{Number: 1, File: format.FileRef{Path: "/tmp"}, Mask: mask}
	v.open(format.OpenFile{ID: 43, Kind: format.FileInotify, Inotify: &format.Inotify{Watches: []format.InotifyWatch{w}, Events: events}})
}

// inet adds a stream socket, changed.
func (v *vector) inet(change func(*format.InetSocket)) {
	n := &format.InetSocket{SocketCommon: format.SocketCommon{Type: 1, Protocol: 6}, Family: familyInet, State: 1}
	change(n)
	v.open(format.OpenFile{ID: 43, Kind: format.FileInet, Flags: format.ORdWr, Inet: n})
}

// option adds a socket with an option of SOL_SOCKET.
func (v *vector) option(name int32, size int) {
	v.socket(43, format.UnixSocket{SocketCommon: format.SocketCommon{Options: []format.SocketOption{{Level: 1, Name: name, Value: make([]byte, size)}}}})
}

// setting puts the root into an ipc namespace with one.
func (v *vector) setting(name, value string) {
	v.namespaces(format.Namespace{ID: 80, Kind: format.NSIPC, Sysctls: []format.Sysctl{{Name: name, Value: value}}})
}

func (v *vector) epoll(id format.ObjectID, watched ...format.ObjectID) {
	e := &format.Epoll{}
	for i, w := range watched {
		e.Watches = append(e.Watches, format.EpollWatch{FD: format.FD(100 + i), File: w, Events: 1})
	}
	v.open(format.OpenFile{ID: id, Kind: format.FileEpoll, Flags: format.ORdWr, Epoll: e})
}

// namespaces puts the root process into them.
func (v *vector) namespaces(list ...format.Namespace) {
	v.Image.Objects.Namespaces = list
	for _, n := range list {
		v.task(100).Namespaces = append(v.task(100).Namespaces, n.ID)
	}
}

func (v *vector) filter(f format.SeccompFilter) {
	v.Image.Objects.Seccomp = []format.SeccompFilter{f}
	v.task(100).SeccompMode, v.task(100).Seccomp = 2, f.ID
}

var resourceMutations = []mutation{
	{"R001", "descriptor-of-nothing", func(v *vector) {
		v.table().Entries = append(v.table().Entries, format.FileEntry{FD: 50, File: idFree})
	}},
	{"R001", "memory-of-nothing", func(v *vector) { v.spawn(104, 100, 100, 50); v.forget(true, false, false) }},
	{"R002", "descriptor-of-a-buffer", func(v *vector) {
		v.table().Entries = append(v.table().Entries, format.FileEntry{FD: 50, File: idBuffer})
	}},
	{"R003", "two-of-one-kind", func(v *vector) { o := &v.Image.Objects; o.FS = append(o.FS, o.FS[0]) }},
	{"R003", "two-of-two-kinds", func(v *vector) {
		o := &v.Image.Objects
		o.Semaphores = []format.SysVSemaphores{{ID: idFS, Values: []uint16{1}}}
	}},
	{"R004", "zero", func(v *vector) { o := &v.Image.Objects; o.FS = append([]format.FS{{Cwd: "/", Root: "/"}}, o.FS...) }},
	{"R005", "descending", func(v *vector) { f := v.Image.Objects.Files; f[0], f[1] = f[1], f[0] }},
	{"R006", "descriptor-of-zero", func(v *vector) {
		v.table().Entries = append(v.table().Entries, format.FileEntry{FD: 50})
	}},
	{"R006", "pipe-without-buffer", func(v *vector) {
		v.open(format.OpenFile{ID: 43, Kind: format.FilePipe, Pipe: &format.PipeEnd{}})
	}},
	{"R007", "nobodys-file", func(v *vector) {
		v.open(format.OpenFile{ID: 43, Kind: format.FileEventfd, Flags: 2, Eventfd: &format.Eventfd{}})
		v.table().Entries = v.table().Entries[:len(v.table().Entries)-1]
	}},
	{"R010", "minus-one", func(v *vector) {
		v.table().Entries = append(v.table().Entries, format.FileEntry{FD: -1, File: idRegular})
	}},
	{"R011", "twice", func(v *vector) {
		v.table().Entries = append(v.table().Entries, format.FileEntry{FD: 12, File: idRegular})
	}},
	{"R012", "descending", func(v *vector) { e := v.table().Entries; e[0], e[1] = e[1], e[0] }},
	{"R013", "mailbox", func(v *vector) { v.open(format.OpenFile{ID: 43, Kind: "mailbox"}) }},
	{"R014", "no-field", func(v *vector) { v.open(format.OpenFile{ID: 43, Kind: format.FileEventfd}) }},
	{"R014", "two-fields", func(v *vector) { v.file(idEventfd).Signalfd = &format.Signalfd{} }},
	{"R015", "mode-3", func(v *vector) { v.file(idRegular).Flags = 3 }},
	{"R016", "truncate", func(v *vector) { v.file(idRegular).Flags |= 0o1000 }},
	{"R016", "cloexec", func(v *vector) { v.file(idRegular).Flags |= 0o2000000 }},
	{"R017", "minus-one", func(v *vector) { v.file(idRegular).Pos = -1 }},
	{"R018", "no-path", func(v *vector) { v.path("") }},
	{"R019", "relative", func(v *vector) { v.path("etc/passwd") }},
	{"R018", "deleted-file", func(v *vector) { v.index().Deleted(idDeleted).Path = "" }},
	{"R019", "deleted-file-in-no-directory", func(v *vector) { v.index().Deleted(idDeleted).Path = "gone" }},
	{"R020", "zero-byte", func(v *vector) { v.path("/etc/passwd\x00.txt") }},
	{"R021", "climbing", func(v *vector) { v.path("/tmp/../etc/passwd") }},
	{"R021", "double-slash", func(v *vector) { v.vma(textAddr).File.Path = "//bin/sh" }},
	{"R022", "five-thousand", func(v *vector) { v.path(strings.Repeat("/x", 2500)) }},
	{"R023", "directory-as-file", func(v *vector) { v.file(idRegular).Regular.File.Mode = 0o040755 }},
	{"R023", "fifo-that-is-regular", func(v *vector) { v.index().Pipe(idFifoBuffer).Fifo.Mode = 0o100600 }},
	{"R024", "writable-directory", func(v *vector) { v.file(idDirectory).Flags = format.ORdWr }},
	{"R025", "major-5000", func(v *vector) { v.file(idDevice).Device.Major = 5000 }},
	{"R025", "terminal-major-5000", func(v *vector) { v.Image.Objects.Terminals[0].Major = 5000 }},
	{"R026", "type-7", func(v *vector) { v.file(idRegular).Owner = &format.FileOwner{Type: 7} }},
	{"R030", "overfull", func(v *vector) { v.buffer().Data, v.buffer().Capacity = make([]byte, 5000), 4096 }},
	{"R031", "sum", func(v *vector) { v.buffer().Packets = []uint32{3} }},
	{"R032", "empty-packet", func(v *vector) { v.buffer().Packets = []uint32{5, 0} }},
	{"R032", "huge-packet", func(v *vector) { v.buffer().Packets = []uint32{5000} }},
	{"R033", "five-thousand", func(v *vector) { v.buffer().Capacity = 5000 }},
	{"R034", "nobodys", func(v *vector) {
		o := &v.Image.Objects
		o.Pipes = append(o.Pipes, format.PipeBuffer{ID: 52, Data: []byte("lost")})
	}},
	{"R035", "fifo-without-path", func(v *vector) { v.Image.Objects.Pipes[1].Fifo = format.FileRef{} }},
	{"R035", "pipe-with-path", func(v *vector) { v.buffer().Fifo.Path = "/run/fifo" }},
	{"R036", "no-writer", func(v *vector) { v.file(idPipeWrite).Flags = format.ORdOnly }},
	{"R040", "memfd-of-anon", func(v *vector) { v.file(idMemfd).Memfd.Shared = idShared }},
	{"R038", "directory-for-file", func(v *vector) {
		d := &v.Image.Objects.Deleted[0]
		d.Mode, d.Size = 0o040755, 0
		v.Pages = slices.DeleteFunc(v.Pages, func(p pagesOf) bool { return p.Object == idDeleted })
	}},
	{"R038", "file-for-directory", func(v *vector) { v.file(idDirectory).Directory.File.Deleted = idDeleted }},
	{"R038", "working-directory", func(v *vector) { v.Image.Objects.FS[0].Deleted = idDeleted }},
	{"R041", "socket", func(v *vector) { v.Image.Objects.Deleted[0].Mode = 0o140755 }},
	{"R041", "endless", func(v *vector) { v.Image.Objects.Deleted[0].Size = 1 << 63 }},
	{"R042", "links-unknown", func(v *vector) { v.Image.Objects.Deleted[0].Links = 1 }},
	{"R043", "highest", func(v *vector) { v.file(idEventfd).Eventfd.Count = format.Unlimited }},
	{"R044", "sigkill", func(v *vector) { v.file(idSignalfd).Signalfd.Mask = 1 << 8 }},
	{"R045", "cpu-clock", func(v *vector) { v.file(idTimerfd).Timerfd.Clock = 2 }},
	{"R046", "flags", func(v *vector) { v.file(idTimerfd).Timerfd.SetFlags = 8 }},
	{"R046", "for-ever", func(v *vector) { v.file(idTimerfd).Timerfd.Interval = format.Unlimited }},
	{"R047", "zero", func(v *vector) {
		v.open(format.OpenFile{ID: 43, Kind: format.FileInotify, Inotify: &format.Inotify{
			Watches: []format.InotifyWatch{{File: format.FileRef{Path: "/tmp"}, Mask: 2}},
		}})
	}},
	{"R039", "bit-31", func(v *vector) { v.file(idRegular).Regular.File.Mode |= 1 << 31 }},
	{"R039", "type-of-nothing", func(v *vector) { v.mm().Exe.Mode = 0o030755 }},
	{"R039", "of-a-memfd", func(v *vector) { v.index().Shared(idMemfdMem).Mode = ^uint32(0) }},
	{"R048", "deleted-file-of-nobody", func(v *vector) { v.index().Deleted(idDeleted).UID = noID }},
	{"R048", "memfd-of-no-group", func(v *vector) { v.index().Shared(idMemfdMem).GID = noID }},
	{"R049", "eventfd-for-reading", func(v *vector) { v.file(idEventfd).Flags = format.ORdOnly }},
	{"R049", "directory-that-is-regular", func(v *vector) { v.file(idRegular).Flags |= format.ODirectory }},
	{"R049", "bit-31", func(v *vector) { v.file(idDevice).Flags |= 1 << 31 }},
	{"R049", "path-of-a-fifo", func(v *vector) { v.file(idFifo).Flags = format.OPath }},
	{"R059", "sha-1", func(v *vector) { v.file(idRegular).Regular.File.SHA256 = make([]byte, 20) }},
	{"R059", "of-a-directory", func(v *vector) { v.file(idDirectory).Directory.File.SHA256 = make([]byte, 32) }},
	{"R050", "twice", func(v *vector) {
		v.epoll(43, idEventfd)
		e := v.file(43).Epoll
		e.Watches = append(e.Watches, e.Watches[0])
	}},
	{"R051", "itself", func(v *vector) { v.epoll(43, 43) }},
	{"R051", "each-other", func(v *vector) { v.epoll(43, 44); v.epoll(44, 43) }},
	{"R052", "seven-deep", func(v *vector) {
		for id := format.ObjectID(43); id < 49; id++ {
			v.epoll(id, id+1)
		}
		v.epoll(49)
	}},
	{"R053", "regular-file", func(v *vector) { v.epoll(43, idRegular) }},
	{"R054", "negative-descriptor", func(v *vector) { v.file(idEpoll).Epoll.Watches[0].FD = -1 }},
	{"R054", "all-events", func(v *vector) { v.file(idEpoll).Epoll.Watches[0].Events = ^uint32(0) }},
	{"R054", "memfd", func(v *vector) { v.epoll(43, idMemfd) }},
	{"R054", "dev-null", func(v *vector) { v.epoll(43, idDevice) }},
	{"R055", "five-thousand", func(v *vector) { v.path("/" + strings.Repeat("x", 5000)) }},
	{"R056", "nothing", func(v *vector) { v.inotify(0, nil) }},
	{"R056", "unknown-events", func(v *vector) { v.inotify(0x10000, nil) }},
	{"R056", "half-an-event", func(v *vector) { v.inotify(2, make([]byte, 15)) }},
	{"R056", "event-with-half-a-name", func(v *vector) { v.inotify(2, []byte{1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 'x'}) }},
	{"R056", "mark-of-nothing", func(v *vector) {
		m := format.FanotifyMark{File: format.FileRef{Path: "/tmp"}}
		v.open(format.OpenFile{ID: 43, Kind: format.FileFanotify, Fanotify: &format.Fanotify{Marks: []format.FanotifyMark{m}}})
	}},
	{"R057", "zero", func(v *vector) {
		v.open(format.OpenFile{ID: 43, Kind: format.FilePidfd, Flags: format.ORdWr, Pidfd: &format.Pidfd{}})
	}},
	{"R060", "short-settings", func(v *vector) { v.Image.Objects.Terminals[0].Settings = make([]byte, 36) }},
	{"R061", "foreign-group", func(v *vector) { v.Image.Objects.Terminals[0].Group = 102 }},
	{"R062", "foreign-session", func(v *vector) { v.Image.Objects.Processes[1].Terminal = idTerminal }},
	{"R063", "master", func(v *vector) { v.file(idTTY).TTY.Master = true }},
	{"R064", "negative", func(v *vector) { v.Image.Objects.Terminals[0].Group = -5 }},
	{"R070", "type-9", func(v *vector) { v.socket(43, format.UnixSocket{}); v.file(43).Unix.Type = 9 }},
	{"R070", "family-1", func(v *vector) {
		v.open(format.OpenFile{ID: 43, Kind: format.FileInet, Flags: format.ORdWr, Inet: &format.InetSocket{
			SocketCommon: format.SocketCommon{Type: 1}, Family: 1,
		}})
	}},
	{"R070", "long-name", func(v *vector) { v.socket(43, format.UnixSocket{Name: make([]byte, 109)}) }},
	{"R070", "protocol-77", func(v *vector) { v.socket(43, format.UnixSocket{}); v.file(43).Unix.Protocol = 77 }},
	{"R070", "negative-backlog", func(v *vector) { v.inet(func(n *format.InetSocket) { n.Backlog = -1 }) }},
	{"R070", "state-13", func(v *vector) { v.inet(func(n *format.InetSocket) { n.State = 13 }) }},
	{"R070", "address-of-another-family", func(v *vector) { v.inet(func(n *format.InetSocket) { n.Remote = make([]byte, 16) }) }},
	{"R070", "window-scale-15", func(v *vector) { v.inet(func(n *format.InetSocket) { n.TCP = &format.TCPState{SendScale: 15} }) }},
	{"R071", "peer-is-a-pipe", func(v *vector) { v.socket(43, format.UnixSocket{Peer: idPipeRead}) }},
	{"R072", "own-queue", func(v *vector) {
		v.socket(43, format.UnixSocket{Queue: []format.SocketMessage{{Data: []byte("x"), Files: []format.ObjectID{43}}}})
	}},
	{"R073", "one-way", func(v *vector) { v.socket(43, format.UnixSocket{Peer: 44}); v.socket(44, format.UnixSocket{}) }},
	{"R073", "two-types", func(v *vector) {
		v.socket(43, format.UnixSocket{Peer: 44})
		v.socket(44, format.UnixSocket{Peer: 43})
		v.file(44).Unix.Type = 5
	}},
	{"R074", "gone-and-there", func(v *vector) {
		v.socket(43, format.UnixSocket{Peer: 44, PeerGone: true})
		v.socket(44, format.UnixSocket{Peer: 43})
	}},
	{"R074", "listening-and-connected", func(v *vector) { v.listener(43, format.UnixSocket{PeerGone: true}) }},
	{"R074", "listening-without-a-name", func(v *vector) { v.listener(43, format.UnixSocket{}) }},
	{"R074", "listening-for-datagrams", func(v *vector) { v.listener(43, format.UnixSocket{}); v.file(43).Unix.Type = 2 }},
	{"R074", "waiting-nowhere", func(v *vector) {
		v.socket(43, format.UnixSocket{Pending: []format.ObjectID{44}})
		v.socket(44, format.UnixSocket{PeerGone: true})
	}},
	{"R074", "waiting-twice", func(v *vector) {
		v.listener(43, format.UnixSocket{Pending: []format.ObjectID{44, 44}})
		v.socket(44, format.UnixSocket{PeerGone: true})
	}},
	{"R074", "waiting-of-another-type", func(v *vector) {
		v.listener(43, format.UnixSocket{Pending: []format.ObjectID{44}})
		v.socket(44, format.UnixSocket{PeerGone: true})
		v.file(44).Unix.Type = 5
	}},
	{"R074", "waiting-and-listening", func(v *vector) {
		v.listener(43, format.UnixSocket{Pending: []format.ObjectID{44}})
		v.listener(44, format.UnixSocket{})
	}},
	{"R075", "too-many-files", func(v *vector) {
		files := make([]format.ObjectID, 254)
		for i := range files {
			files[i] = idPipeRead
		}
		v.socket(43, format.UnixSocket{PeerGone: true, Queue: []format.SocketMessage{{Data: []byte("x"), Files: files}}})
	}},
	{"R075", "empty", func(v *vector) { v.socket(43, format.UnixSocket{PeerGone: true, Queue: []format.SocketMessage{{}}}) }},
	{"R075", "long-sender", func(v *vector) {
		v.socket(43, format.UnixSocket{PeerGone: true, Queue: []format.SocketMessage{{Data: []byte("x"), From: make([]byte, 129)}}})
	}},
	{"R076", "nowhere", func(v *vector) { v.socket(43, format.UnixSocket{Name: []byte("app.sock")}) }},
	{"R076", "zero-byte", func(v *vector) { v.socket(43, format.UnixSocket{Name: []byte("/run/a\x00b")}) }},
	{"R077", "two-listeners", func(v *vector) {
		v.listener(43, format.UnixSocket{Name: []byte("/run/app.sock")})
		v.listener(44, format.UnixSocket{Name: []byte("/run/app.sock")})
	}},
	{"R077", "renamed-to-one-name", func(v *vector) {
		v.listener(43, format.UnixSocket{Name: []byte("/run/a"), Path: "/run/c"})
		v.listener(44, format.UnixSocket{Name: []byte("b"), Dir: "/run", Path: "/run/c"})
	}},
	{"R077", "abstract", func(v *vector) {
		v.listener(43, format.UnixSocket{Name: []byte("\x00app")})
		v.listener(44, format.UnixSocket{Name: []byte("\x00app")})
	}},
	{"R078", "option-999", func(v *vector) { v.option(999, 4) }},
	{"R078", "linger-of-4-bytes", func(v *vector) { v.option(13, 4) }},
	{"R079", "closed-end", func(v *vector) {
		v.socket(43, format.UnixSocket{Peer: 44})
		v.hidden(44, format.UnixSocket{Peer: 43})
	}},
	{"R019", "directory-of-a-socket", func(v *vector) { v.socket(43, format.UnixSocket{Name: []byte("a"), Dir: "run"}) }},
	{"R080", "unknown", func(v *vector) { v.namespaces(format.Namespace{ID: 80, Kind: "syslog"}) }},
	{"R081", "two-uts", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSUTS}, format.Namespace{ID: 81, Kind: format.NSUTS})
	}},
	{"R082", "pid-in-user", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSUser}, format.Namespace{ID: 81, Kind: format.NSPid, Parent: 80})
	}},
	{"R083", "itself", func(v *vector) { v.namespaces(format.Namespace{ID: 80, Kind: format.NSUser, Parent: 80}) }},
	{"R084", "seven-bytes", func(v *vector) { v.filter(format.SeccompFilter{ID: 85, Program: make([]byte, 7)}) }},
	{"R084", "empty", func(v *vector) { v.filter(format.SeccompFilter{ID: 85}) }},
	{"R084", "flags", func(v *vector) { v.filter(format.SeccompFilter{ID: 85, Program: make([]byte, 8), Flags: 1 << 31}) }},
	{"R085", "itself", func(v *vector) { v.filter(format.SeccompFilter{ID: 85, Previous: 85, Program: make([]byte, 8)}) }},
	{"R086", "outside", func(v *vector) {
		v.Image.Objects.Semaphores = []format.SysVSemaphores{{ID: 80, Values: []uint16{1, 2}, Undo: []format.SysVUndo{{Process: 100, Semaphore: 3}}}}
	}},
	{"R086", "by-nobody", func(v *vector) {
		v.Image.Objects.Semaphores = []format.SysVSemaphores{{ID: 80, Values: []uint16{1, 2}, Undo: []format.SysVUndo{{Semaphore: 1}}}}
	}},
	{"R087", "pid-namespace-with-a-name", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSPid, Host: true, HostName: "box"})
	}},
	{"R087", "ipc-namespace-with-mounts", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSIPC, Mounts: []format.Mount{{MountID: 1, Point: "/", Root: "/", Type: "ext4"}}})
	}},
	{"R089", "no-format", func(v *vector) { v.Image.Attachments = []format.Attachment{{Record: "x"}} }},
	{"R089", "role", func(v *vector) {
		v.Image.Attachments = []format.Attachment{{Format: "criu", Record: "x", Role: "important"}}
	}},
	{"R093", "long-host-name", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSUTS, HostName: strings.Repeat("x", 65)})
	}},
	{"R093", "ids-overlap", func(v *vector) {
		lines := []format.IDMap{{Inside: 0, Outside: 1000, Count: 10}, {Inside: 5, Outside: 2000, Count: 10}}
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSUser, Host: true, UIDMap: lines})
	}},
	{"R093", "ids-beyond-all", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSUser, Host: true, GIDMap: []format.IDMap{{Inside: 10, Count: noID}}})
	}},
	{"R093", "mount-twice", func(v *vector) {
		m := format.Mount{MountID: 7, ParentID: 1, Point: "/x", Root: "/", Type: "ext4"}
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSMount, Host: true, Mounts: []format.Mount{m, m}})
	}},
	{"R093", "interface-without-name", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSNet, Host: true, Links: []format.NetLink{{Index: 1}}})
	}},
	{"R093", "setting-above", func(v *vector) { v.setting("kernel/../../etc/passwd", "x") }},
	{"R093", "setting-that-is-no-number", func(v *vector) { v.setting("kernel.shmmni", "many") }},
	{"R093", "setting-too-great", func(v *vector) { v.setting("kernel.shm_rmid_forced", "2") }},
	{"R088", "nobodys-record", func(v *vector) { v.Image.Attachments = []format.Attachment{{Format: "criu", Record: "x", Task: 999}} }},
	{"R088", "nothings-record", func(v *vector) { v.Image.Attachments = []format.Attachment{{Format: "criu", Record: "x", Object: 999}} }},
}
