package sys

import (
	"encoding/binary"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// System V IPC of the calling thread's namespace.

// Commands of the ctl calls (include/uapi/linux/ipc.h, sem.h).
const (
	ipcRmid   = 0
	ipcStat   = 2
	semGetAll = 13

	shmRdOnly = 0o10000 // SHM_RDONLY
	msgCopy   = 0o40000 // MSG_COPY
	msgNoWait = 0o4000  // IPC_NOWAIT
)

func ipcError(call string, id int, err unix.Errno) error {
	return callError(call, "id "+strconv.Itoa(id), errnoErr(err))
}

// ShmAttach attaches a segment for reading and gives its address.
func ShmAttach(id int) (uint64, error) {
	at, _, e := unix.Syscall(unix.SYS_SHMAT, uintptr(id), 0, shmRdOnly)
	return uint64(at), ipcError("shmat", id, e)
}

// ShmDetach detaches a segment.
func ShmDetach(addr uint64) error {
	_, _, e := unix.Syscall(unix.SYS_SHMDT, uintptr(addr), 0, 0)
	return callError("shmdt", "", errnoErr(e))
}

// ShmRemove removes a segment.
func ShmRemove(id int) error {
	_, _, e := unix.Syscall(unix.SYS_SHMCTL, uintptr(id), ipcRmid, 0)
	return ipcError("shmctl(IPC_RMID)", id, e)
}

// SemValues reads the values of a set of n semaphores, at least one.
func SemValues(id, n int) ([]uint16, error) {
	v := make([]uint16, max(n, 1))
	_, _, e := unix.Syscall6(unix.SYS_SEMCTL, uintptr(id), 0, semGetAll, uintptr(unsafe.Pointer(unsafe.SliceData(v))), 0, 0)
	return v[:n], ipcError("semctl(GETALL)", id, e)
}

// Struct msqid64_ds (include/uapi/asm-generic/msgbuf.h): its size, and where the
// most bytes that a queue takes stand.
const (
	msqidSize   = 120
	msqidQBytes = 88
)

// QueueSize is how many bytes a queue takes.
func QueueSize(id int) (uint64, error) {
	var b [msqidSize]byte
	_, _, e := unix.Syscall(unix.SYS_MSGCTL, uintptr(id), ipcStat, uintptr(unsafe.Pointer(&b)))
	return binary.LittleEndian.Uint64(b[msqidQBytes:]), ipcError("msgctl(IPC_STAT)", id, e)
}

// PeekMessage copies the message at a place of a queue, counted from 0, and leaves it
// there. ENOMSG says that there is none, E2BIG that it is longer than size,
// ENOSYS that the kernel does not do this (CONFIG_CHECKPOINT_RESTORE).
func PeekMessage(id, place, size int) (kind int64, data []byte, err error) {
	const head = 8 // its type
	b := make([]byte, head+size)
	n, _, e := unix.Syscall6(unix.SYS_MSGRCV, uintptr(id), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(size),
		uintptr(place), msgCopy|msgNoWait, 0)
	if e != 0 {
		return 0, nil, ipcError("msgrcv(MSG_COPY)", id, e)
	}
	return int64(binary.LittleEndian.Uint64(b)), b[head : head+int(n)], nil
}
