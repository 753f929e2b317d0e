package sys

import (
	"encoding/binary"
	"errors"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/abi"
)

const pageSize = 4096

// PageRange is a range of addresses whose pages are of one kind.
type PageRange struct {
	Start, End uint64
	// Categories are PageIs bits of internal/abi.
	Categories uint64
}

// PageQuery says which pages PagemapScan looks for: those that have all of All
// (with the sense of the bits in Inverted turned) and one of Any, if not zero.
type PageQuery struct {
	All      uint64
	Inverted uint64
	Any      uint64
}

// scanBatch is how many ranges one call gives.
const scanBatch = 512

// PagemapScan gives the pages between start and end of the process whose
// /proc/PID/pagemap is open as fd, a batch at a time: next is where to go on,
// equal to end when done. Where the kernel has no such ioctl (before 6.7) it
// reads the file itself, which cannot tell huge pages or, on kernels older
// than 6.13, zero pages.
func PagemapScan(fd int, start, end uint64, q PageQuery) (ranges []PageRange, next uint64, err error) {
	if FeaturePagemapScan.state.Load() != int32(Unsupported) {
		ranges, next, err = pagemapIoctl(fd, start, end, q)
		if !errors.Is(err, syscall.ENOTTY) {
			return ranges, next, err
		}
		FeaturePagemapScan.state.Store(int32(Unsupported))
	}
	return pagemapRead(fd, start, end, q)
}

func pagemapIoctl(fd int, start, end uint64, q PageQuery) ([]PageRange, uint64, error) {
	vec := make([]abi.PageRegion, scanBatch)
	arg := abi.PmScanArg{
		Size: abi.PmScanArgSize, Start: start, End: end,
		Vec: uint64(uintptr(unsafe.Pointer(&vec[0]))), VecLen: scanBatch,
		CategoryInverted: q.Inverted, CategoryMask: q.All, CategoryAnyofMask: q.Any,
		ReturnMask: abi.PageIsFile | abi.PageIsPresent | abi.PageIsSwapped | abi.PageIsPFNZero,
	}
	n, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), abi.PagemapScan, uintptr(unsafe.Pointer(&arg)))
	runtime.KeepAlive(vec)
	if e == syscall.EINTR {
		return nil, max(arg.WalkEnd, start), nil
	}
	if e != 0 {
		return nil, start, fdError("ioctl(PAGEMAP_SCAN)", fd, e)
	}
	if n > scanBatch {
		return nil, start, fdError("ioctl(PAGEMAP_SCAN)", fd, syscall.EOVERFLOW)
	}
	ranges := make([]PageRange, n)
	for i := range ranges {
		ranges[i] = PageRange{Start: vec[i].Start, End: vec[i].End, Categories: vec[i].Categories}
	}
	return ranges, arg.WalkEnd, nil
}

// readBatch is how many entries of the pagemap one call reads.
const readBatch = 8192

func pagemapRead(fd int, start, end uint64, q PageQuery) ([]PageRange, uint64, error) {
	pages := min((end-start)/pageSize, readBatch)
	buf := make([]byte, pages*8)
	n, err := Pread(fd, buf, int64(start/pageSize*8))
	if err != nil {
		return nil, start, err
	}
	if n < 8 {
		return nil, end, nil
	}
	var ranges []PageRange
	addr := start
	for i := 0; i+8 <= n; i, addr = i+8, addr+pageSize {
		cat := pagemapCategories(binary.NativeEndian.Uint64(buf[i:]))
		turned := cat ^ q.Inverted
		if turned&q.All != q.All || (q.Any != 0 && turned&q.Any == 0) {
			continue
		}
		if k := len(ranges); k > 0 && ranges[k-1].End == addr && ranges[k-1].Categories == cat {
			ranges[k-1].End += pageSize
			continue
		}
		ranges = append(ranges, PageRange{Start: addr, End: addr + pageSize, Categories: cat})
	}
	return ranges, addr, nil
}

func pagemapCategories(entry uint64) uint64 {
	var cat uint64
	if entry&abi.PagemapPresent != 0 {
		cat |= abi.PageIsPresent
	}
	if entry&abi.PagemapSwapped != 0 {
		cat |= abi.PageIsSwapped
	}
	if entry&abi.PagemapFile != 0 {
		cat |= abi.PageIsFile
	}
	return cat
}
