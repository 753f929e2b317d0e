package criu

import (
	"encoding/binary"
	"fmt"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/eventfd"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/eventpoll"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fifo"
	file_lock "github.com/checkpoint-restore/go-criu/v8/crit/images/file-lock"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fown"
	ghost_file "github.com/checkpoint-restore/go-criu/v8/crit/images/ghost-file"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/memfd"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pidfd"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pipe"
	pipe_data "github.com/checkpoint-restore/go-criu/v8/crit/images/pipe-data"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/regfile"
	remap_file_path "github.com/checkpoint-restore/go-criu/v8/crit/images/remap-file-path"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/signalfd"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/timerfd"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

func (e *encoder) newFile() uint32 { e.lastFile++; return e.lastFile }

// add puts an entry of an open file onto the list.
func (e *encoder) add(t fdinfo.FdTypes, id uint32, m *fdinfo.FileEntry) {
	m.Type, m.Id = t.Enum(), new(id)
	e.files = append(e.files, one(m))
}

// fown says who gets signals about a file.
func fownEntry(o *format.FileOwner) *fown.FownEntry {
	if o == nil {
		o = &format.FileOwner{}
	}
	return &fown.FownEntry{
		Uid: new(o.UID), Euid: new(o.EUID), Signum: new(uint32(o.Signal)),
		PidType: new(uint32(o.Type)), Pid: new(uint32(o.PID)),
	}
}

// regEntry is the entry of a file with a path.
func (e *encoder) regEntry(id uint32, ref format.FileRef, flags uint32, pos int64, owner *format.FileOwner) *regfile.RegFileEntry {
	m := &regfile.RegFileEntry{
		Id: new(id), Flags: new(flags), Pos: new(uint64(pos)), Fown: fownEntry(owner), Name: new(ref.Path),
	}
	if ref.Mode != 0 {
		m.Mode = new(ref.Mode)
	}
	if t := ref.Mode & modeType; t != modeDir && t != modeChar && t != modeBlk {
		m.Size = new(ref.Size)
	}
	for b := ref.BuildID; len(b) > 0; {
		var w [4]byte
		b = b[copy(w[:], b):]
		m.BuildId = append(m.BuildId, binary.LittleEndian.Uint32(w[:]))
	}
	if ref.Deleted != 0 {
		e.remap(id, ref.Deleted)
	}
	return m
}

// fileRef gives the number of a file that is used by its path: a program, a
// mapping, a directory.
func (e *encoder) fileRef(ref format.FileRef) uint32 {
	key := fmt.Sprintf("%s\x00%d\x00%d\x00%x\x00%d", ref.Path, ref.Size, ref.Mode, ref.BuildID, ref.Deleted)
	if id, ok := e.refs[key]; ok {
		return id
	}
	id := e.newFile()
	e.refs[key] = id
	e.add(fdinfo.FdTypes_REG, id, &fdinfo.FileEntry{Reg: e.regEntry(id, ref, format.ORdOnly, 0, nil)})
	return id
}

// remap says where a file is whose name is gone.
func (e *encoder) remap(id uint32, deleted format.ObjectID) {
	o := e.ix.Deleted(deleted)
	if o == nil {
		return
	}
	m := &remap_file_path.RemapFilePathEntry{OrigId: new(id)}
	if o.Link != "" {
		m.RemapType = remap_file_path.RemapType_LINKED.Enum()
		m.RemapId = new(e.fileRef(format.FileRef{Path: o.Link}))
	} else {
		n, ok := e.ghosts[deleted]
		if !ok {
			n = uint32(len(e.ghosts)) + 1
			e.ghosts[deleted] = n
		}
		m.RemapType, m.RemapId = remap_file_path.RemapType_GHOST.Enum(), new(n)
	}
	e.remaps = append(e.remaps, one(m))
}

// openFile gives the number and type of an open file; false for a kind that CRIU
// does not have, or that the model does not hold in full.
func (e *encoder) openFile(f *format.OpenFile) (uint32, fdinfo.FdTypes, bool) {
	typ, ok := typeOf(f)
	if !ok {
		return 0, 0, false
	}
	if id, ok := e.opened[f.ID]; ok {
		return id, typ, true
	}
	id := e.newFile()
	e.opened[f.ID] = id
	m := &fdinfo.FileEntry{}
	e.fill(m, id, f)
	e.add(typ, id, m)
	return id, typ, true
}

// types are CRIU's types of the kinds that are written.
var types = map[format.FileKind]fdinfo.FdTypes{
	format.FileRegular: fdinfo.FdTypes_REG, format.FileDirectory: fdinfo.FdTypes_REG, format.FileDevice: fdinfo.FdTypes_REG,
	format.FilePipe: fdinfo.FdTypes_PIPE, format.FileFifo: fdinfo.FdTypes_FIFO, format.FileMemfd: fdinfo.FdTypes_MEMFD,
	format.FileEventfd: fdinfo.FdTypes_EVENTFD, format.FileEpoll: fdinfo.FdTypes_EVENTPOLL, format.FileTimerfd: fdinfo.FdTypes_TIMERFD,
	format.FileSignalfd: fdinfo.FdTypes_SIGNALFD, format.FileTTY: fdinfo.FdTypes_TTY, format.FileUnix: fdinfo.FdTypes_UNIXSK,
	format.FileInet: fdinfo.FdTypes_INETSK, format.FilePidfd: fdinfo.FdTypes_PIDFD,
}

func typeOf(f *format.OpenFile) (fdinfo.FdTypes, bool) {
	t, ok := types[f.Kind]
	if f.Inet != nil && f.Inet.TCP != nil {
		return t, false // its queues and sequence numbers are not written
	}
	return t, ok
}

// fill makes the part of an entry that its type names.
func (e *encoder) fill(m *fdinfo.FileEntry, id uint32, f *format.OpenFile) {
	own, n, flags := fownEntry(f.Owner), new(id), new(f.Flags)
	switch {
	case f.Regular != nil:
		m.Reg = e.regEntry(id, f.Regular.File, f.Flags, f.Pos, f.Owner)
	case f.Directory != nil:
		m.Reg = e.regEntry(id, f.Directory.File, f.Flags, f.Pos, f.Owner)
	case f.Device != nil:
		m.Reg = e.regEntry(id, f.Device.File, f.Flags, f.Pos, f.Owner)
	case f.Pipe != nil && f.Kind == format.FileFifo:
		m.Fifo = e.fifoEntry(id, f)
	case f.Pipe != nil:
		m.Pipe = &pipe.PipeEntry{Id: n, PipeId: new(e.pipeBuffer(f.Pipe.Buffer, false)), Flags: flags, Fown: own}
	case f.Memfd != nil:
		m.Memfd = &memfd.MemfdFileEntry{Id: n, Flags: flags, Pos: new(uint64(f.Pos)), Fown: own, InodeId: new(e.memfdInode(f.Memfd.Shared))}
	case f.Eventfd != nil:
		e.losses.If(f.Eventfd.Semaphore, codec.LossFileState, 0, f.ID, "EFD_SEMAPHORE of an eventfd")
		m.Efd = &eventfd.EventfdFileEntry{Id: n, Flags: flags, Fown: own, Counter: new(f.Eventfd.Count)}
	case f.Epoll != nil:
		m.Epfd = e.epollEntry(id, f)
	case f.Timerfd != nil:
		m.Tfd = timerfdEntry(id, f)
	case f.Signalfd != nil:
		m.Sgfd = &signalfd.SignalfdEntry{Id: n, Flags: flags, Fown: own, Sigmask: new(uint64(f.Signalfd.Mask))}
	case f.TTY != nil:
		m.Tty = e.ttyEntry(id, f)
	case f.Unix != nil:
		m.Usk = e.unixEntry(id, f)
	case f.Inet != nil:
		e.losses.If(f.Inet.TCP != nil || len(f.Inet.Receive)+len(f.Inet.Send) > 0, codec.LossFileState, 0, f.ID, "state and queues of an internet socket")
		m.Isk = e.inetEntry(id, f)
	case f.Pidfd != nil:
		e.losses.If(f.Pidfd.Thread, codec.LossFileState, 0, f.ID, "PIDFD_THREAD of a pidfd")
		m.Pidfd = &pidfd.PidfdEntry{Id: n, Ino: new(uint32(f.Pidfd.PID)), Flags: flags, Nspid: new(int32(f.Pidfd.PID)), Fown: own}
	}
}

func timerfdEntry(id uint32, f *format.OpenFile) *timerfd.TimerfdEntry {
	t, u := f.Timerfd, proto.Uint64
	return &timerfd.TimerfdEntry{
		Id: new(id), Flags: new(f.Flags), Fown: fownEntry(f.Owner), Clockid: new(uint32(t.Clock)), Ticks: u(t.Ticks),
		SettimeFlags: new(t.SetFlags), Vsec: u(t.Remaining / 1e9), Vnsec: u(t.Remaining % 1e9), Isec: u(t.Interval / 1e9), Insec: u(t.Interval % 1e9),
	}
}

func (e *encoder) epollEntry(id uint32, f *format.OpenFile) *eventpoll.EventpollFileEntry {
	m := &eventpoll.EventpollFileEntry{Id: new(id), Flags: new(f.Flags), Fown: fownEntry(f.Owner)}
	for _, w := range f.Epoll.Watches {
		m.Tfd = append(m.Tfd, &eventpoll.EventpollTfdEntry{
			Id: new(id), Tfd: new(uint32(w.FD)), Events: new(w.Events), Data: new(w.Data),
		})
	}
	return m
}

func (e *encoder) fifoEntry(id uint32, f *format.OpenFile) *fifo.FifoEntry {
	m := &fifo.FifoEntry{Id: new(id), PipeId: new(e.pipeBuffer(f.Pipe.Buffer, true))}
	if b := e.ix.Pipe(f.Pipe.Buffer); b != nil {
		reg := e.newFile()
		e.add(fdinfo.FdTypes_REG, reg, &fdinfo.FileEntry{Reg: e.regEntry(reg, b.Fifo, f.Flags, f.Pos, f.Owner)})
		m.RegfId = new(reg)
	}
	return m
}

// pipeBuffer gives a pipe's number, and writes what is in it once.
func (e *encoder) pipeBuffer(id format.ObjectID, isFifo bool) uint32 {
	n, fresh := e.number("pipe", id, 1)
	b := e.ix.Pipe(id)
	if !fresh || b == nil {
		return n
	}
	e.losses.If(len(b.Packets) > 0, codec.LossFileState, 0, id, "packets of a pipe")
	m := &pipe_data.PipeDataEntry{PipeId: new(n), Bytes: new(uint32(len(b.Data)))}
	if b.Capacity != 0 {
		m.Size = new(b.Capacity)
	}
	r := outRecord{m, b.Data}
	if isFifo {
		e.fifos = append(e.fifos, r)
	} else {
		e.pipes = append(e.pipes, r)
	}
	return n
}

// memfdInode gives the number of a memfd's memory.
func (e *encoder) memfdInode(id format.ObjectID) uint32 {
	n, fresh := e.number("memfd", id, 1)
	o := e.ix.Shared(id)
	if !fresh || o == nil {
		return n
	}
	m := &memfd.MemfdInodeEntry{
		Name: new(o.Name), Uid: new(o.UID), Gid: new(o.GID), Size: new(o.Size),
		Shmid: new(uint32(e.shmids[id])), Seals: new(o.Seals), InodeId: new(uint64(n)),
	}
	if o.Mode != 0 {
		m.Mode = new(o.Mode)
	}
	if huge := o.MemfdFlags &^ memfdCommon; huge != 0 {
		m.HugetlbFlag = new(huge)
	}
	e.memfds = append(e.memfds, one(m))
	return n
}

// memfdCommon are the flags of memfd_create(2) that other fields tell.
const memfdCommon = memfdAllowSealing | 1

// mappedMemfd gives the number of an open file through which a memfd is mapped.
func (e *encoder) mappedMemfd(o *format.SharedMemory) uint32 {
	key := fmt.Sprintf("memfd %d", o.ID)
	if id, ok := e.refs[key]; ok {
		return id
	}
	id := e.newFile()
	e.refs[key] = id
	e.add(fdinfo.FdTypes_MEMFD, id, &fdinfo.FileEntry{Memfd: &memfd.MemfdFileEntry{
		Id: new(id), Flags: proto.Uint32(format.ORdWr), Pos: proto.Uint64(0), Fown: fownEntry(nil), InodeId: new(e.memfdInode(o.ID)),
	}})
	return id
}

// lockFlags are the kinds of locks as CRIU numbers them.
var lockFlags = map[string]uint32{"posix": 1, "flock": 2, "lease": 32, "ofd": 1024}

// fileLocks writes the locks of an open file once, as of the process that holds
// them.
func (e *encoder) fileLocks(t *format.Task, fd format.FileEntry, f *format.OpenFile) {
	if e.locked[f.ID] {
		return
	}
	e.locked[f.ID] = true
	for _, l := range f.Locks {
		m := &file_lock.FileLockEntry{
			Flag: new(lockFlags[l.Type]), Type: proto.Uint32(0), Pid: new(int32(t.TGID)), Fd: new(int32(fd.FD)),
			Start: new(int64(l.Start)), Len: proto.Int64(0),
		}
		if l.Write {
			m.Type = proto.Uint32(lockWrite)
		}
		if l.End != format.Unlimited {
			m.Len = new(int64(l.End - l.Start + 1))
		}
		e.locks = append(e.locks, one(m))
	}
}

// openFiles writes what was gathered about open files.
func (e *encoder) openFiles() error {
	for _, f := range []struct {
		prefix  string
		records []outRecord
	}{
		{kFiles, e.files},
		{kRemap, e.remaps},
		{kPipesData, e.pipes},
		{kFifoData, e.fifos},
		{kMemfd, e.memfds},
		{kQueues, e.queues},
		{kTTYInfo, e.ttyInfo},
		{kLocks, e.locks},
	} {
		if len(f.records) == 0 && f.prefix != kFiles {
			continue
		}
		if err := e.file(f.prefix, 0, f.records...); err != nil {
			return err
		}
	}
	for i := range e.img.Objects.Deleted {
		o := &e.img.Objects.Deleted[i]
		if n, ok := e.ghosts[o.ID]; ok {
			if err := e.ghost(n, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// ghost writes the contents of a file without a name, in pieces: what is in no
// piece is a hole.
func (e *encoder) ghost(n uint32, d *format.DeletedFile) error {
	k := kindNamed(kGhost)
	o, err := create(e.dst, k.name(uint64(n)))
	if err != nil {
		return err
	}
	o.magic(k)
	o.record(&ghost_file.GhostFileEntry{
		Uid: new(d.UID), Gid: new(d.GID), Mode: new(d.Mode), Chunks: new(true), Size: new(d.Size),
	})
	if e.img.Pages == nil {
		return o.done()
	}
	for r, err := range e.img.Pages.Runs(e.ctx, d.ID) {
		off := uint64(r.First.Addr())
		if err != nil || o.err != nil || off >= d.Size {
			o.err = firstError(o.err, err)
			break
		}
		size := min(uint64(r.End().Addr()), d.Size) - off
		if r.Zero {
			continue
		}
		o.record(&ghost_file.GhostChunkEntry{Len: new(size), Off: new(off)})
		if o.err == nil {
			o.err = copyBytes(e.ctx, o, e.img.Pages, d.ID, off, size)
		}
	}
	return o.done()
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
