package linuxcr

import (
	"bytes"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Types of files (fact sheet, 4.14).
const (
	fileIgnore = iota
	fileGeneric
	filePipe
	fileFifo
	fileSocket
	fileTTY
	fileEpoll
	fileEventfd
)

// fileNote is what mappings need to know of a file.
type fileNote struct {
	path string
	// raw is the record, kept for a file that only mappings use, and used says
	// that a descriptor has it.
	raw  []byte
	used bool
	// model is the description.
	model format.OpenFile
}

// notInFlags are flags of open(2) that a description does not keep: create,
// exclusive, no controlling terminal, truncate.
const notInFlags = 0o100 | 0o200 | 0o400 | 0o1000

// fileTable reads a FILE_TABLE object and its descriptors.
func (d *decoder) fileTable(id format.ObjectID) error {
	b, err := d.record(kFileTable)
	if err != nil {
		return err
	}
	n := int64(b.i32(fCount))
	if n < 0 || n > d.lim.Elements {
		return d.fault(codec.TooLarge, "FILE_TABLE record", b.at, "%d descriptors", n)
	}
	t := format.FileTable{ID: id}
	for range n {
		b, err := d.record(kFileDesc)
		if err != nil {
			return err
		}
		file, err := d.ref(b, fRef, oFile)
		if err != nil {
			return err
		}
		e := format.FileEntry{FD: format.FD(b.i32(fFD)), File: file, CloseOnExec: b.u(fCloseOnExec) != 0}
		switch k := len(t.Entries); {
		case file == 0:
			return d.fault(codec.Missing, "FILE_DESC record", b.at, "descriptor %d has no file", e.FD)
		case e.FD < 0 || k > 0 && t.Entries[k-1].FD >= e.FD:
			return d.fault(codec.Malformed, "FILE_DESC record", b.at, "descriptor %d out of order", e.FD)
		}
		d.files[file].used = true
		t.Entries = append(t.Entries, e)
		if err := d.charge(24); err != nil {
			return err
		}
	}
	d.img.Objects.FileTables = append(d.img.Objects.FileTables, t)
	return d.charge(64)
}

// file reads a FILE object.
func (d *decoder) file(id format.ObjectID) error {
	h, b, err := d.headed(kFile)
	if err != nil {
		return err
	}
	if err := d.charge(512 + len(b.p)); err != nil {
		return err
	}
	f := format.OpenFile{ID: id, Flags: b.u32(fFlags), Pos: int64(b.u(fPos))}
	if f.Flags&notInFlags != 0 {
		return d.fault(codec.Malformed, h.name(), h.at, "open flags %#o, of which %#o no open file has", f.Flags, f.Flags&notInFlags)
	}
	cred, err := d.ref(b, fCredRef, oCred)
	if err != nil {
		return err
	}
	if cred != 0 {
		d.extra.link(linkFileCred, uint32(id), 0, cred)
	}
	note := &fileNote{raw: bytes.Clone(b.p)}
	d.files[id] = note
	kind := b.u32(fKind)
	read := fileReaders[kind]
	if read == nil {
		return d.fault(codec.Malformed, h.name(), h.at, "file of type %d", kind)
	}
	rest := fileRest{b: b, p: note.raw[b.size-b.head:]}
	if want := fileTails[kind]; len(rest.p) != want {
		return d.fault(codec.Malformed, h.name(), h.at, "file of type %d with %d bytes of its own, %d wanted", kind, len(rest.p), want)
	}
	if err := read(d, &f, rest); err != nil {
		return err
	}
	d.files[id].model = f
	return nil
}

// fileRest is the part of a FILE record that its type adds.
type fileRest struct {
	b body
	p []byte
}

// ref is the object number that a file of the type names.
func (r fileRest) ref() int32 { return int32(r.b.order.Uint32(r.p)) }

// fileTails are the lengths of what each type adds.
var fileTails = map[uint32]int{filePipe: 8, fileFifo: 8, fileSocket: 8, fileTTY: 8, fileEventfd: 16}

// fileReaders complete a description by its type.
var fileReaders = map[uint32]func(*decoder, *format.OpenFile, fileRest) error{
	fileGeneric: (*decoder).genericFile,
	filePipe:    (*decoder).pipeFile,
	fileFifo:    (*decoder).fifoFile,
	fileSocket:  (*decoder).socketFile,
	fileTTY:     (*decoder).ttyFile,
	fileEpoll:   (*decoder).epollFile,
	fileEventfd: (*decoder).eventfdFile,
}

// devices are the devices that programs have open by name everywhere, with
// their numbers (Documentation/admin-guide/devices.txt).
var devices = map[string]format.DeviceFile{
	"/dev/mem":     {Major: 1, Minor: 1},
	"/dev/null":    {Major: 1, Minor: 3},
	"/dev/zero":    {Major: 1, Minor: 5},
	"/dev/full":    {Major: 1, Minor: 7},
	"/dev/random":  {Major: 1, Minor: 8},
	"/dev/urandom": {Major: 1, Minor: 9},
	"/dev/kmsg":    {Major: 1, Minor: 11},
	"/dev/tty":     {Major: 5, Minor: 0},
	"/dev/console": {Major: 5, Minor: 1},
	"/dev/ptmx":    {Major: 5, Minor: 2},
}

// genericFile reads the path of a file that is opened by it. The image does not
// say whether it is a regular file, a directory or a device: the flags and the
// name have to.
func (d *decoder) genericFile(f *format.OpenFile, _ fileRest) error {
	path, err := d.path()
	if err != nil {
		return err
	}
	d.files[f.ID].path = path
	d.named(f, path)
	return nil
}

// named sets what a file opened by its path is.
func (d *decoder) named(f *format.OpenFile, path string) {
	ref := format.FileRef{Path: path}
	dev, isDev := devices[path]
	switch {
	case isDev:
		dev.File = ref
		f.Kind, f.Device = format.FileDevice, &dev
	case f.Flags&format.ODirectory != 0 || strings.HasSuffix(path, "/"):
		f.Kind, f.Directory = format.FileDirectory, &format.DirectoryFile{File: ref}
	default:
		f.Kind, f.Regular = format.FileRegular, &format.RegularFile{File: ref}
	}
}

// settleFiles gives the model the descriptions that descriptors have, and keeps
// the others, which only mappings use, as attachments.
func (d *decoder) settleFiles() {
	for id, n := range d.files {
		if n.used {
			d.img.Objects.Files = append(d.img.Objects.Files, n.model)
			continue
		}
		d.extra.keep(kFile, id, n.path, n.raw)
	}
}

// fs reads an FS object: the working directory, then the root.
func (d *decoder) fs(id format.ObjectID) error {
	b, err := d.record(kFS)
	if err != nil {
		return err
	}
	fs := format.FS{ID: id, Umask: b.u32(fUmask) & 0o777}
	if !b.has(fUmask) {
		fs.Umask = 0o022
		d.warn("the format does not record the file mode creation mask: 022 is taken")
	}
	if fs.Cwd, err = d.path(); err != nil {
		return err
	}
	if fs.Root, err = d.path(); err != nil {
		return err
	}
	d.img.Objects.FS = append(d.img.Objects.FS, fs)
	return d.charge(96)
}
