package abi

// Termios2Size is the size of struct termios2 (include/uapi/asm-generic/termbits.h).
const Termios2Size = 44

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
