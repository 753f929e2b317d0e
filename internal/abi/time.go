package abi

import "structs"

// Timespec is struct __kernel_timespec (include/uapi/linux/time_types.h).
type Timespec struct {
	_    structs.HostLayout
	Sec  int64
	Nsec int64
}

// Timeval is struct timeval on 64-bit machines.
type Timeval struct {
	_    structs.HostLayout
	Sec  int64
	Usec int64
}

// Itimerspec is struct __kernel_itimerspec.
type Itimerspec struct {
	_        structs.HostLayout
	Interval Timespec
	Value    Timespec
}

// Itimerval is struct itimerval of setitimer(2).
type Itimerval struct {
	_        structs.HostLayout
	Interval Timeval
	Value    Timeval
}

// Sizes of the structures above in bytes.
const (
	TimespecSize   = 16
	ItimerspecSize = 32
	ItimervalSize  = 32
)

// Clocks of clock_gettime(2) (include/uapi/linux/time.h).
const (
	ClockMonotonic = 1
	ClockBoottime  = 7
	// ClockMonotonicCoarse ticks as the kernel does.
	ClockMonotonicCoarse = 6
)
