package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// A capture may be killed at any moment, and then each task must go on as if
// nothing had happened. So a task makes injected system calls from code that
// leads back by itself: while a process is queried, the stub of stub_amd64.s
// stands in the room that the kernel leaves behind the vdso's contents, with a
// slot for each of two tasks. The slot holds what the task had in its registers
// and which signals it blocked. A task that the kernel lets go, because this
// program is dead, runs on into the rest of the stub: that unmaps the scratch
// memory, puts mask and registers back and jumps to where the task was.
//
// What a killed capture leaves is the stub: some hundred bytes that nobody
// jumps to. A later capture takes them for the zeroes they were, and uses other
// slots, as the handler of a signal may yet return through the old ones.
//
// An interrupted call starts again as the kernel would have done it. Signals that
// were blocked come in while the stub puts the mask back: where a handler has run,
// the call ends with EINTR, but for those that the kernel restarts behind handlers
// with SA_RESTART (ERESTARTSYS), which the stub restarts behind all.
//
// Where there is no vdso, or no room, calls are made at any system call
// instruction; a kill in the short time that this takes does harm.

// vdsoRoom is the room behind the contents of a vdso.
type vdsoRoom struct {
	// insn is the address of a system call instruction in it, or zero.
	insn uint64
	// addr and size say where the room is; size is zero if there is none.
	addr, size uint64
	// left says that a killed capture has left its stub there, pair which slots
	// it used.
	left bool
	pair uint64
}

const (
	stubMagic  = "thawstub"
	stubPair   = 8 // offset of the last pair used
	stubAt     = 16
	roomAlign  = 64
	movEAXSize = 5 // what loads a call's number
	scratchNot = 1 // no address of a page: unmapping it fails
)

// Offsets in a slot; the assembly knows them.
const (
	slotAX, slotAltAX, slotBX, slotCX     = 0, 8, 16, 24
	slotDX, slotSI, slotDI, slotBP        = 32, 40, 48, 56
	slotR8, slotR9, slotR10, slotR11      = 64, 72, 80, 88
	slotR12, slotR13, slotR14, slotR15    = 96, 104, 112, 120
	slotIP, slotAltIP, slotMask, slotZero = 128, 136, 144, 152
	slotBack, slotEINTR                   = 168, 176
	slotLast, slotAltLast                 = 184, 200
	slotLiveAX, slotOrigAX, slotLiveIP    = 216, 224, 232 // for a later capture
	slotHard, slotSize                    = 240, 248
)

// stubEntries is the stub without the assembler's padding, and where things are
// in it: the call that maps, the calls for actions, any call, what stands behind
// them, and the call that unmaps. It begins with the jump back, as long as a
// system call instruction.
var stubEntries = sync.OnceValue(func() (e struct {
	code                    []byte
	mapping, actions, other uint64
	called, unmap           uint64
},
) {
	e.code = bytes.TrimRight(stubText(), "\xcc")
	rest := e.code
	var at []uint64
	for i := bytes.Index(rest, syscallInsn); i >= 0; i = bytes.Index(rest, syscallInsn) {
		at = append(at, uint64(len(e.code)-len(rest)+i))
		rest = rest[i+len(syscallInsn):]
	}
	e.mapping, e.actions, e.other = at[0], at[1]-movEAXSize, at[2]
	e.called, e.unmap = at[3]+uint64(len(syscallInsn)), at[4]
	return e
})

// slotsAt is the offset of the first slot.
func slotsAt() uint64 { return (stubAt + uint64(len(stubEntries().code)) + 7) &^ 7 }

// lookAtVDSO finds room in a vdso that was read from address at on, and takes
// what a killed capture left there out of what was read.
func lookAtVDSO(code []byte, at uint64) vdsoRoom {
	var r vdsoRoom
	if i := bytes.Index(code, syscallInsn); i >= 0 {
		r.insn = at + uint64(i)
	}
	from := elfEnd(code)
	if from == 0 || from >= uint64(len(code)) {
		return r
	}
	room := code[from:]
	r.addr, r.size = at+from, uint64(len(room))
	if bytes.HasPrefix(room, []byte(stubMagic)) && len(room) > stubAt {
		r.left, r.pair = true, binary.LittleEndian.Uint64(room[stubPair:])
		if !bytes.HasPrefix(room[stubAt:], stubEntries().code) {
			r.size = 0 // of another version
		}
		clear(room)
	} else if bytes.Trim(room, "\x00") != nil {
		r.size = 0
	}
	if r.size < slotsAt()+2*slotSize {
		r.size = 0
	}
	return r
}

// elfEnd is where the contents of a small ELF file end, with all its headers
// and segments, rounded up; zero if it is none.
func elfEnd(b []byte) uint64 {
	const header = 64
	if len(b) < header || !bytes.HasPrefix(b, []byte("\x7fELF\x02\x01")) {
		return 0
	}
	le := binary.LittleEndian
	phoff, shoff := le.Uint64(b[32:]), le.Uint64(b[40:])
	phsize, phnum := uint64(le.Uint16(b[54:])), uint64(le.Uint16(b[56:]))
	end := max(phoff+phsize*phnum, shoff+uint64(le.Uint16(b[58:]))*uint64(le.Uint16(b[60:])))
	for i := range phnum {
		at := phoff + i*phsize
		if at >= uint64(len(b)) || uint64(len(b))-at < 56 {
			return 0
		}
		offset, size := le.Uint64(b[at+8:]), max(le.Uint64(b[at+32:]), le.Uint64(b[at+40:]))
		if offset > uint64(len(b)) || size > uint64(len(b)) {
			return 0
		}
		end = max(end, offset+size)
	}
	return (end + roomAlign - 1) / roomAlign * roomAlign
}

// A stub is the code in one process's vdso.
type stub struct {
	room vdsoRoom
	mem  int // /proc/PID/mem
	used [2]bool
	// done says that the code is there, broken that it cannot be written.
	done, broken bool
}

// openStub gets ready to write a stub; nil if there is no room.
func (c *capturer) openStub(t *task) *stub {
	room := t.proc.mem.vdso
	if room.size == 0 || c.opts.noStub {
		return nil
	}
	fd, err := sys.Open(procfs.Path(t.tid, "mem"), abi.ORdwr, 0)
	if err != nil {
		return nil
	}
	if room.left {
		room.pair++
	}
	if (room.pair+1)*2*slotSize > room.size-slotsAt() {
		room.pair = 0
	}
	return &stub{room: room, mem: fd}
}

// close takes the stub out of the vdso again, unless a task may be in it.
func (s *stub) close() error {
	if s == nil {
		return nil
	}
	var err error
	if s.done && !s.room.left && !s.used[0] && !s.used[1] {
		_, err = sys.Pwrite(s.mem, make([]byte, s.length()), int64(s.room.addr))
		if gone(err) {
			err = nil
		}
	}
	return errors.Join(err, sys.Close(s.mem))
}

// length is how much of the room the stub and the slots in use take.
func (s *stub) length() uint64 { return slotsAt() + (s.room.pair+1)*2*slotSize }

// at is the address of a place in the stub.
func (s *stub) at(entry uint64) uint64 { return s.room.addr + stubAt + entry }

// take fills a slot for a task and gives its index.
func (s *stub) take(t *task) (int, error) {
	if !s.done {
		if err := s.begin(); err != nil {
			return 0, err
		}
	}
	i := 0
	if s.used[0] {
		i = 1
	}
	at := s.slot(i)
	_, err := sys.Pwrite(s.mem, fillSlot(t, at), int64(at))
	s.used[i] = true
	return i, err
}

// begin writes the code, but over one that is there and that a task may be in.
func (s *stub) begin() error {
	b := make([]byte, stubAt, s.length())
	copy(b, stubMagic)
	binary.LittleEndian.PutUint64(b[stubPair:], s.room.pair)
	if !s.room.left {
		b = append(b, stubEntries().code...)
	}
	if _, err := sys.Pwrite(s.mem, b, int64(s.room.addr)); err != nil {
		return err
	}
	s.done = true
	return nil
}

// slot is the address of a slot.
func (s *stub) slot(i int) uint64 {
	return s.room.addr + slotsAt() + (2*s.room.pair+uint64(i))*slotSize
}

// fillSlot makes the slot at address at by which a task returns to what it does.
func fillSlot(t *task, at uint64) []byte {
	b := make([]byte, slotSize)
	put := func(off int, v uint64) { binary.LittleEndian.PutUint64(b[off:], v) }
	r := restarted(&t.live)
	for off, p := range savedRegs(&t.live) {
		put(off, *p)
	}
	for off, v := range map[int]uint64{
		slotAX: r.ax, slotAltAX: r.altAX, slotIP: r.ip, slotAltIP: r.altIP, slotHard: r.hard, slotMask: t.mask,
		slotBack: at + slotLast, slotEINTR: at + slotAltLast,
		slotLiveAX: t.live.RAX, slotOrigAX: t.live.OrigRAX, slotLiveIP: t.live.RIP,
	} {
		put(off, v)
	}
	copy(b[slotLast:], lastJump(slotLast, slotIP))
	copy(b[slotAltLast:], lastJump(slotAltLast, slotAltIP))
	return b
}

// lastJump is the code at an offset of the slot that loads the last register
// and jumps to the address in the slot at target.
func lastJump(at, target int) []byte {
	const movR13, jump = 7, 6 // bytes
	b := []byte{0x4c, 0x8b, 0x2d, 0, 0, 0, 0, 0xff, 0x25, 0, 0, 0, 0}
	binary.LittleEndian.PutUint32(b[3:], uint32(int32(slotR13-(at+movR13))))
	binary.LittleEndian.PutUint32(b[9:], uint32(int32(target-(at+movR13+jump))))
	return b
}

// A way back is what the kernel makes of an interrupted call when it finds no
// signal to deliver; alt is what it makes if a handler has run, which is certain
// for any handler if hard is 1.
type wayBack struct{ ax, ip, altAX, altIP, hard uint64 }

// restarted follows arch_do_signal_or_restart and handle_signal
// (arch/x86/kernel/signal.c).
func restarted(r *abi.UserRegs) wayBack {
	w := wayBack{ax: r.RAX, ip: r.RIP, altAX: r.RAX, altIP: r.RIP}
	if !interrupted(r) {
		return w
	}
	w.ax, w.ip = r.OrigRAX, r.RIP-uint64(len(syscallInsn))
	w.altAX = result(int(sys.EINTR))
	switch r.RAX {
	case result(abi.ERestartNoHand):
		w.hard = 1
	case result(abi.ERestartRestartBlock):
		w.hard, w.ax = 1, abi.SysRestartSyscall
	}
	return w
}

// interrupted says whether the kernel makes the call again that the task was
// stopped in.
func interrupted(r *abi.UserRegs) bool {
	switch r.RAX {
	case result(abi.ERestartSys), result(abi.ERestartNoIntr), result(abi.ERestartNoHand), result(abi.ERestartRestartBlock):
		return inCall(r)
	}
	return false
}

// leaveStub finds out what a task has really in its registers that a killed
// capture left in the stub: one that was stopped by a signal has not come out of
// it. It stays there until it is let go, or injected anew.
func (c *capturer) leaveStub(t *task) error {
	room := &t.proc.mem.vdso
	if !room.left || room.size == 0 || t.live.RIP-room.addr >= room.size {
		return nil
	}
	first := room.addr + slotsAt()
	at := t.live.R13
	if t.live.RIP >= first { // in the last jump, R13 is restored already
		at = first + (t.live.RIP-first)/slotSize*slotSize
	}
	var b [slotSize]byte
	if at < first || at > room.addr+room.size-slotSize || (at-first)%slotSize != 0 {
		return nil // not our way into it
	}
	if _, err := sys.ReadMemory(t.tid, at, b[:]); err != nil {
		return err
	}
	if scratch := stubScratch(&t.live, room.addr+stubAt); t.proc.mem.ownPage(scratch) {
		t.proc.scratch = scratch
	}
	for off, p := range savedRegs(&t.live) {
		*p = binary.LittleEndian.Uint64(b[off:])
	}
	t.live.RAX = binary.LittleEndian.Uint64(b[slotLiveAX:])
	t.live.RIP = binary.LittleEndian.Uint64(b[slotLiveIP:])
	t.live.OrigRAX = binary.LittleEndian.Uint64(b[slotOrigAX:])
	t.mask = binary.LittleEndian.Uint64(b[slotMask:])
	return nil
}

// ownPage says whether a page of writable memory of no file begins there.
func (m *memory) ownPage(addr uint64) bool {
	return addr%scratchSize == 0 && slices.ContainsFunc(m.maps, func(v procfs.Map) bool {
		return v.Start <= addr && addr < v.End && v.Write && !v.Shared && v.Inode == 0
	})
}

// stubScratch is the scratch memory that a task in the stub at an address has to
// unmap yet, or no address of a page.
func stubScratch(r *abi.UserRegs, code uint64) uint64 {
	e := stubEntries()
	switch at := r.RIP - code; {
	case at == e.mapping+uint64(len(syscallInsn)):
		return r.RAX
	case at == e.other && r.RAX == abi.SysMunmap:
		return r.RDI
	case at <= e.unmap:
		return r.RBX
	}
	return scratchNot
}

// savedRegs are the registers that a slot holds as they are, by offset.
func savedRegs(r *abi.UserRegs) map[int]*uint64 {
	return map[int]*uint64{
		slotBX: &r.RBX, slotCX: &r.RCX, slotDX: &r.RDX, slotSI: &r.RSI, slotDI: &r.RDI, slotBP: &r.RBP,
		slotR8: &r.R8, slotR9: &r.R9, slotR10: &r.R10, slotR11: &r.R11, slotR12: &r.R12, slotR13: &r.R13,
		slotR14: &r.R14, slotR15: &r.R15,
	}
}
