package abi

import "structs"

// EpollEvent is struct epoll_event (include/uapi/linux/eventpoll.h), which is
// packed on amd64: Data stands at offset 4, in two halves here.
type EpollEvent struct {
	_      structs.HostLayout
	Events uint32
	DataLo uint32
	DataHi uint32
}

// EpollEventSize is the size of EpollEvent in bytes.
const EpollEventSize = 12
