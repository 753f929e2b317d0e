package sys

import (
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Fcntl makes a fcntl(2) call with an integer argument (F constants of
// internal/abi) and gives its result.
func Fcntl(fd, cmd, arg int) (int, error) {
	r, err := unix.FcntlInt(uintptr(fd), cmd, arg)
	if err != nil {
		return 0, fdError("fcntl(command "+strconv.Itoa(cmd)+")", fd, err)
	}
	return r, nil
}

// GetOwnerEx reads who gets the signals of a file: a type (FOwner constants)
// and a number, zero for nobody.
func GetOwnerEx(fd int) (kind, pid int32, err error) {
	var owner [2]int32
	_, _, e := unix.Syscall(unix.SYS_FCNTL, uintptr(fd), unix.F_GETOWN_EX, uintptr(unsafe.Pointer(&owner)))
	return owner[0], owner[1], fdError("fcntl(F_GETOWN_EX)", fd, errnoErr(e))
}

// fGetOwnerUIDs is F_GETOWNER_UIDS (include/uapi/linux/fcntl.h).
const fGetOwnerUIDs = 17

// GetOwnerUIDs reads the user ids with which signals of a file are sent; not
// every kernel has it (CONFIG_CHECKPOINT_RESTORE).
func GetOwnerUIDs(fd int) (uid, euid uint32, err error) {
	var ids [2]uint32
	_, _, e := unix.Syscall(unix.SYS_FCNTL, uintptr(fd), fGetOwnerUIDs, uintptr(unsafe.Pointer(&ids)))
	return ids[0], ids[1], fdError("fcntl(F_GETOWNER_UIDS)", fd, errnoErr(e))
}

// IoctlBytes makes an ioctl whose argument is a structure in b.
func IoctlBytes(fd int, request uint64, b []byte) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	return int(r), fdError("ioctl("+strconv.FormatUint(request, 16)+")", fd, errnoErr(e))
}
