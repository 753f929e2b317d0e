package criu

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	ipc_desc "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-desc"
	ipc_msg "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-msg"
	ipc_sem "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-sem"
	ipc_shm "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-shm"
	ipc_var "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-var"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// sysv reads what is in the IPC namespaces of the image.
func (d *decoder) sysv() error {
	for _, f := range d.all(kIPCVar) {
		o := d.namespaceObject(d.ipcNamespace(f))
		if e, ok := entry[*ipc_var.IpcVarEntry](f); ok && o.ID != 0 {
			check(d, f, &f.records[0], e, ipcOddities)
			o.Sysctls = ipcSettings(e)
		}
	}
	for _, f := range d.all(kIPCShm) {
		if err := d.sysvMemory(f); err != nil {
			return err
		}
	}
	for _, f := range d.all(kIPCSem) {
		d.semaphores(f)
	}
	for _, f := range d.all(kIPCMsg) {
		d.messageQueues(f)
	}
	return nil
}

// ipcNamespace is the namespace that a file is about; zero if no process is in
// it.
func (d *decoder) ipcNamespace(f *file) format.ObjectID {
	if id, ok := d.namespaces[nsKey{format.NSIPC, uint32(f.id)}]; ok || d.inv.GetNsPerId() {
		return id
	}
	for _, key := range d.nsOrder { // the name has the number of the first process
		if key.kind == format.NSIPC && d.nsNumber(key) == f.id {
			return d.namespaces[key]
		}
	}
	return 0
}

func sysvKey(e *ipc_desc.IpcDescEntry, ns format.ObjectID) format.SysVKey {
	return format.SysVKey{
		Key: int32(e.GetKey()), Number: int32(e.GetId()), UID: e.GetUid(), GID: e.GetGid(), CUID: e.GetCuid(), CGID: e.GetCgid(),
		Mode: e.GetMode(), Namespace: ns,
	}
}

// sysvMemory reads segments of shared memory, whose contents stand behind the
// entry or in a pagemap.
func (d *decoder) sysvMemory(f *file) error {
	for i, e := range entries[*ipc_shm.IpcShmEntry](f) {
		r := &f.records[i]
		if e.GetSize() > 1<<62 {
			return fault(f, r, codec.Malformed, "segment of %d bytes", e.GetSize())
		}
		checkBits(d, f, r, e, segmentBits)
		key := sharedKey{uint64(e.GetDesc().GetId()), true}
		id, err := d.sharedMemory(key, format.SharedSysV, e.GetSize())
		if err != nil {
			return err
		}
		o := d.sharedObject(id)
		if o.SysV != nil {
			return fault(f, r, codec.Duplicate, "segment %d is there twice", e.GetDesc().GetId())
		}
		k := sysvKey(e.GetDesc(), d.ipcNamespace(f))
		o.SysV, o.Size = &k, e.GetSize()
		if !e.GetInPagemaps() && len(r.extra) > 0 {
			src := d.store.add(&pageFile{dir: d.dir, name: f.name})
			d.store.chunks[id] = []chunk{{0, min(e.GetSize(), uint64(len(r.extra))), src, r.extraAt}}
		}
	}
	return nil
}

func (d *decoder) semaphores(f *file) {
	for i, e := range entries[*ipc_sem.IpcSemEntry](f) {
		o := format.SysVSemaphores{ID: d.newID(), Key: sysvKey(e.GetDesc(), d.ipcNamespace(f))}
		for b := f.records[i].extra; len(o.Values) < int(e.GetNsems()); b = b[2:] {
			o.Values = append(o.Values, binary.LittleEndian.Uint16(b))
		}
		d.img.Objects.Semaphores = append(d.img.Objects.Semaphores, o)
	}
}

func (d *decoder) messageQueues(f *file) {
	var o *format.SysVMessages
	for i := range f.records {
		switch e := f.records[i].msg.(type) {
		case *ipc_msg.IpcMsgEntry:
			d.img.Objects.Messages = append(d.img.Objects.Messages, format.SysVMessages{
				ID: d.newID(), Key: sysvKey(e.GetDesc(), d.ipcNamespace(f)), MaxBytes: uint64(e.GetQbytes()),
			})
			o = &d.img.Objects.Messages[len(d.img.Objects.Messages)-1]
		case *ipc_msg.IpcMsg:
			o.Messages = append(o.Messages, format.SysVMessage{Type: int64(e.GetMtype()), Data: f.records[i].extra[:e.GetMsize()]})
		}
	}
}

// A setting is one of an IPC namespace: its name of sysctl(8), and where it stands;
// those that may be left out are pointers that may be nil.
type setting struct {
	name  string
	word  func(*ipc_var.IpcVarEntry) **uint32
	large func(*ipc_var.IpcVarEntry) **uint64
	// usually is what a new namespace has (include/uapi/linux/msg.h, shm.h; ipc/mqueue.c);
	// optional says that it may be left out.
	usually  uint64
	optional bool
}

var ipcTable = []setting{
	{name: "kernel.msgmax", usually: 8192, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.MsgCtlmax }},
	{name: "kernel.msgmnb", usually: 16384, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.MsgCtlmnb }},
	{name: "kernel.msgmni", usually: 32000, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.MsgCtlmni }},
	{name: "kernel.auto_msgmni", word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.AutoMsgmni }},
	{name: "kernel.shmmax", usually: math.MaxUint64 - 1<<24, large: func(e *ipc_var.IpcVarEntry) **uint64 { return &e.ShmCtlmax }},
	{name: "kernel.shmall", usually: math.MaxUint64 - 1<<24, large: func(e *ipc_var.IpcVarEntry) **uint64 { return &e.ShmCtlall }},
	{name: "kernel.shmmni", usually: 4096, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.ShmCtlmni }},
	{name: "kernel.shm_rmid_forced", word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.ShmRmidForced }},
	{name: "fs.mqueue.queues_max", usually: 256, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.MqQueuesMax }},
	{name: "fs.mqueue.msg_max", usually: 10, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.MqMsgMax }},
	{name: "fs.mqueue.msgsize_max", usually: 8192, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.MqMsgsizeMax }},
	{name: "fs.mqueue.msg_default", optional: true, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.MqMsgDefault }},
	{name: "fs.mqueue.msgsize_default", optional: true, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.MqMsgsizeDefault }},
	{name: "kernel.msg_next_id", optional: true, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.MsgNextId }},
	{name: "kernel.sem_next_id", optional: true, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.SemNextId }},
	{name: "kernel.shm_next_id", optional: true, word: func(e *ipc_var.IpcVarEntry) **uint32 { return &e.ShmNextId }},
}

// semName is the setting of semaphores, which has four numbers.
const semName = "kernel.sem"

// ipcSettings are the settings of an IPC namespace.
func ipcSettings(e *ipc_var.IpcVarEntry) []format.Sysctl {
	var out []format.Sysctl
	if len(e.GetSemCtls()) > 0 {
		var sem []string
		for _, v := range e.GetSemCtls() {
			sem = append(sem, utoa(uint64(v)))
		}
		out = append(out, format.Sysctl{Name: semName, Value: strings.Join(sem, "\t")})
	}
	for _, s := range ipcTable {
		if s.large != nil {
			if p := *s.large(e); p != nil {
				out = append(out, format.Sysctl{Name: s.name, Value: utoa(*p)})
			}
		} else if p := *s.word(e); p != nil {
			out = append(out, format.Sysctl{Name: s.name, Value: strconv.Itoa(int(int32(*p)))}) // -1 is an id that is not chosen
		}
	}
	return out
}

// ipcEntry is the entry of an IPC namespace with settings; those that are not given,
// or no number, are as the kernel has them in a new one. (An id that is not chosen
// is -1.)
func ipcEntry(list []format.Sysctl) *ipc_var.IpcVarEntry {
	given := map[string]string{}
	for _, s := range list {
		given[s.Name] = s.Value
	}
	e := &ipc_var.IpcVarEntry{SemCtls: []uint32{32000, 1024000000, 500, 32000}} // include/uapi/linux/sem.h
	for i, f := range strings.Fields(given[semName]) {
		if n, err := strconv.ParseUint(f, 10, 31); err == nil && i < len(e.SemCtls) {
			e.SemCtls[i] = uint32(n)
		}
	}
	for _, s := range ipcTable {
		v := s.usually
		n, err := strconv.ParseInt(given[s.name], 10, 64)
		big, bigErr := strconv.ParseUint(given[s.name], 10, 64)
		switch {
		case err == nil:
			v = uint64(n)
		case bigErr == nil:
			v = big
		case s.optional:
			continue
		}
		if s.large != nil {
			*s.large(e) = new(v)
		} else {
			*s.word(e) = new(uint32(v))
		}
	}
	return e
}
