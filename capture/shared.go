package capture

import (
	"errors"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// inode names a file of this machine.
type inode struct{ dev, ino uint64 }

// sharedMemory finds the object of shared anonymous memory or a memfd, which
// link opens. path is as /proc shows it, without " (deleted)".
func (c *capturer) sharedMemory(link, path string, st sys.FileInfo, tid int) (format.ObjectID, error) {
	key := inode{st.Dev, st.Ino}
	id, ok := c.shared[key]
	if ok && !c.pages.isMapped(id) {
		return id, nil
	}
	fd, err := sys.Open(link, abi.ORdonly, 0)
	if err != nil {
		return 0, err
	}
	obj := format.SharedMemory{ID: id, Kind: format.SharedAnon, Size: uint64(st.Size)}
	if name, ok := strings.CutPrefix(path, "/memfd:"); ok {
		obj.Kind, obj.Name = format.SharedMemfd, name
		obj.Mode, obj.UID, obj.GID = st.Mode&^sys.ModeType, st.UID, st.GID
		seals, err := sys.Fcntl(fd, abi.FGetSeals, 0)
		if err != nil {
			return 0, errors.Join(err, sys.Close(fd))
		}
		obj.Seals, obj.MemfdFlags = uint32(seals), memfdFlags(seals)
		if huge, err := sys.IsHugeTLB(fd); err != nil || huge {
			c.refuse(validate.CodeHugeTLB, tid, "memfd %q is made of reserved huge pages", name)
		}
	}
	id = c.setShared(key, obj)
	c.pages.addFile(id, fd, st.Size)
	return id, nil
}

// setShared puts an object into the image, in the place of what was known of it.
func (c *capturer) setShared(key inode, obj format.SharedMemory) format.ObjectID {
	for i := range c.img.Objects.Shared {
		if obj.ID != 0 && c.img.Objects.Shared[i].ID == obj.ID {
			c.img.Objects.Shared[i] = obj
			return obj.ID
		}
	}
	obj.ID = c.newID()
	c.shared[key] = obj.ID
	c.img.Objects.Shared = append(c.img.Objects.Shared, obj)
	return obj.ID
}

// mappedMemory is sharedMemory for programs that may not open /proc/PID/map_files:
// the memory is read where tasks have it mapped. Of a memfd it knows the rest
// only when a descriptor is found.
func (c *capturer) mappedMemory(m *procfs.Map, tid int) format.ObjectID {
	key := inode{sys.Mkdev(m.Major, m.Minor), m.Inode}
	end := m.Offset + m.End - m.Start
	obj := format.SharedMemory{ID: c.shared[key], Kind: format.SharedAnon, Size: end}
	if name, ok := strings.CutPrefix(m.Path, "/memfd:"); ok {
		obj.Kind, obj.Name, obj.MemfdFlags = format.SharedMemfd, name, abi.MfdAllowSealing
		c.warnOnce(tid, "without the right to open /proc/PID/map_files, size and seals of memfd "+name+
			" are known only if a descriptor of it is open")
	}
	if obj.ID == 0 {
		obj.ID = c.setShared(key, obj)
	}
	for i := range c.img.Objects.Shared {
		if o := &c.img.Objects.Shared[i]; o.ID == obj.ID {
			o.Size = max(o.Size, end)
		}
	}
	c.pages.addMapped(obj.ID, segment{tid: tid, addr: m.Start, off: m.Offset, size: m.End - m.Start})
	return obj.ID
}

// memfdFlags gives the flags of memfd_create that allow such seals. A memfd
// that was made without MFD_ALLOW_SEALING has just the seal against sealing.
func memfdFlags(seals int) uint32 {
	flags := uint32(0)
	if seals != abi.FSealSeal {
		flags |= abi.MfdAllowSealing
	}
	if seals&abi.FSealExec != 0 {
		flags |= abi.MfdNoexecSeal
	}
	return flags
}
