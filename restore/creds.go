package restore

import (
	"encoding/binary"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

const (
	noSetuidFixup = 1 << 2 // SECBIT_NO_SETUID_FIXUP
	capVersion3   = 0x20080522
	lastCap       = 63
)

// emitCreds gives up what the engine may and the task may not, and then sets
// what a change of credentials resets. Nothing privileged can follow.
func (b *builder) emitCreds(p *husk.Program, t *format.Task) {
	c := b.ix.Creds(t.Creds)
	if c != nil && !sameCreds(c, &b.host.creds) {
		b.setIDs(p, c)
		b.setCaps(p, c)
	}
	if t.NoNewPrivs && !b.host.noNewPrivs {
		p.Call("set no-new-privs", abi.SysPrctl, abi.PrSetNoNewPrivs, 1, 0, 0, 0)
	}
	if t.ParentDeathSignal != 0 {
		p.Call("set parent-death signal", abi.SysPrctl, abi.PrSetPdeathsig, uint64(t.ParentDeathSignal), 0, 0, 0)
	}
	if mm := b.ix.Memory(t.Memory); mm != nil {
		b.emitDumpable(p, mm, c)
	}
}

// suidDumpable is the value that prctl(2) cannot set: a change of ids does, if
// fs.suid_dumpable says so.
const suidDumpable = 2

// emitDumpable sets whether a process dumps core and can be traced; where 2
// cannot be had, 0, which allows less.
func (b *builder) emitDumpable(p *husk.Program, mm *format.AddressSpace, c *format.Credentials) {
	value := mm.Dumpable
	if value == suidDumpable {
		if changes := c != nil && (c.EUID != b.host.creds.EUID || c.EGID != b.host.creds.EGID); changes && sysctl("fs/suid_dumpable") == suidDumpable {
			return
		}
		value = 0
	}
	p.Call("set dumpable", abi.SysPrctl, abi.PrSetDumpable, uint64(value), 0, 0, 0)
}

func sameCreds(a, b *format.Credentials) bool {
	x, y := *a, *b
	groups := slices.Equal(x.Groups, y.Groups)
	x.ID, y.ID, x.Groups, y.Groups, x.Label, y.Label = 0, 0, nil, nil, "", ""
	return groups && x.UID == y.UID && x.EUID == y.EUID && x.SUID == y.SUID && x.FSUID == y.FSUID &&
		x.GID == y.GID && x.EGID == y.EGID && x.SGID == y.SGID && x.FSGID == y.FSGID &&
		x.Inheritable == y.Inheritable && x.Permitted == y.Permitted && x.Effective == y.Effective &&
		x.Bounding == y.Bounding && x.Ambient == y.Ambient && x.SecureBits == y.SecureBits
}

// setIDs changes user and group ids while capabilities stay.
func (b *builder) setIDs(p *husk.Program, c *format.Credentials) {
	h := &b.host.creds
	p.Call("keep capabilities", abi.SysPrctl, abi.PrSetSecurebits, noSetuidFixup, 0, 0, 0)
	if !slices.Equal(c.Groups, h.Groups) {
		list := make([]byte, 4*len(c.Groups))
		for i, g := range c.Groups {
			binary.LittleEndian.PutUint32(list[4*i:], g)
		}
		p.Call("set groups", abi.SysSetgroups, uint64(len(c.Groups)), b.t.Bytes(list))
	}
	p.Call("set group ids", abi.SysSetresgid, uint64(c.GID), uint64(c.EGID), uint64(c.SGID))
	p.Call("set file system group", abi.SysSetfsgid, uint64(c.FSGID)).Any()
	p.Call("set user ids", abi.SysSetresuid, uint64(c.UID), uint64(c.EUID), uint64(c.SUID))
	p.Call("set file system user", abi.SysSetfsuid, uint64(c.FSUID)).Any()
}

// setCaps leaves the task with exactly its capabilities.
func (b *builder) setCaps(p *husk.Program, c *format.Credentials) {
	for i := range uint64(lastCap + 1) {
		if b.host.creds.Bounding&^c.Bounding&(1<<i) != 0 {
			p.Call("drop from bounding set", abi.SysPrctl, abi.PrCapbsetDrop, i, 0, 0, 0)
		}
	}
	p.Call("set secure bits", abi.SysPrctl, abi.PrSetSecurebits, uint64(c.SecureBits), 0, 0, 0)
	p.Call("clear ambient set", abi.SysPrctl, abi.PrCapAmbient, abi.PrCapAmbientClearAll, 0, 0, 0)
	data := make([]byte, 24)
	had := b.host.creds.Permitted // more only if forced to do without
	for i, set := range []uint64{c.Effective & had, c.Permitted & had, c.Inheritable & had} {
		binary.LittleEndian.PutUint32(data[4*i:], uint32(set))
		binary.LittleEndian.PutUint32(data[12+4*i:], uint32(set>>32))
	}
	p.Call("set capabilities", abi.SysCapset, b.t.Words(capVersion3), b.t.Bytes(data))
	for i := range uint64(lastCap + 1) {
		if c.Ambient&had&(1<<i) != 0 {
			p.Call("raise ambient capability", abi.SysPrctl, abi.PrCapAmbient, abi.PrCapAmbientRaise, i, 0, 0)
		}
	}
}

// emitFS restores where a task stands in the file system.
func (b *builder) emitFS(p *husk.Program, fs *format.FS) {
	switch {
	case fs.Deleted != 0:
		p.Call("change to a deleted directory", abi.SysFchdir, uint64(b.files.number[fs.Deleted])).Detail(fs.Cwd)
	case fs.Cwd != "":
		p.Call("change directory", abi.SysChdir, b.t.String(fs.Cwd)).Detail(fs.Cwd)
	}
	if fs.Root != "" && fs.Root != "/" {
		p.Call("change root", abi.SysChroot, b.t.String(fs.Root)).Detail(fs.Root)
	}
	p.Call("set umask", abi.SysUmask, uint64(fs.Umask))
}
