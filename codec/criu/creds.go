package criu

import (
	"encoding/binary"
	"slices"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/creds"
	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// taskCreds finds the credentials of a task. CRIU keeps them with each thread,
// before 2.0 with each process.
func (d *decoder) taskCreds(p *proc, f *file, tc *criu_core.ThreadCoreEntry, t *format.Task) error {
	e := tc.GetCreds()
	if old := d.find(kCreds, uint64(p.GetPid())); e == nil && old != nil {
		f = old
		e, _ = entry[*creds.CredsEntry](f)
	}
	if e == nil {
		if t.Creds == 0 {
			d.warn(t.TID, "the image has no credentials of the task")
		} else {
			d.odd(f, &f.records[0], codec.Missing, "thread %d has no credentials", t.TID)
		}
		return nil
	}
	check(d, f, &f.records[0], e, credsOddities)
	t.NoNewPrivs = e.GetNoNewPrivs() != 0
	c := credentials(e)
	key := keyOfCreds(&c)
	if id, ok := d.creds[key]; ok {
		t.Creds = id
		return nil
	}
	c.ID = d.newID()
	t.Creds, d.creds[key] = c.ID, c.ID
	d.img.Objects.Creds = append(d.img.Objects.Creds, c)
	return d.charge(int64(len(c.Groups))*8 + 400)
}

func credentials(e *creds.CredsEntry) format.Credentials {
	return format.Credentials{
		UID: e.GetUid(), EUID: e.GetEuid(), SUID: e.GetSuid(), FSUID: e.GetFsuid(),
		GID: e.GetGid(), EGID: e.GetEgid(), SGID: e.GetSgid(), FSGID: e.GetFsgid(),
		Groups:      slices.Clone(e.GetGroups()),
		Inheritable: capabilities(e.GetCapInh()), Permitted: capabilities(e.GetCapPrm()), Effective: capabilities(e.GetCapEff()),
		Bounding: capabilities(e.GetCapBnd()), Ambient: capabilities(e.GetCapAmb()),
		SecureBits: e.GetSecbits(), Label: e.GetLsmProfile(),
	}
}

// credKey is all of credentials; tasks with the same share them.
type credKey struct {
	words         [14]uint64
	label, groups string
}

func keyOfCreds(c *format.Credentials) credKey {
	groups := make([]byte, 0, 4*len(c.Groups))
	for _, g := range c.Groups {
		groups = binary.LittleEndian.AppendUint32(groups, g)
	}
	return credKey{
		words: [...]uint64{
			uint64(c.UID), uint64(c.EUID), uint64(c.SUID), uint64(c.FSUID), uint64(c.GID), uint64(c.EGID), uint64(c.SGID),
			uint64(c.FSGID), c.Inheritable, c.Permitted, c.Effective, c.Bounding, c.Ambient, uint64(c.SecureBits),
		},
		label: c.Label, groups: string(groups),
	}
}

// capabilities joins words of 32 bits, the lower first.
func capabilities(words []uint32) uint64 {
	v := uint64(0)
	for i, w := range words {
		if i < 2 {
			v |= uint64(w) << (32 * i)
		}
	}
	return v
}
