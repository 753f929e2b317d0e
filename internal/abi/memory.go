package abi

import "structs"

// PmScanArg is struct pm_scan_arg (include/uapi/linux/fs.h), the argument of
// the PAGEMAP_SCAN ioctl.
type PmScanArg struct {
	_                 structs.HostLayout
	Size              uint64
	Flags             uint64
	Start             uint64
	End               uint64
	WalkEnd           uint64
	Vec               uint64
	VecLen            uint64
	MaxPages          uint64
	CategoryInverted  uint64
	CategoryMask      uint64
	CategoryAnyofMask uint64
	ReturnMask        uint64
}

// PageRegion is struct page_region: Start and End are addresses.
type PageRegion struct {
	_          structs.HostLayout
	Start      uint64
	End        uint64
	Categories uint64
}

// PagemapScan is the ioctl on /proc/PID/pagemap, _IOWR('f', 16, struct pm_scan_arg).
const PagemapScan = 0xc0606610

// Sizes of PmScanArg and PageRegion in bytes.
const (
	PmScanArgSize = 96
)

// Categories of pages for PagemapScan.
const (
	PageIsFile    = 1 << 2
	PageIsPresent = 1 << 3
	PageIsSwapped = 1 << 4
	PageIsPFNZero = 1 << 5
	PageIsGuard   = 1 << 8 // Linux 6.15
)

// Bits of an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst).
const (
	PagemapPresent = 1 << 63
	PagemapSwapped = 1 << 62
	PagemapFile    = 1 << 61
)
