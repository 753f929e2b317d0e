package criu

import (
	"encoding/binary"
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
	return d.namespaces[nsKey{format.NSIPC, uint32(f.id)}]
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

// ipcSettings are the settings of an IPC namespace, by the names of sysctl(8).
func ipcSettings(e *ipc_var.IpcVarEntry) []format.Sysctl {
	var out []format.Sysctl
	if len(e.GetSemCtls()) > 0 {
		var sem strings.Builder
		for i, v := range e.GetSemCtls() {
			if i > 0 {
				sem.WriteString("\t")
			}
			sem.WriteString(utoa(uint64(v)))
		}
		out = append(out, format.Sysctl{Name: "kernel.sem", Value: sem.String()})
	}
	number := func(name string, v uint64) {
		out = append(out, format.Sysctl{Name: name, Value: utoa(v)})
	}
	number("kernel.msgmax", uint64(e.GetMsgCtlmax()))
	number("kernel.msgmnb", uint64(e.GetMsgCtlmnb()))
	number("kernel.msgmni", uint64(e.GetMsgCtlmni()))
	number("kernel.auto_msgmni", uint64(e.GetAutoMsgmni()))
	number("kernel.shmmax", e.GetShmCtlmax())
	number("kernel.shmall", e.GetShmCtlall())
	number("kernel.shmmni", uint64(e.GetShmCtlmni()))
	number("kernel.shm_rmid_forced", uint64(e.GetShmRmidForced()))
	number("fs.mqueue.queues_max", uint64(e.GetMqQueuesMax()))
	number("fs.mqueue.msg_max", uint64(e.GetMqMsgMax()))
	number("fs.mqueue.msgsize_max", uint64(e.GetMqMsgsizeMax()))
	for _, o := range []struct {
		name string
		v    *uint32
	}{
		{"fs.mqueue.msg_default", e.MqMsgDefault},
		{"fs.mqueue.msgsize_default", e.MqMsgsizeDefault},
		{"kernel.msg_next_id", e.MsgNextId},
		{"kernel.sem_next_id", e.SemNextId},
		{"kernel.shm_next_id", e.ShmNextId},
	} {
		if o.v != nil {
			number(o.name, uint64(*o.v))
		}
	}
	return out
}
