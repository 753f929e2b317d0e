package criu

import (
	"encoding/binary"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/tty"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Numbers of terminal devices (Documentation/admin-guide/devices.txt).
const (
	majorAux  = 5
	minorPtmx = 2
	// settingsSize is the size of struct termios2, controlChars of its c_cc.
	settingsSize = 44
	controlChars = 19
)

// device takes a device number apart (new_encode_dev in include/linux/kdev_t.h).
func device(v uint32) (major, minor uint32) { return v >> 8 & 0xfff, v&0xff | v>>12&0xfff00 }

// isMaster says whether an entry is the side of a pseudo-terminal that a terminal
// program has.
func isMaster(e *tty.TtyInfoEntry) bool {
	major, minor := device(e.GetRdev())
	return e.GetType() == tty.TtyType_PTY && major == majorAux && minor == minorPtmx
}

// terminalInfos makes the terminals. Both sides of a pseudo-terminal are one.
func (d *decoder) terminalInfos() error {
	f := d.find(kTTYInfo, 0)
	pairs := map[uint32]format.ObjectID{}
	for i, e := range entries[*tty.TtyInfoEntry](f) {
		r := &f.records[i]
		if _, twice := d.terminals[e.GetId()]; twice {
			return fault(f, r, codec.Duplicate, "terminal %d is there twice", e.GetId())
		}
		d.checkTerminal(f, r, e)
		id, ok := pairs[e.GetPty().GetIndex()]
		if !ok || e.GetPty() == nil {
			o := format.Terminal{ID: d.newID(), Inherited: true}
			id = o.ID
			d.img.Objects.Terminals = append(d.img.Objects.Terminals, o)
			if e.GetPty() != nil {
				pairs[e.GetPty().GetIndex()] = id
			}
		}
		d.terminals[e.GetId()], d.masters[e.GetId()] = id, isMaster(e)
		d.terminalInfo(e, d.terminal(id))
	}
	d.terminalData()
	return d.charge(int64(len(d.terminals)) * 512)
}

func (d *decoder) terminal(id format.ObjectID) *format.Terminal {
	if o := at(d.img.Objects.Terminals, id, func(o *format.Terminal) format.ObjectID { return o.ID }); o != nil {
		return o
	}
	return &format.Terminal{}
}

// terminalInfo adds what an entry says of a terminal.
func (d *decoder) terminalInfo(e *tty.TtyInfoEntry, o *format.Terminal) {
	o.Locked = o.Locked || e.GetLocked()
	o.Packet = o.Packet || e.GetPacketMode()
	if isMaster(e) {
		o.Inherited = false
	} else {
		o.Major, o.Minor = device(e.GetRdev())
		o.Session, o.Group = format.PID(e.GetSid()), format.PID(e.GetPgrp())
	}
	if e.GetPty() != nil {
		o.Index = e.GetPty().GetIndex()
		o.Path = "/dev/pts/" + utoa(uint64(o.Index))
	}
	if w := e.GetWinsize(); w != nil && (!isMaster(e) || o.Rows == 0) {
		o.Rows, o.Columns = uint16(w.GetWsRow()), uint16(w.GetWsCol())
	}
	if t := e.GetTermios(); t != nil && (o.Settings == nil || !isMaster(e)) {
		o.Settings = settings(t)
	}
}

// settings is struct termios2 (include/uapi/asm-generic/termbits.h).
func settings(t *tty.TermiosEntry) []byte {
	b := make([]byte, 0, settingsSize)
	for _, w := range []uint32{t.GetCIflag(), t.GetCOflag(), t.GetCCflag(), t.GetCLflag()} {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	b = append(b, byte(t.GetCLine()))
	for i := range controlChars {
		c := uint32(0)
		if i < len(t.GetCCc()) {
			c = t.GetCCc()[i]
		}
		b = append(b, byte(c))
	}
	b = binary.LittleEndian.AppendUint32(b, t.GetCIspeed())
	return binary.LittleEndian.AppendUint32(b, t.GetCOspeed())
}

// terminalData adds unread bytes.
func (d *decoder) terminalData() {
	for _, e := range entries[*tty.TtyDataEntry](d.find(kTTYData, 0)) {
		id, ok := d.terminals[e.GetTtyId()]
		if !ok {
			d.warn(0, "bytes of terminal %d, which is not there, are dropped", e.GetTtyId())
			continue
		}
		o := d.terminal(id)
		if d.masters[e.GetTtyId()] {
			o.Output = append(o.Output, e.GetData()...)
		} else {
			o.Input = append(o.Input, e.GetData()...)
		}
	}
}

// controlling is the terminal of a session; zero if it has none.
func (d *decoder) controlling(sid format.PID) format.ObjectID {
	if d.sessions == nil {
		d.sessions = map[format.PID]format.ObjectID{}
		for i := range d.img.Objects.Terminals {
			if o := &d.img.Objects.Terminals[i]; o.Session != 0 && d.sessions[o.Session] == 0 {
				d.sessions[o.Session] = o.ID
			}
		}
	}
	return d.sessions[sid]
}

func (d *decoder) tty(e *entryOf, o *format.OpenFile) error {
	v := e.GetTty()
	if v == nil {
		return lacks(e)
	}
	id, ok := d.terminals[v.GetTtyInfoId()]
	if !ok {
		return fault(e.file, e.rec, codec.Missing, "terminal %d of open file %d is not in tty-info.img", v.GetTtyInfoId(), e.GetId())
	}
	o.Kind, o.Flags, o.Owner = format.FileTTY, v.GetFlags(), owner(v.GetFown())
	o.TTY = &format.TTYFile{Terminal: id, Master: d.masters[v.GetTtyInfoId()]}
	if v.RegfId == nil {
		return nil
	}
	var err error
	o.TTY.File, err = d.path(v.GetRegfId(), e.file, e.rec)
	return err
}
