package husk

import (
	"encoding/binary"
	"fmt"
	"slices"
	"syscall"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// Closed stands for no descriptor in Attr.Files.
const Closed = ^uintptr(0)

// Attr says how the first husk is started.
type Attr struct {
	// Files are the husk's descriptors, by number; Closed for none.
	Files []uintptr
	// Boot is the number in Files under which the husk has its own program.
	Boot int
	// Sys holds new namespaces and id maps.
	Sys *syscall.SysProcAttr
}

// Addresses of what the boot image holds, relative to its page.
const (
	elfHeader  = 64
	elfProgram = 56
	bootCode   = 0x100
	bootRecord = 0xe00
)

// Start executes a husk that maps the table, whose descriptor it finds as
// number tablefd, one page below the table's address, and goes on with the
// program at start. The caller must wait for the process in the end.
func Start(t *Table, start *Program, tablefd int, attr Attr) (int, error) {
	if err := t.Err(); err != nil {
		return 0, err
	}
	fd, err := sys.MemfdExec("thaw-husk")
	if err != nil {
		return 0, err
	}
	defer sys.Close(fd) //nolint:errcheck // a memfd of no further use
	if _, err := sys.Pwrite(fd, bootImage(t, start, tablefd), 0); err != nil {
		return 0, err
	}
	files := slices.Clone(attr.Files)
	files[attr.Boot] = uintptr(fd)
	path := fmt.Sprintf("/proc/self/fd/%d", attr.Boot)
	pid, _, err := syscall.StartProcess(path, []string{"thaw-husk"}, &syscall.ProcAttr{Files: files, Sys: attr.Sys})
	if err != nil {
		return 0, fmt.Errorf("start a husk: %w", err)
	}
	return pid, nil
}

// BootSize is the room in bytes that a starting husk needs below the table.
const BootSize = pageSize

// bootImage is an ELF program of one page: code, and the two records that map
// the table and go there.
func bootImage(t *Table, start *Program, tablefd int) []byte {
	page := t.base - BootSize
	b := make([]byte, pageSize)
	copy(b, elfFile(page))
	copy(b[bootCode:], code(page+bootRecord, t.base+headerPage))
	const rwx, sharedFixedNoReplace = 7, 0x100001
	put := func(i int, words ...uint64) {
		for j, w := range words {
			binary.LittleEndian.PutUint64(b[bootRecord+i*recordSize+8*j:], w)
		}
	}
	put(0, uint64(abi.SysMmap), t.base, t.Size(), rwx, sharedFixedNoReplace, uint64(tablefd), 0, 0, t.base, t.base)
	put(1, opCode, run(t.base), start.Start())
	return b
}

// elfFile is the header of a static program with one segment, the page it
// begins (elf(5)).
func elfFile(page uint64) []byte {
	b := make([]byte, elfHeader+elfProgram)
	le := binary.LittleEndian
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], 2) // ET_EXEC
	le.PutUint16(b[18:], elfMachine)
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[24:], page+bootCode)
	le.PutUint64(b[32:], elfHeader)
	le.PutUint16(b[52:], elfHeader)
	le.PutUint16(b[54:], elfProgram)
	le.PutUint16(b[56:], 1)
	p := b[elfHeader:]
	le.PutUint32(p[0:], 1) // PT_LOAD
	le.PutUint32(p[4:], 7) // readable, writable, executable
	le.PutUint64(p[16:], page)
	le.PutUint64(p[24:], page)
	le.PutUint64(p[32:], pageSize)
	le.PutUint64(p[40:], pageSize)
	le.PutUint64(p[48:], pageSize)
	return b
}
