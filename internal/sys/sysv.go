package sys

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// semGetPID is GETPID of semctl(2) (include/uapi/linux/sem.h).
const semGetPID = 11

// SemaphoreUser gives the process that changed a System V semaphore last; zero
// for one outside this pid namespace.
func SemaphoreUser(set, number int) (int, error) {
	pid, _, e := unix.RawSyscall6(unix.SYS_SEMCTL, uintptr(set), uintptr(number), semGetPID, 0, 0, 0)
	return int(pid), callError("semctl(GETPID)", "set "+strconv.Itoa(set), errnoErr(e))
}

// DropUndoList takes the list of adjustments of SEM_UNDO (semop(2)) from the
// calling thread, which must be locked and have made none, and gives the thread's
// number. All threads of a Go program have one such list from the start.
func DropUndoList() (int, error) {
	err := unix.Unshare(unix.CLONE_SYSVSEM)
	return unix.Gettid(), callError("unshare", "CLONE_SYSVSEM", err)
}
