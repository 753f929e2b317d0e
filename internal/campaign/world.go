package campaign

import (
	"archive/tar"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/thaw-cr/thaw/format"
)

// A worldFile is a file that processes need in order to be restored.
type worldFile struct {
	name string
	mode os.FileMode
	// kind is a type flag of tar; link is the other name of a hard link.
	kind byte
	link string
	data []byte
	size int64
}

// Places that a world has of its own; the rest of the file system cannot be
// written in it.
const (
	worldTemp = "/tmp"
	worldRun  = "/run"
	// fixtures is where the programs of the images of CRIU have their files.
	fixtures = worldTemp + "/thaw-fixtures"
	// temporary is where thaw is to put temporary files.
	temporary = worldRun + "/temporary"
)

// enterWorlds makes the calling process, which is the first one of a pid and a
// mount namespace, ready to restore: nothing that a tree does reaches the outside.
func enterWorlds() error {
	mounts := []struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}{
		{"none", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""},
		{"none", "/", "", syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY, ""},
		{"proc", "/proc", "proc", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC, ""},
		{"tmpfs", worldTemp, "tmpfs", 0, "mode=1777,size=1g"},
		{"tmpfs", worldRun, "tmpfs", 0, "mode=755,size=1g"},
	}
	for _, m := range mounts {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return &os.PathError{Op: "mount " + m.kind, Path: m.target, Err: err}
		}
	}
	return nil
}

// prepare makes new file systems for a restore and puts there what the image's
// processes need. It gives where files are found that lie in other places.
func (c *Corpus) prepare(m *Image) ([]format.PathMap, error) {
	for _, t := range []string{worldTemp, worldRun} {
		if err := syscall.Unmount(t, syscall.MNT_DETACH); err != nil {
			return nil, &os.PathError{Op: "unmount", Path: t, Err: err}
		}
		if err := syscall.Mount("tmpfs", t, "tmpfs", 0, "mode=1777,size=1g"); err != nil {
			return nil, &os.PathError{Op: "mount", Path: t, Err: err}
		}
	}
	if err := os.Mkdir(temporary, 0o700); err != nil {
		return nil, err
	}
	family, name, _ := strings.Cut(m.World, "/")
	switch Family(family) {
	case CRIU:
		return nil, makeFiles(filepath.Join(fixtures, name), c.worlds[m.World])
	case LinuxCR:
		return c.legacyWorld(path.Base(name))
	case Native, Archive:
	}
	return nil, nil
}

// program is what the linux-cr images run.
const program = worldRun + "/x/wl"

// legacyWorld is that of an image of linux-cr: its program and the files that it
// has open.
func (c *Corpus) legacyWorld(name string) ([]format.PathMap, error) {
	maps := []format.PathMap{{Old: "/bin/wl", New: program}}
	list := []worldFile{
		{name: program, mode: 0o755, kind: tar.TypeReg, data: c.program},
		{name: fmt.Sprintf("%s/%s.out", worldTemp, name), mode: 0o644, kind: tar.TypeReg},
	}
	switch name {
	case "shmem":
		maps = append(maps, format.PathMap{Old: "/shmem.map", New: worldRun + "/x/map"})
		list = append(list, worldFile{name: worldRun + "/x/map", mode: 0o644, kind: tar.TypeReg, size: 8192})
	case "fds":
		maps = append(maps, format.PathMap{Old: "/fds.dat", New: worldRun + "/x/dat"})
		list = append(list, worldFile{name: worldRun + "/x/dat", mode: 0o644, kind: tar.TypeReg, data: []byte("0123456789abcdef")})
	case "self":
		list = append(list, worldFile{name: worldTemp + "/self.ckpt", mode: 0o644, kind: tar.TypeReg})
	}
	return maps, makeFiles("/", list)
}

// makeFiles makes files below a directory, as they are in their list.
func makeFiles(dir string, list []worldFile) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // for programs of other users, too
		return err
	}
	for _, f := range list {
		if err := f.make(dir); err != nil {
			return err
		}
	}
	return nil
}

func (f *worldFile) make(dir string) error {
	name := filepath.Join(dir, f.name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // as above
		return err
	}
	switch f.kind {
	case tar.TypeDir:
		if err := os.MkdirAll(name, 0o755); err != nil { //nolint:gosec // as above
			return err
		}
		return os.Chmod(name, f.mode)
	case tar.TypeLink:
		return os.Link(filepath.Join(dir, f.link), name)
	case tar.TypeSymlink:
		return os.Symlink(f.link, name)
	case tar.TypeFifo:
		return os.NewSyscallError("mkfifo", syscall.Mkfifo(name, uint32(f.mode.Perm())))
	}
	if err := os.WriteFile(name, f.data, f.mode.Perm()); err != nil {
		return err
	}
	return errors.Join(os.Truncate(name, max(f.size, int64(len(f.data)))), os.Chmod(name, f.mode))
}

// fixtureFiles are the files of a fixture of CRIU, in the order of its archive, but
// for those that tell it to go on.
func fixtureFiles(list []worldFile) []worldFile {
	var out []worldFile
	for _, f := range list {
		if _, below, ok := strings.Cut("/"+f.name, "/files/"); ok && below != "go" && below != "result" {
			f.name = below
			if _, link, ok := strings.Cut("/"+f.link, "/files/"); ok {
				f.link = link
			}
			out = append(out, f)
		}
	}
	return out
}
