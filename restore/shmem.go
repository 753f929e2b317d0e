package restore

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

func pageAlign(n uint64) uint64 { return (n + pageSize - 1) &^ (pageSize - 1) }

// emitSharedMemory makes memory that several address spaces or files share and
// fills it. at is where it may be mapped meanwhile; the next free address is
// returned.
func (b *builder) emitSharedMemory(p *husk.Program, s *format.SharedMemory, at uint64) uint64 {
	if s.Kind == format.SharedSysV {
		return b.emitSegment(p, s, at)
	}
	if s.Kind == format.SharedAnon && b.host.mapFiles {
		return b.emitSharedAnon(p, s, at)
	}
	name, flags := s.Name, uint64(s.MemfdFlags)|abi.MfdCloexec
	if s.Kind == format.SharedAnon {
		name = "shared-anonymous"
	}
	// Sealing must be allowed here and is forbidden by a seal of its own.
	if s.Kind == format.SharedMemfd {
		flags |= abi.MfdAllowSealing
	}
	b.create(p, s.ID, "create memfd", name, abi.SysMemfdCreate, b.t.String(name), flags)
	n := uint64(b.files.number[s.ID])
	p.Call("set size", abi.SysFtruncate, n, s.Size)
	at = b.fill(p, s.ID, s.Size, at)
	if s.Kind == format.SharedMemfd {
		b.emitMemfdAttributes(p, s, n)
	}
	return at
}

func (b *builder) emitMemfdAttributes(p *husk.Program, s *format.SharedMemory, n uint64) {
	if s.UID != b.host.creds.FSUID || s.GID != b.host.creds.FSGID {
		p.Call("set owner", abi.SysFchown, n, uint64(s.UID), uint64(s.GID)).Detail(s.Name)
	}
	if s.Mode&0o7777 != 0 {
		p.Call("set mode", abi.SysFchmod, n, uint64(s.Mode&0o7777)).Detail(s.Name)
	}
	if s.Seals != 0 {
		p.Call("seal", abi.SysFcntl, n, abi.FAddSeals, uint64(s.Seals)).Detail(s.Name)
	}
}

// emitSharedAnon makes memory that is nobody's file: it is mapped once, and
// others map the file that /proc shows behind that mapping.
func (b *builder) emitSharedAnon(p *husk.Program, s *format.SharedMemory, at uint64) uint64 {
	size := pageAlign(s.Size)
	p.Call("map shared memory", abi.SysMmap, at, size, abi.ProtRead|abi.ProtWrite,
		fixed|abi.MapShared|abi.MapAnonymous, ^uint64(0), 0).Exact(at)
	path := fmt.Sprintf("/proc/self/map_files/%x-%x", at, at+size)
	b.create(p, s.ID, "open", path, abi.SysOpenat, atFDCWD, b.t.String(path), uint64(format.ORdWr), 0)
	b.fillAt(p, s.ID, at)
	p.Call("unmap", abi.SysMunmap, at, size)
	return at + size
}

// fill writes the pages of an object into the file of its number by a mapping
// at address at.
func (b *builder) fill(p *husk.Program, id format.ObjectID, size, at uint64) uint64 {
	size = pageAlign(size)
	if size == 0 {
		return at
	}
	p.Call("map", abi.SysMmap, at, size, abi.ProtRead|abi.ProtWrite, fixed|abi.MapShared,
		uint64(b.files.number[id]), 0).Exact(at)
	b.fillAt(p, id, at)
	p.Call("unmap", abi.SysMunmap, at, size)
	return at + size
}

func (b *builder) fillAt(p *husk.Program, id format.ObjectID, at uint64) {
	runs, err := b.rawRuns(id)
	if err != nil {
		b.fail(err)
		return
	}
	r := reader{b: b, p: p}
	for _, run := range runs {
		if !run.Zero {
			r.add(at+uint64(run.First)*pageSize, run.Count*pageSize, run)
		}
	}
	r.flush()
}
