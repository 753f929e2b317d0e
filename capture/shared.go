package capture

import (
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// inode names a file of this machine.
type inode struct{ dev, ino uint64 }

// sharedMemory finds the object of shared anonymous memory or a memfd, which
// link opens. path is as /proc shows it, without " (deleted)".
func (c *capturer) sharedMemory(link, path string, st sys.FileInfo, tid int) (format.ObjectID, error) {
	key := inode{st.Dev, st.Ino}
	if id, ok := c.shared[key]; ok {
		return id, nil
	}
	fd, err := sys.Open(link, abi.ORdonly, 0)
	if err != nil {
		return 0, err
	}
	obj := format.SharedMemory{ID: c.newID(), Kind: format.SharedAnon, Size: uint64(st.Size)}
	if name, ok := strings.CutPrefix(path, "/memfd:"); ok {
		obj.Kind, obj.Name = format.SharedMemfd, name
		obj.Mode, obj.UID, obj.GID = st.Mode&^sys.ModeType, st.UID, st.GID
		seals, err := sys.Fcntl(fd, abi.FGetSeals, 0)
		if err != nil {
			return 0, err
		}
		obj.Seals, obj.MemfdFlags = uint32(seals), memfdFlags(seals)
		if huge, err := sys.IsHugeTLB(fd); err != nil || huge {
			c.refuse(validate.CodeHugeTLB, tid, "memfd %q is made of reserved huge pages", name)
		}
	}
	c.shared[key] = obj.ID
	c.img.Objects.Shared = append(c.img.Objects.Shared, obj)
	c.pages.addFile(obj.ID, fd, st.Size)
	return obj.ID, nil
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
