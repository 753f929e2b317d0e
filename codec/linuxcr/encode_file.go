package linuxcr

import (
	"slices"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Mode bits of an open file (include/linux/fs.h of 2.6.33): read, write, seek,
// pread, pwrite.
const (
	fmodeRead  = 1
	fmodeWrite = 2
	fmodeSeek  = 4 | 8 | 16
)

// fileTable writes a file table: its record, then each descriptor after the file
// it stands for.
func (e *encoder) fileTable(t *format.Task) error {
	ft := e.idx.fileTables.get(t.Files)
	if ft == nil {
		return nil
	}
	ref := e.ref(ft.ID)
	return e.object(oFileTable, ref, func() error {
		var entries []format.FileEntry
		for _, entry := range ft.Entries {
			f := e.idx.files.get(entry.File)
			if f != nil && e.canOpen(f, entry.FD) {
				entries = append(entries, entry)
			}
		}
		b := e.blank(kFileTable)
		b.set(fCount, uint64(len(entries)))
		if err := e.put(kFileTable, uint32(ref), 0, b); err != nil {
			return err
		}
		var epolls []*format.OpenFile
		for _, entry := range entries {
			f := e.idx.files.get(entry.File)
			if f.Epoll != nil && !e.done.has(e.ref(f.ID)) {
				epolls = append(epolls, f)
			}
			if err := e.descriptor(uint32(ref), entry, f); err != nil {
				return err
			}
		}
		return e.watches(epolls)
	})
}

// descriptor writes a file, if it is new, and a descriptor for it.
func (e *encoder) descriptor(table uint32, entry format.FileEntry, f *format.OpenFile) error {
	if err := e.file(f); err != nil {
		return err
	}
	b := e.blank(kFileDesc)
	b.set(fRef, uint64(e.ref(f.ID)))
	b.set(fFD, uint64(entry.FD))
	if entry.CloseOnExec {
		b.set(fCloseOnExec, 1)
	}
	return e.put(kFileDesc, table, uint64(entry.FD), b)
}

// canOpen says whether a file can be written, and reports it lost if not.
func (e *encoder) canOpen(f *format.OpenFile, fd format.FD) bool {
	_, _, ok := fileShape(f)
	if !ok {
		e.losses.If(true, codec.LossFile, e.task.TID, f.ID, "descriptor %d, a file of kind %s", fd, f.Kind)
	}
	return ok
}

// fileShape is the type of a file and its path.
func fileShape(f *format.OpenFile) (typ uint64, path string, ok bool) {
	switch {
	case f.Regular != nil:
		return fileGeneric, f.Regular.File.Path, f.Regular.File.Deleted == 0
	case f.Directory != nil:
		return fileGeneric, f.Directory.File.Path, true
	case f.Device != nil:
		return fileGeneric, f.Device.File.Path, true
	case f.Pipe != nil && f.Kind == format.FilePipe:
		return filePipe, "", true
	case f.Pipe != nil:
		return fileFifo, "", true
	case f.Epoll != nil:
		return fileEpoll, "", true
	case f.Eventfd != nil:
		return fileEventfd, "", true
	}
	return 0, "", false
}

// file writes a FILE object.
func (e *encoder) file(f *format.OpenFile) error {
	ref := e.ref(f.ID)
	return e.object(oFile, ref, func() error {
		e.losses.If(f.Owner != nil || len(f.Locks) > 0, codec.LossFileState, 0, f.ID, "owner and locks of a file")
		typ, path, _ := fileShape(f)
		cred, err := e.fileCred(f.ID)
		if err != nil {
			return err
		}
		b := e.blankWith(kFile, fileTails[uint32(typ)])
		b.fill(map[field]uint64{
			fKind: typ, fMode: fileMode(f), fFlags: uint64(f.Flags), fPos: uint64(f.Pos), fCredRef: uint64(cred),
		})
		if f.Eventfd != nil {
			e.d.order.PutUint64(b.rest(), f.Eventfd.Count)
			if f.Eventfd.Semaphore {
				e.d.order.PutUint32(b.rest()[8:], eventfdSemaphore)
			}
		}
		if f.Pipe != nil {
			e.d.order.PutUint32(b.rest(), uint32(e.ref(f.Pipe.Buffer)))
		}
		if err := e.put(kFile, uint32(ref), 0, b); err != nil {
			return err
		}
		if f.Pipe != nil {
			return e.pipe(uint32(ref), f)
		}
		if typ != fileGeneric {
			return nil
		}
		return e.name(uint32(ref), 0, path)
	})
}

// fileMode is a file's mode by its flags and kind.
func fileMode(f *format.OpenFile) uint64 {
	mode := uint64(0)
	if f.Readable() {
		mode |= fmodeRead
	}
	if f.Writable() {
		mode |= fmodeWrite
	}
	if f.Pipe == nil {
		mode |= fmodeSeek
	}
	return mode
}

// fileCred writes the credentials a file was opened with, those of the task that
// has it where nothing else is known, and gives their number.
func (e *encoder) fileCred(id format.ObjectID) (int32, error) {
	cred, ok := e.left.find(linkFileCred, uint32(id), 0)
	if !ok {
		cred = e.task.Creds
	}
	if err := e.cred(cred); err != nil {
		return 0, err
	}
	return e.ref(cred), nil
}

// name writes a path.
func (e *encoder) name(owner uint32, index uint64, path string) error {
	return e.putBytes(kFileName, owner, index, append([]byte(path), 0))
}

// pipe writes the name of a fifo and, with the first end, what is in the pipe.
func (e *encoder) pipe(file uint32, f *format.OpenFile) error {
	buf := e.idx.pipes.get(f.Pipe.Buffer)
	if f.Kind == format.FileFifo {
		path := ""
		if buf != nil {
			path = buf.Fifo.Path
		}
		if err := e.name(file, 0, path); err != nil {
			return err
		}
	}
	ref := e.ref(f.Pipe.Buffer)
	if e.done.has(ref) {
		return nil
	}
	e.done.add(ref)
	var data []byte
	if buf != nil {
		data = slices.Clone(buf.Data)
		e.losses.If(len(buf.Packets) > 0, codec.LossFileState, 0, buf.ID, "packets of a pipe")
		e.losses.If(buf.Capacity != 0 && buf.Capacity != pipeCapacity, codec.LossFileState, 0, buf.ID, "the capacity of a pipe, %d bytes", buf.Capacity)
		e.losses.If(len(data) > pipeCapacity, codec.LossFileState, 0, buf.ID, "a pipe of %d bytes is written, but the historic kernel refuses it", len(data))
	}
	return e.putBytes(kPipeBuf, uint32(ref), 0, data)
}

// watches writes what epoll instances watch, after the table's descriptors.
func (e *encoder) watches(list []*format.OpenFile) error {
	for _, f := range list {
		var items []byte
		n := uint64(0)
		for _, w := range f.Epoll.Watches {
			if ref := e.ref(w.File); !e.done.has(ref) {
				e.losses.Add(codec.LossWatch, e.task.TID, f.ID, "watch of descriptor %d", w.FD)
				continue
			}
			items = e.d.order.AppendUint64(items, w.Data)
			for _, v := range []uint32{uint32(w.FD), uint32(e.ref(w.File)), w.Events, 0} {
				items = e.d.order.AppendUint32(items, v)
			}
			n++
		}
		ref := e.ref(f.ID)
		b := e.blank(kEpollItems)
		b.fill(map[field]uint64{fRef: uint64(ref), fCount: n})
		if err := e.put(kEpollItems, uint32(ref), 0, b); err != nil {
			return err
		}
		if err := e.putBytes(kBuffer, uint32(ref), 0, items); err != nil {
			return err
		}
	}
	return nil
}

// mappedFile writes the file behind a mapping and gives its number: an open
// description if the image says so, else a file that only mappings have, one for
// each path.
func (e *encoder) mappedFile(k linkKind, mm format.ObjectID, index uint64, f *format.FileRef) (int32, error) {
	if f.Path == "" {
		return 0, nil
	}
	e.losses.If(f.Deleted != 0, codec.LossDeleted, 0, mm, "mapping of deleted file %q", f.Path)
	ref := e.makeRef(k, mm, index, madeKey{kind: oFile, text: f.Path})
	if open := e.idx.files.get(format.ObjectID(ref)); open != nil && e.left != nil {
		return ref, e.file(open)
	}
	return ref, e.object(oFile, ref, func() error {
		cred, err := e.fileCred(format.ObjectID(ref))
		if err != nil {
			return err
		}
		path := f.Path
		b := e.blank(kFile)
		b.fill(map[field]uint64{
			fKind: fileGeneric, fMode: fmodeRead | fmodeSeek, fFlags: uint64(format.OLargeFile), fCredRef: uint64(cred),
		})
		if kept := e.kept[format.ObjectID(ref)]; kept != nil && kept.kind == kFile && len(kept.raw) == len(b.p) {
			path = kept.path
			copy(b.p, kept.raw)
		}
		if err := e.put(kFile, uint32(ref), 0, b); err != nil {
			return err
		}
		return e.name(uint32(ref), 0, path)
	})
}

// fs writes working directory and root.
func (e *encoder) fs(t *format.Task) error {
	fs := e.idx.fs.get(t.FS)
	if fs == nil {
		return nil
	}
	ref := e.ref(fs.ID)
	return e.object(oFS, ref, func() error {
		b := e.blank(kFS)
		e.losses.If(!b.set(fUmask, uint64(fs.Umask)) && fs.Umask != 0o022, codec.LossUmask, 0, fs.ID, "file mode creation mask %#o", fs.Umask)
		if err := e.put(kFS, uint32(ref), 0, b); err != nil {
			return err
		}
		if err := e.name(uint32(ref), 0, fs.Cwd); err != nil {
			return err
		}
		return e.name(uint32(ref), 1, fs.Root)
	})
}
