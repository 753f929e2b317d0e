package criu

import (
	"math"
	"slices"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/tty"

	"github.com/thaw-cr/thaw/codec"
)

// Bounds of terminals: of indexes (NR_UNIX98_PTY_MAX in include/linux/tty.h) and of
// numbers of processes (PID_MAX_LIMIT in include/linux/threads.h).
const (
	maxTerminal = 1 << 20
	maxPID      = 1 << 22
)

var terminalOddities = []oddity[*tty.TtyInfoEntry]{
	{"type is no terminal's", func(e *tty.TtyInfoEntry) bool {
		return e.GetType() < tty.TtyType_PTY || e.GetType() > tty.TtyType_SERIAL
	}},
	{"type and pty disagree on whether it is a pseudo-terminal", func(e *tty.TtyInfoEntry) bool {
		return (e.GetType() == tty.TtyType_PTY) != (e.GetPty() != nil)
	}},
	{"rdev is no pseudo-terminal's", func(e *tty.TtyInfoEntry) bool { return e.GetType() == tty.TtyType_PTY && !isPseudo(e.GetRdev()) }},
	{"pty.index is too large", func(e *tty.TtyInfoEntry) bool { return e.GetPty().GetIndex() >= maxTerminal }},
	{"sid or pgrp is no process's number", func(e *tty.TtyInfoEntry) bool { return e.GetSid() > maxPID || e.GetPgrp() > maxPID }},
	{"winsize has a number of more than 16 bits", func(e *tty.TtyInfoEntry) bool {
		w := e.GetWinsize()
		return max(w.GetWsRow(), w.GetWsCol(), w.GetWsXpixel(), w.GetWsYpixel()) > math.MaxUint16
	}},
	{"termios is without its control characters, or has one of more than a byte", func(e *tty.TtyInfoEntry) bool {
		return oddTermios(e.GetTermios()) || oddTermios(e.GetTermiosLocked())
	}},
}

func oddTermios(t *tty.TermiosEntry) bool {
	return t != nil && (len(t.GetCCc()) != controlChars || t.GetCLine() > math.MaxUint8 || slices.Max(t.GetCCc()) > math.MaxUint8)
}

// isPseudo says whether a device is a side of a pseudo-terminal
// (Documentation/admin-guide/devices.txt).
func isPseudo(rdev uint32) bool {
	major, minor := device(rdev)
	return major == majorAux && minor == minorPtmx || major >= 128 && major <= 143
}

// checkTerminal judges a side of a terminal. A master has all settings, a slave all
// or none (criu: tty.c, verify_info).
func (d *decoder) checkTerminal(f *file, r *record, e *tty.TtyInfoEntry) {
	check(d, f, r, e, terminalOddities)
	n := 0
	for _, has := range []bool{e.GetTermios() != nil, e.GetTermiosLocked() != nil, e.GetWinsize() != nil} {
		if has {
			n++
		}
	}
	if e.GetType() == tty.TtyType_PTY && n != 3 && (n != 0 || isMaster(e)) {
		d.odd(f, r, codec.Missing, "terminal %d has %d of its termios, termios_locked and winsize", e.GetId(), n)
	}
}
