package sys

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// InNamespaces runs f on a thread of its own that has entered the namespaces of
// the files at paths (/proc/PID/ns/ipc and the like; not those of users and
// mounts, which a thread cannot enter alone). f may not leave the thread. Without
// paths f runs where the caller is.
func InNamespaces(paths []string, f func() error) error {
	if len(paths) == 0 {
		return f()
	}
	t := NewTracer() // any locked thread that ends with its goroutine
	defer t.Close()
	return t.Do(func() error {
		for _, path := range paths {
			fd, err := Open(path, unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			err = callError("setns", path, unix.Setns(fd, 0))
			if err = errors.Join(err, Close(fd)); err != nil {
				return err
			}
		}
		return f()
	})
}

// Names gives the host name and the domain name of the thread's namespace.
func Names() (host, domain string, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", "", callError("uname", "", err)
	}
	return unix.ByteSliceToString(u.Nodename[:]), unix.ByteSliceToString(u.Domainname[:]), nil
}

// MessageQueues lists the POSIX message queues of the thread's ipc namespace,
// by a mount of their own that nobody else sees. ENODEV says that the kernel has
// none, EPERM that the caller may not look.
func MessageQueues() ([]string, error) {
	const created = 6 // FSCONFIG_CMD_CREATE
	fs, err := unix.Fsopen("mqueue", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, callError("fsopen", "mqueue", err)
	}
	defer unix.Close(fs) //nolint:errcheck // only used here
	if _, _, e := unix.Syscall6(unix.SYS_FSCONFIG, uintptr(fs), created, 0, 0, 0, 0); e != 0 {
		return nil, callError("fsconfig", "mqueue", e)
	}
	dir, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, callError("fsmount", "mqueue", err)
	}
	f := os.NewFile(uintptr(dir), "mqueue")
	defer f.Close() //nolint:errcheck // only read
	fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, callError("openat", "mqueue", err)
	}
	list := os.NewFile(uintptr(fd), "mqueue")
	defer list.Close() //nolint:errcheck // only read
	return list.Readdirnames(-1)
}
