package criu

import (
	"encoding/binary"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	ghost_file "github.com/checkpoint-restore/go-criu/v8/crit/images/ghost-file"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/regfile"
	remap_file_path "github.com/checkpoint-restore/go-criu/v8/crit/images/remap-file-path"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Types of files in a mode (stat(2)).
const (
	modeType = 0o170000
	modeDir  = 0o040000
	modeChar = 0o020000
	modeBlk  = 0o060000
)

// remap says where a file is whose name is gone.
type remap struct {
	*remap_file_path.RemapFilePathEntry
	rec *record
}

// oldGhost marks the number of a ghost file where there is no type.
const oldGhost = 1 << 31

// remapEntries indexes them by the file.
func (d *decoder) remapEntries() error {
	f := d.find(kRemap, 0)
	for i, e := range entries[*remap_file_path.RemapFilePathEntry](f) {
		r := &f.records[i]
		if e.RemapType == nil && e.GetRemapId()&oldGhost != 0 {
			e.RemapType, e.RemapId = remap_file_path.RemapType_GHOST.Enum(), new(e.GetRemapId()&^oldGhost)
		}
		if _, twice := d.remaps[e.GetOrigId()]; twice {
			return fault(f, r, codec.Duplicate, "open file %d is there twice", e.GetOrigId())
		}
		if _, err := d.entryAt(e.GetOrigId(), f, r); err != nil {
			return err
		}
		if err := checkRemap(f, r, e); err != nil {
			return err
		}
		d.remaps[e.GetOrigId()] = remap{e, r}
	}
	return nil
}

// path gives the identity of a regular file, directory or device by its number.
// f and r say who refers to it.
func (d *decoder) path(id uint32, f *file, r *record) (format.FileRef, error) {
	if ref, ok := d.refs[id]; ok {
		return ref, nil
	}
	e, err := d.entryAt(id, f, r)
	if err != nil {
		return format.FileRef{}, err
	}
	if e.GetType() != fdinfo.FdTypes_REG {
		return format.FileRef{Path: e.GetType().String()}, nil
	}
	if e.GetReg() == nil {
		return format.FileRef{}, lacks(e)
	}
	ref := fileRef(e.GetReg())
	if ref.Deleted, err = d.deletedFile(id, &ref); err != nil {
		return ref, err
	}
	d.refs[id] = ref
	return ref, nil
}

func fileRef(e *regfile.RegFileEntry) format.FileRef {
	ref := format.FileRef{Path: e.GetName(), Mode: e.GetMode()}
	if size := e.GetSize(); size <= 1<<63-1 {
		ref.Size = size
	}
	for _, w := range e.GetBuildId() {
		ref.BuildID = binary.LittleEndian.AppendUint32(ref.BuildID, w)
	}
	return ref
}

// deletedFile makes the object of a file that has lost the name it was opened
// by; zero if it has not.
func (d *decoder) deletedFile(id uint32, ref *format.FileRef) (format.ObjectID, error) {
	m, ok := d.remaps[id]
	if !ok {
		return 0, nil
	}
	rf := d.find(kRemap, 0)
	switch m.GetRemapType() {
	case remap_file_path.RemapType_PROCFS:
		d.warn(0, "%q belongs to a process that is gone; its file in /proc is not kept", ref.Path)
		return 0, nil
	case remap_file_path.RemapType_GHOST:
		return d.ghostFile(m, rf, ref)
	default: // another link
	}
	link, err := d.entryAt(m.GetRemapId(), rf, m.rec)
	if err != nil {
		return 0, err
	}
	if link.GetReg() == nil {
		return 0, fault(rf, m.rec, codec.Missing, "open file %d, another name of %q, is no file with a name", m.GetRemapId(), ref.Path)
	}
	key := uint64(m.GetRemapId())<<32 | 1
	if obj, ok := d.deleted[key]; ok {
		return obj, nil
	}
	o := format.DeletedFile{ID: d.newID(), Path: ref.Path, Size: ref.Size, Mode: ref.Mode, Links: 1, Link: link.GetReg().GetName()}
	d.deleted[key] = o.ID
	d.img.Objects.Deleted = append(d.img.Objects.Deleted, o)
	return o.ID, nil
}

// ghostFile makes the object of a file without any name, whose contents are in a
// file of the image.
func (d *decoder) ghostFile(m remap, rf *file, ref *format.FileRef) (format.ObjectID, error) {
	key := uint64(m.GetRemapId()) << 32
	if obj, ok := d.deleted[key]; ok {
		return obj, nil
	}
	f := d.find(kGhost, uint64(m.GetRemapId()))
	if f == nil {
		return 0, fault(rf, m.rec, codec.Missing, "%s with the contents of %q is not there", kindNamed(kGhost).name(uint64(m.GetRemapId())), ref.Path)
	}
	g, ok := f.records[0].msg.(*ghost_file.GhostFileEntry)
	if !ok {
		return 0, fault(f, &f.records[0], codec.Malformed, "no entry of a file")
	}
	d.checkGhost(f, g)
	o := format.DeletedFile{ID: d.newID(), Path: ref.Path, Mode: g.GetMode(), UID: g.GetUid(), GID: g.GetGid()}
	for i := range f.ghost {
		o.Size = max(o.Size, f.ghost[i].end())
	}
	if g.Size != nil {
		o.Size = max(o.Size, min(g.GetSize(), maxPages))
	}
	ref.Mode, ref.Size = o.Mode, o.Size
	d.deleted[key] = o.ID
	if len(f.ghost) > 0 {
		d.store.add(f.ghost[0].src)
		d.store.chunks[o.ID] = f.ghost
	}
	d.img.Objects.Deleted = append(d.img.Objects.Deleted, o)
	return o.ID, nil
}

// regular makes a regular file, a directory or a device.
func (d *decoder) regular(e *entryOf, o *format.OpenFile) error {
	if e.GetReg() == nil {
		return lacks(e)
	}
	ref, err := d.path(e.GetId(), e.file, e.rec)
	if err != nil {
		return err
	}
	o.Flags, o.Pos, o.Owner = e.GetReg().GetFlags(), int64(e.GetReg().GetPos()), owner(e.GetReg().GetFown())
	if o.Pos < 0 {
		return fault(e.file, e.rec, codec.Malformed, "position %d of open file %d", o.Pos, e.GetId())
	}
	switch ref.Mode & modeType {
	case modeDir:
		o.Kind, o.Directory = format.FileDirectory, &format.DirectoryFile{File: ref}
	case modeChar, modeBlk:
		dev := &format.DeviceFile{File: ref, Block: ref.Mode&modeType == modeBlk}
		number := knownDevices[ref.Path]
		dev.Major, dev.Minor = number[0], number[1]
		if number[0] == 0 {
			d.warn(0, "the image does not say which device %q is", ref.Path)
		}
		o.Kind, o.Device = format.FileDevice, dev
	default:
		o.Kind, o.Regular = format.FileRegular, &format.RegularFile{File: ref}
	}
	return nil
}

// knownDevices are the numbers of devices that are the same on every machine
// (Documentation/admin-guide/devices.txt); CRIU does not write them.
var knownDevices = map[string][2]uint32{
	"/dev/mem": {1, 1}, "/dev/null": {1, 3}, "/dev/port": {1, 4}, "/dev/zero": {1, 5}, "/dev/full": {1, 7},
	"/dev/random": {1, 8}, "/dev/urandom": {1, 9}, "/dev/kmsg": {1, 11}, "/dev/tty": {5, 0}, "/dev/console": {5, 1},
	"/dev/ptmx": {5, 2}, "/dev/fuse": {10, 229}, "/dev/net/tun": {10, 200},
}
