//go:build !amd64

package abi

import "structs"

// EpollEvent is struct epoll_event (include/uapi/linux/eventpoll.h).
type EpollEvent struct {
	_      structs.HostLayout
	Events uint32
	_      uint32
	Data   uint64
}

// EpollEventSize is the size of EpollEvent in bytes.
const EpollEventSize = 16
