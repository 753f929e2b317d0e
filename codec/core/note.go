package core

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/thaw-cr/thaw/format"
)

// Types of notes (include/uapi/linux/elf.h).
const (
	ntPRStatus = 1
	ntFPRegSet = 2
	ntPRPSInfo = 3
	ntAuxv     = 6
	ntXState   = 0x202
	ntFile     = 0x46494c45
	ntSigInfo  = 0x53494749
)

// fileNoteMost is how long the list of mapped files may get; the kernel leaves a
// longer one out (fs/coredump.c, core_file_note_size_limit).
const fileNoteMost = 4 << 20

// notes writes the notes of a process in the kernel's order: those of the process,
// of which info is NT_PRPSINFO, behind the first thread's state.
func notes(w io.Writer, p *process, info []byte) error {
	for i, t := range p.threads {
		if err := note(w, "CORE", ntPRStatus, prstatus(t)); err != nil {
			return err
		}
		if i == 0 {
			if err := processNotes(w, p, info); err != nil {
				return err
			}
		}
		area := t.Registers.AMD64.XSave
		if len(area) >= fxsaveBytes {
			if err := note(w, "CORE", ntFPRegSet, area[:fxsaveBytes]); err != nil {
				return err
			}
		}
		if x := xstate(area); x != nil {
			if err := note(w, "LINUX", ntXState, x); err != nil {
				return err
			}
		}
	}
	return nil
}

func processNotes(w io.Writer, p *process, info []byte) error {
	if err := note(w, "CORE", ntPRPSInfo, info); err != nil {
		return err
	}
	if info := siginfo(p.threads[0]); info != nil {
		if err := note(w, "CORE", ntSigInfo, info); err != nil {
			return err
		}
	}
	if len(p.memory.Auxv) > 0 {
		var b []byte
		for _, word := range p.memory.Auxv {
			b = binary.LittleEndian.AppendUint64(b, word)
		}
		if err := note(w, "CORE", ntAuxv, b); err != nil {
			return err
		}
	}
	if files := fileNote(p.memory); files != nil {
		return note(w, "CORE", ntFile, files)
	}
	return nil
}

// note writes one note: its name and contents, each filled up to four bytes.
func note(w io.Writer, name string, kind uint32, desc []byte) error {
	if len(desc) > math.MaxUint32 {
		return fmt.Errorf("note %#x of %d bytes", kind, len(desc))
	}
	le := binary.LittleEndian
	var b []byte
	b = le.AppendUint32(b, uint32(len(name)+1))
	b = le.AppendUint32(b, uint32(len(desc)))
	b = le.AppendUint32(b, kind)
	b = append(b, name...)
	b = append(b, make([]byte, roundUp(uint64(len(name)+1), 4)-uint64(len(name)))...)
	if _, err := w.Write(b); err != nil {
		return err
	}
	if _, err := w.Write(desc); err != nil {
		return err
	}
	_, err := w.Write(make([]byte, roundUp(uint64(len(desc)), 4)-uint64(len(desc))))
	return err
}

func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }

// prstatus is struct elf_prstatus (include/linux/elfcore.h). Processor times are
// not known of living tasks and stay zero.
func prstatus(t *format.Task) []byte {
	const size, registersAt = 336, 112
	le := binary.LittleEndian
	b := make([]byte, size)
	var pending format.SignalSet
	for i := range t.Pending {
		pending = pending.With(t.Pending[i].Signal)
	}
	if t.State == format.Stopped {
		le.PutUint32(b[0:], uint32(t.StopSignal))
		le.PutUint16(b[12:], uint16(t.StopSignal))
	}
	le.PutUint64(b[16:], uint64(pending))
	le.PutUint64(b[24:], uint64(t.SignalMask))
	for i, id := range []format.PID{t.TID, t.PPID, t.PGID, t.SID} {
		le.PutUint32(b[32+4*i:], uint32(id))
	}
	r := t.Registers.AMD64
	for i, v := range []uint64{
		r.R15, r.R14, r.R13, r.R12, r.RBP, r.RBX, r.R11, r.R10, r.R9, r.R8, r.RAX, r.RCX, r.RDX, r.RSI, r.RDI,
		r.OrigAX, r.RIP, r.CS, r.RFlags, r.RSP, r.SS, r.FSBase, r.GSBase, r.DS, r.ES, r.FS, r.GS,
	} {
		le.PutUint64(b[registersAt+8*i:], v)
	}
	if len(r.XSave) >= fxsaveBytes {
		le.PutUint32(b[size-8:], 1) // pr_fpvalid
	}
	return b
}

// siginfo is the siginfo_t of the signal that stopped a task; nil of one that is
// not stopped: no signal has killed it, as one has that the kernel writes a core
// file of. Who sent the signal is not known.
func siginfo(t *format.Task) []byte {
	if t.State != format.Stopped || t.StopSignal == 0 {
		return nil
	}
	b := make([]byte, format.SigInfoSize)
	binary.LittleEndian.PutUint32(b, uint32(t.StopSignal))
	return b
}

// psargsMost is how much of a command line NT_PRPSINFO has room for (ELF_PRARGSZ),
// its final zero byte left out.
const psargsMost = 80 - 1

// prpsinfo is struct elf_prpsinfo (include/linux/elfcore.h). The process's flags
// are not known.
func prpsinfo(p *process, args []byte) []byte {
	const size, commMost = 136, 16 - 1
	le := binary.LittleEndian
	b := make([]byte, size)
	t := p.first()
	state, letter := byte(0), byte('R')
	if p.threads[0].State == format.Stopped {
		state, letter = 3, 'T'
	}
	b[0], b[1] = state, letter
	if s := t.Sched; s != nil {
		b[3] = byte(s.Nice)
	}
	if c := p.creds; c != nil {
		le.PutUint32(b[16:], c.UID)
		le.PutUint32(b[20:], c.GID)
	}
	for i, id := range []format.PID{p.tgid, t.PPID, t.PGID, t.SID} {
		le.PutUint32(b[24+4*i:], uint32(id))
	}
	copy(b[40:40+commMost], t.Comm)
	line := b[56 : 56+psargsMost]
	n := copy(line, bytes.TrimSuffix(args, []byte{0}))
	for i, c := range line[:n] {
		if c == 0 {
			line[i] = ' '
		}
	}
	return b
}

// fileNote is the contents of NT_FILE: which files are mapped where. It is nil if
// none is, or the list is too long.
func fileNote(m *format.AddressSpace) []byte {
	if n, fits := fileNoteBytes(m); n == 0 || !fits {
		return nil
	}
	le := binary.LittleEndian
	count := uint64(0)
	var places, names []byte
	for i := range m.VMAs {
		v := &m.VMAs[i]
		name := fileName(v)
		if name == "" {
			continue
		}
		count++
		places = le.AppendUint64(places, uint64(v.Start))
		places = le.AppendUint64(places, uint64(v.End))
		places = le.AppendUint64(places, v.Offset/format.PageSize)
		names = append(append(names, name...), 0)
	}
	b := le.AppendUint64(le.AppendUint64(nil, count), format.PageSize)
	return append(append(b, places...), names...)
}

// fileNoteBytes is how long the list of mapped files is, as far as it is counted,
// and whether it is not too long.
func fileNoteBytes(m *format.AddressSpace) (n int, fits bool) {
	for i := range m.VMAs {
		if name := fileName(&m.VMAs[i]); name != "" {
			n += 3*8 + len(name) + 1
		}
		if n > fileNoteMost {
			return n, false
		}
	}
	return n, true
}

// fileName is the name of what is mapped as the kernel shows it; empty for memory
// without a file.
func fileName(v *format.VMA) string {
	const gone = " (deleted)"
	switch {
	case v.Kind == format.VMAFile && v.File.Deleted != 0:
		return v.File.Path + gone
	case v.Kind == format.VMAFile:
		return v.File.Path
	case v.Kind == format.VMAShared && v.Name != "":
		return v.Name
	case v.Kind == format.VMAShared:
		return "/dev/zero" + gone
	}
	return ""
}
