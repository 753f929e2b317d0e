package abi

// Termios2Size is the size of struct termios2 (include/uapi/asm-generic/termbits.h).
const Termios2Size = 44

// NSGetPIDFromPIDNS is the ioctl of include/uapi/linux/nsfs.h that turns a
// namespace's pid into the caller's; Linux 6.11.
const NSGetPIDFromPIDNS = 0x8004b706

// Fields of struct f_owner_ex (include/uapi/asm-generic/fcntl.h).
const (
	FOwnerTID  = 0
	FOwnerPID  = 1
	FOwnerPGrp = 2
)

// Major numbers of character devices (Documentation/admin-guide/devices.txt).
const (
	MajorMem        = 1
	MajorTTY        = 4
	MajorTTYAux     = 5
	MajorPTYFirst   = 136
	MajorPTYLast    = 143
	MinorPtmx       = 2
	MinorTTYCurrent = 0
)
