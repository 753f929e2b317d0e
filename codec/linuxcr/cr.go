package linuxcr

import (
	"bytes"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// oldHeader reads the header of the cr era, which has the strings in it.
func (d *decoder) oldHeader() error {
	b, err := d.record(kHeader)
	if err != nil {
		return err
	}
	d.img.Provenance.Time = nanoseconds(b.u(fTime))
	d.img.Provenance.Kernel = strings.Clone(text(b.bytes(fRelease)))
	d.constants(b)
	d.head.xstate = fxsaveSize
	if d.gen == A1 {
		return nil
	}
	return d.headerArch()
}

// oldTree reads the tree of A3. A1 and A2 have one task, whose number is in the
// header of its record.
func (d *decoder) oldTree() error {
	d.warn("the generation records no process groups, sessions, credentials, signals or working directories")
	if d.gen == A3 {
		return d.treeRecord()
	}
	h, err := d.peek()
	if err != nil {
		return err
	}
	pid := format.PID(h.owner)
	d.tree = []treeEntry{{pid: pid, tgid: pid}}
	d.img.Root = pid
	return nil
}

// oldSections reads the tasks of the cr era.
func (d *decoder) oldSections() error {
	d.img.Tasks = make([]format.Task, len(d.tree))
	if err := d.charge(len(d.tree) * 512); err != nil {
		return err
	}
	for i := range d.tree {
		t := &d.img.Tasks[i]
		d.section = section{task: t}
		if err := d.beginTask(d.tree[i]); err != nil {
			return err
		}
		if t.State.Dead() {
			continue
		}
		if err := d.oldTask(); err != nil {
			return err
		}
	}
	d.section.task = nil
	return nil
}

// oldReaders read the records of a task of the cr era.
var oldReaders = map[kind]func(*decoder, body) error{
	kMM: (*decoder).oldMemory, kFileTable: (*decoder).oldFiles, kThread: (*decoder).oldThread, kCPU: (*decoder).oldCPU,
}

func (d *decoder) oldTask() error {
	for {
		h, err := d.peek()
		if err != nil {
			return err
		}
		if h.kind == kTask || h.kind == kTail {
			return d.complete(h)
		}
		read := oldReaders[h.kind]
		if read == nil {
			return d.misplaced(h, "a record of task "+pidText(d.section.task.TID))
		}
		if err := d.takeOnce(h); err != nil {
			return err
		}
		b, err := d.body(h)
		if err != nil {
			return err
		}
		if err := read(d, b); err != nil {
			return err
		}
	}
}

// oldThread takes the TLS array that stands after a THREAD record.
func (d *decoder) oldThread(b body) error {
	n := int64(b.u(fTLSCount))
	if n == 0 {
		return nil
	}
	size := int64(b.u(fTLSSize))
	p, err := d.rawBytes("THREAD table", size)
	if err != nil {
		return err
	}
	return d.tls(p)
}

// oldCPU reads the CPU record of A1 to B1, and the floating point state that
// stands after it or, in A1, in it.
func (d *decoder) oldCPU(b body) error {
	used := b.u(fUsedMath) != 0
	var inside []byte
	if d.gen == A1 {
		inside = bytes.Clone(b.p[b.size-b.head:])
	}
	if err := d.cpu(b); err != nil || !used {
		return err
	}
	if d.gen == A1 {
		return d.floatState(inside)
	}
	p, err := d.rawBytes("CPU floating point state", int64(d.head.xstate))
	if err != nil {
		return err
	}
	return d.floatState(p)
}

// oldMemory reads an MM record of the cr era and its areas.
func (d *decoder) oldMemory(b body) error {
	mm := format.AddressSpace{ID: d.freshID(), Dumpable: 1}
	for i, p := range landmarkOf(&mm) {
		*p = format.Addr(b.u(landmarks[i]))
	}
	count := int64(b.u32(fCount))
	if count > d.lim.Elements {
		return d.fault(codec.TooLarge, "MM record", b.at, "%d memory areas, limit %d", count, d.lim.Elements)
	}
	for range count {
		if err := d.oldVMA(&mm); err != nil {
			return err
		}
	}
	if err := d.mmContext(&mm); err != nil {
		return err
	}
	d.section.task.Memory = mm.ID
	d.img.Objects.Memories = append(d.img.Objects.Memories, mm)
	return d.charge(512)
}

// Types of memory areas in the cr era.
const (
	oldAnon = 1
	oldFile = 2
)

func (d *decoder) oldVMA(mm *format.AddressSpace) error {
	b, err := d.record(kVMA)
	if err != nil {
		return err
	}
	if err := d.charge(256); err != nil {
		return err
	}
	flags, kind, pgoff := b.u(fFlags), b.u32(fKind), b.u(fPgoff)
	v := format.VMA{Start: format.Addr(b.u(fStart)), End: format.Addr(b.u(fEnd)), Prot: format.Prot(flags & 7)}
	if v.Start >= v.End || v.Start%pageSize != 0 || v.End%pageSize != 0 || pgoff >= 1<<52 {
		return d.fault(codec.Malformed, "VMA record", b.at, "memory from %s to %s, offset %#x", v.Start, v.End, pgoff)
	}
	for _, f := range vmFlags {
		if flags&f.theirs != 0 {
			v.Flags |= f.ours
		}
	}
	switch kind {
	case oldAnon:
		v.Kind = anonKind(mm, &v)
	case oldFile:
		v.Kind, v.Offset = format.VMAFile, pgoff*pageSize
		v.SharedMap = flags&vmShared != 0
		if v.File.Path, err = d.path(); err != nil {
			return err
		}
	default:
		return d.fault(codec.Malformed, "VMA record", b.at, "memory area of type %d", kind)
	}
	if err := d.private(mm, &v); err != nil {
		return err
	}
	mm.VMAs = append(mm.VMAs, v)
	return nil
}

// oldFiles reads a FILES record, its descriptors and their files.
func (d *decoder) oldFiles(b body) error {
	t := format.FileTable{ID: d.freshID()}
	n := int64(b.u32(fCount))
	if n > d.lim.Elements {
		return d.fault(codec.TooLarge, "FILE_TABLE record", b.at, "%d descriptors", n)
	}
	for range n {
		b, err := d.record(kFileDesc)
		if err != nil {
			return err
		}
		ref, fd, cloexec := b.i32(fRef), format.FD(b.i32(fFD)), b.u(fCloseOnExec) != 0
		at := header{kind: kFileDesc, at: b.at}
		if k := len(t.Entries); fd < 0 || k > 0 && t.Entries[k-1].FD >= fd {
			return d.fault(codec.Malformed, at.name(), at.at, "descriptor %d out of order", fd)
		}
		if _, known := d.files[format.ObjectID(ref)]; !known {
			if err := d.oldFile(at, ref); err != nil {
				return err
			}
		}
		t.Entries = append(t.Entries, format.FileEntry{FD: fd, File: format.ObjectID(ref), CloseOnExec: cloexec})
		if err := d.charge(32); err != nil {
			return err
		}
	}
	d.section.task.Files = t.ID
	d.img.Objects.FileTables = append(d.img.Objects.FileTables, t)
	return nil
}

// oldFile reads the FD_DATA record of a file that is met for the first time.
func (d *decoder) oldFile(at header, ref int32) error {
	if err := d.define(at, ref, oFile); err != nil {
		return err
	}
	b, err := d.record(kFile)
	if err != nil {
		return err
	}
	f := format.OpenFile{ID: format.ObjectID(ref), Flags: b.u32(fFlags) &^ notInFlags, Pos: int64(b.u(fPos))}
	if b.u(fKind) == oldDirectory {
		f.Flags |= format.ODirectory
	}
	path, err := d.path()
	if err != nil {
		return err
	}
	d.named(&f, path)
	d.files[f.ID] = &fileNote{path: path, used: true, model: f}
	return d.charge(512)
}

// oldDirectory is the type of a directory in FD_DATA.
const oldDirectory = 2
