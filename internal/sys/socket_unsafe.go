package sys

import (
	"errors"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Flags of recvmsg(2).
const (
	MsgPeek      = unix.MSG_PEEK
	MsgDontwait  = unix.MSG_DONTWAIT
	MsgTrunc     = unix.MSG_TRUNC
	MsgCtrunc    = unix.MSG_CTRUNC
	MsgCmsgCloex = unix.MSG_CMSG_CLOEXEC
)

// Received is what one recvmsg(2) gave.
type Received struct {
	// N is the result, Flags are msg_flags.
	N, Flags int
	// Data is what fitted into the buffer.
	Data []byte
	// From is the sender's address, Control the control messages.
	From, Control []byte
}

// Recvmsg receives into data, with as many bytes of control messages as control
// has room for. Descriptors that come are the caller's to close.
func Recvmsg(fd int, data, control []byte, flags int) (Received, error) {
	from := make([]byte, unix.SizeofSockaddrAny)
	iov := unix.Iovec{Base: unsafe.SliceData(data)}
	iov.SetLen(len(data))
	msg := unix.Msghdr{Name: &from[0], Namelen: uint32(len(from)), Iov: &iov, Control: unsafe.SliceData(control)}
	msg.SetIovlen(1)
	msg.SetControllen(len(control))
	var n uintptr
	err := retry(func() error {
		r, _, e := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags))
		n = r
		return errnoErr(e)
	})
	runtime.KeepAlive(data)
	if err != nil {
		return Received{}, fdError("recvmsg", fd, err)
	}
	return Received{
		N: int(n), Flags: int(msg.Flags), Data: data[:min(int(n), len(data))],
		From: from[:min(int(msg.Namelen), len(from))], Control: control[:min(int(msg.Controllen), len(control))],
	}, nil
}

// PeekBeforeLast looks at n bytes of a stream socket's queue and says how many
// of them were sent before those in the send call of the last: the buffer ends
// one byte early, so that the kernel stops at that call's part and counts what
// it has copied until then.
func PeekBeforeLast(fd, n int) (int, error) {
	page := unix.Getpagesize()
	room := (n - 1 + page - 1) / page * page
	mem, err := unix.Mmap(-1, 0, room+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return 0, callError("mmap", "", err)
	}
	defer func() { _ = unix.Munmap(mem) }()
	if err := unix.Mprotect(mem[room:], unix.PROT_NONE); err != nil {
		return 0, callError("mprotect", "", err)
	}
	r, err := Recvmsg(fd, mem[room-(n-1):][:n], nil, MsgPeek|MsgDontwait)
	if errors.Is(err, unix.EFAULT) {
		return 0, nil
	}
	return r.N, err
}

// Getsockopt reads a socket option into a buffer of size bytes; what the kernel
// gave of it is returned. ENOPROTOOPT (see NoOption) says that it knows none.
func Getsockopt(fd, level, name, size int) ([]byte, error) {
	b := make([]byte, size)
	n := uint32(size)
	_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(&n)), 0)
	return b[:min(int(n), size)], fdError("getsockopt", fd, errnoErr(e))
}

// SetsockoptInt sets a socket option that is a number.
func SetsockoptInt(fd, level, name, value int) error {
	return fdError("setsockopt", fd, unix.SetsockoptInt(fd, level, name, value))
}

// FilterLength is the number of instructions of the classic filter attached to
// a socket; an error says that it has another kind.
func FilterLength(fd int) (int, error) {
	var n uint32
	_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_GET_FILTER,
		0, uintptr(unsafe.Pointer(&n)), 0)
	return int(n), fdError("getsockopt(SO_GET_FILTER)", fd, errnoErr(e))
}

// NoOption says whether err means that the kernel does not know an option.
func NoOption(err error) bool {
	return errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EOPNOTSUPP)
}

// Socket makes a unix socket, close-on-exec.
func Socket(kind int) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	return fd, callError("socket", "family unix", err)
}

// Accept takes the connection that waits longest at a listening socket, without
// waiting for one.
func Accept(fd int) (int, error) {
	if waits, err := PollFD(fd, unix.POLLIN, 0); err != nil || !waits {
		return -1, errors.Join(err, fdError("accept4", fd, EAGAIN))
	}
	var n int
	err := retry(func() (err error) {
		n, _, err = unix.Accept4(fd, unix.SOCK_CLOEXEC)
		return err
	})
	return n, fdError("accept4", fd, err)
}

// siocUnixFile is SIOCUNIXFILE (include/uapi/linux/un.h).
const siocUnixFile = 0x89e0

// UnixFile opens, as with O_PATH, the file that a bound socket made. It takes
// CAP_NET_ADMIN.
func UnixFile(fd int) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), siocUnixFile, 0)
	if e != 0 {
		return -1, fdError("ioctl(SIOCUNIXFILE)", fd, e)
	}
	unix.CloseOnExec(int(r))
	return int(r), nil
}

// DeadSocket says whether the socket file at path has no socket any more. It
// disturbs none: a datagram socket is connected, to which no stream answers.
func DeadSocket(path string) (bool, error) {
	fd, err := Socket(unix.SOCK_DGRAM)
	if err != nil {
		return false, err
	}
	defer func() { _ = unix.Close(fd) }()
	switch err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); {
	case errors.Is(err, unix.ECONNREFUSED):
		return true, nil
	case err == nil, errors.Is(err, unix.EPROTOTYPE), errors.Is(err, unix.EPERM):
		return false, nil
	default:
		return false, callError("connect", path, err)
	}
}

// MakeSocketFile makes a socket file without a socket, with exactly that mode
// and owner.
func MakeSocketFile(path string, mode, uid, gid uint32) error {
	if err := unix.Mknod(path, unix.S_IFSOCK|mode&0o7777, 0); err != nil {
		return callError("mknod", path, err)
	}
	if err := unix.Lchown(path, int(uid), int(gid)); err != nil {
		return callError("lchown", path, err)
	}
	return callError("chmod", path, unix.Chmod(path, mode&0o7777))
}

// Unlink removes a name.
func Unlink(path string) error { return callError("unlink", path, unix.Unlink(path)) }
