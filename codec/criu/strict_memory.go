package criu

import (
	"math"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/memfd"

	"github.com/thaw-cr/thaw/codec"
)

// checkMemory judges what a memory says besides its areas.
func (d *decoder) checkMemory(f *file) {
	if len(f.lists().auxv) == 0 {
		d.odd(f, &f.records[0], codec.Scant, "there is no auxiliary vector")
	}
}

// Bits of an area's status that say what it shows: one of them is set.
const (
	areaShows   = areaFilePrivate | areaFileShared | areaAnonShared | areaAnonPrivate | areaSocket | areaPlugin
	areaPrivate = areaFilePrivate | areaAnonPrivate
	areaShared  = areaFileShared | areaAnonShared
)

// Further flags of mmap(2) that an area may have, of which the model needs none: as
// most kernels ignore them, CRIU gives them back as they are.
const mapOthers = mapShared | mapPrivate | mapAnonymous | 0x10 /* MAP_FIXED */ | 0x800 /* MAP_DENYWRITE */ |
	0x1000 /* MAP_EXECUTABLE */ | 0x8000 /* MAP_POPULATE */ | 0x10000 /* MAP_NONBLOCK */ | 0x20000 /* MAP_STACK */ |
	0x3f<<26 /* size of huge pages */

// knownMap and knownAdvice are all flags of areas, and numbers of madvise(2), that
// are known.
var knownMap, knownAdvice = func() (flags uint32, advice uint64) {
	flags = mapOthers
	for _, f := range mapFlags {
		flags |= f.bit
	}
	for _, f := range adviceFlags {
		advice |= 1 << f.advice
	}
	return flags, advice
}()

// openMode are the flags that a mapped file is opened with: O_RDONLY, O_WRONLY or
// O_RDWR, and O_LARGEFILE.
const openMode = 3 | 0o100000

var areaOddities = []oddity[*area]{
	{"status shows no one thing: a private or shared file, private or shared memory", func(a *area) bool {
		s := a.status & areaShows
		return s&(s-1) != 0 || s == 0 && a.status&(areaAIORing|areaUprobes) == 0
	}},
	{"status lacks the bit of areas that are restored", func(a *area) bool {
		return a.status&(areaRegular|areaVSyscall|areaPlugin) == 0
	}},
	{"flags and status disagree on whether it is shared", func(a *area) bool {
		return a.status&areaPrivate != 0 && a.flags&mapShared != 0 || a.status&areaShared != 0 && a.flags&mapShared == 0
	}},
	{"flags say both shared and private", func(a *area) bool { return a.flags&mapShared != 0 && a.flags&mapPrivate != 0 }},
	{"shmid is no file's number", func(a *area) bool {
		return a.status&(areaFilePrivate|areaFileShared|areaMemfd) != 0 && a.shmid > math.MaxUint32
	}},
	{"prot has bits that are no protection", func(a *area) bool { return a.prot > 0xff }},
}

var areaBits = []bitset[*area]{
	{"flags", uint64(knownMap), func(a *area) uint64 { return uint64(a.flags) }},
	{"madv", knownAdvice, func(a *area) uint64 { return a.madv }},
	{"fdflags", openMode, func(a *area) uint64 { return uint64(a.fdflags) }},
}

var memfdOddities = []oddity[*memfd.MemfdInodeEntry]{
	{"uid or gid is nobody's", func(e *memfd.MemfdInodeEntry) bool { return e.GetUid() == nobody || e.GetGid() == nobody }},
	{"mode is no file's", func(e *memfd.MemfdInodeEntry) bool { return e.GetMode()&^(modeFile|modeBits) != 0 }},
	{"seals has bits that seal nothing", func(e *memfd.MemfdInodeEntry) bool { return e.GetName() == sharedAnonName && e.GetSeals() > sealBits }},
	{"hugetlb_flag has bits that say nothing of huge pages", func(e *memfd.MemfdInodeEntry) bool {
		return e.GetHugetlbFlag()&^(4 /* MFD_HUGETLB */ |0x3f<<26) != 0 && e.GetName() == sharedAnonName
	}},
}

// Bits of a mode besides its type, the type of regular files, and all seals
// (F_SEAL_ in include/uapi/linux/fcntl.h).
const (
	modeFile = 0o100000
	modeBits = 0o7777
	sealBits = 0x3f
)
