package core

import (
	"cmp"
	"encoding/hex"
	"fmt"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// arch is the machine whose core files are written, in Go's spelling.
const arch = "amd64"

// compatCS is the code segment of a task that runs 32-bit code (__USER32_CS,
// arch/x86/include/asm/segment.h).
const compatCS = 0x23

// process is a thread group.
type process struct {
	tgid format.PID
	// leader is dead or alive; nil if the image does not hold it.
	leader *format.Task
	// threads are those alive: the leader first, if it is, the others in the
	// order of the image.
	threads []*format.Task
	memory  *format.AddressSpace
	// creds are those of the task that speaks for the process; nil if they are not
	// known.
	creds *format.Credentials
	// vdso is the code that lies in the area of that kind; nil if the image does not
	// have it.
	vdso []byte
}

// first is the thread that speaks for the process: the leader, if it is known.
func (p *process) first() *format.Task {
	if p.leader != nil {
		return p.leader
	}
	return p.threads[0]
}

// has says whether a task is the process's.
func (p *process) has(tid format.PID) bool {
	for _, t := range p.threads {
		if t.TID == tid {
			return true
		}
	}
	return p.tgid == tid
}

// refusal says why the process has no core file; empty if it has one.
func (p *process) refusal() string {
	switch {
	case len(p.threads) == 0:
		return "it is dead, and nothing but its status is left"
	case p.memory == nil:
		return "the image does not hold its memory"
	}
	for _, t := range p.threads {
		switch {
		case t.Registers == nil || t.Registers.AMD64 == nil:
			return fmt.Sprintf("the image has no %s registers of its task %d", arch, t.TID)
		case t.Registers.AMD64.CS == compatCS:
			return "it is a 32-bit program"
		}
	}
	return ""
}

// groups puts the tasks into processes, in the order of the image.
func groups(img *format.Image) []*process {
	ix := format.NewIndex(img)
	var list []*process
	at := map[format.PID]*process{}
	for i := range img.Tasks {
		t := &img.Tasks[i]
		p := at[t.TGID]
		if p == nil {
			p = &process{tgid: t.TGID}
			at[t.TGID] = p
			list = append(list, p)
		}
		if t.Leader() && p.leader == nil {
			p.leader = t
		}
		if t.State.Dead() {
			continue
		}
		p.threads = append(p.threads, t)
		if t.Leader() {
			last := len(p.threads) - 1
			copy(p.threads[1:], p.threads[:last])
			p.threads[0] = t
		}
		if p.memory == nil {
			p.memory = ix.Memory(t.Memory)
		}
	}
	codes := vdsoCodes(img)
	for _, p := range list {
		if p.memory != nil {
			p.vdso = codes[hex.EncodeToString(p.memory.VDSO)]
			p.creds = ix.Creds(cmp.Or(p.first().Creds, p.threads[0].Creds))
		}
	}
	return list
}

// vdsoRecord is the record that carries the code of a vdso along, under its
// SHA-256 in hexadecimal.
const vdsoRecord = "vdso"

// vdsoCodes are those that an image carries along.
func vdsoCodes(img *format.Image) map[string][]byte {
	codes := map[string][]byte{}
	for i := range img.Attachments {
		if a := &img.Attachments[i]; a.Record == vdsoRecord && a.Place != "" {
			codes[a.Place] = a.Data
		}
	}
	return codes
}

// processes are those that can have a core file, and those that cannot.
func processes(img *format.Image) (can, cannot []*process) {
	for _, p := range groups(img) {
		if img.Provenance.Arch == arch && p.refusal() == "" {
			can = append(can, p)
		} else {
			cannot = append(cannot, p)
		}
	}
	return can, cannot
}

// choose finds the processes to be written, at least one, and what is lost.
func choose(img *format.Image, opts codec.EncodeOptions) ([]*process, []codec.Loss, error) {
	if opts.Version != "" && opts.Version != version {
		return nil, nil, fmt.Errorf("version %.20q: %w (known: %s)", opts.Version, codec.ErrNoEncoder, version)
	}
	if a := img.Provenance.Arch; a != arch {
		return nil, nil, fmt.Errorf("architecture %.20q: %w: core files are written of %s", a, codec.ErrNoEncoder, arch)
	}
	can, cannot := processes(img)
	if opts.Task != 0 {
		p, err := chooseTask(can, cannot, opts.Task)
		if err != nil {
			return nil, nil, err
		}
		return []*process{p}, losses(img, []*process{p}, nil, len(can)+len(cannot)-1), nil
	}
	if len(can) == 0 {
		why := "it has none"
		if len(cannot) > 0 {
			why = fmt.Sprintf("process %d: %s", cannot[0].tgid, cannot[0].refusal())
		}
		return nil, nil, fmt.Errorf("no process that can have a core file: %s: %w", why, codec.ErrNoEncoder)
	}
	return can, losses(img, can, cannot, 0), nil
}

// chooseTask finds the process that a task is of.
func chooseTask(can, cannot []*process, tid format.PID) (*process, error) {
	for _, p := range can {
		if p.has(tid) {
			return p, nil
		}
	}
	for _, p := range cannot {
		if p.has(tid) {
			return nil, fmt.Errorf("process %d can have no core file: %s: %w", p.tgid, p.refusal(), codec.ErrNoEncoder)
		}
	}
	return nil, fmt.Errorf("the image has no living task %d: %w", tid, codec.ErrNoEncoder)
}
