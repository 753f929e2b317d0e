package linuxcr

import (
	"bytes"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// credentials reads a CRED object.
func (d *decoder) credentials(id format.ObjectID) error {
	b, err := d.record(kCred)
	if err != nil {
		return err
	}
	c := format.Credentials{
		ID: id, UID: b.u32(fUID), SUID: b.u32(fSUID), EUID: b.u32(fEUID), FSUID: b.u32(fFSUID),
		GID: b.u32(fGID), SGID: b.u32(fSGID), EGID: b.u32(fEGID), FSGID: b.u32(fFSGID), SecureBits: b.u32(fSecureBits),
	}
	for i, set := range capSets(&c) {
		*set = capability(b, i)
	}
	raw := bytes.Clone(b.p)
	user, err := d.ref(b, fUserRef, oUser)
	if err != nil {
		return err
	}
	groups, err := d.ref(b, fGroupsRef, oGroupInfo)
	if err != nil {
		return err
	}
	c.Groups = d.groups[groups]
	if label := d.labels[format.ObjectID(b.u32(fSecRef))]; label != "" {
		c.Label = label
	}
	d.extra.link(linkUser, uint32(id), 0, user)
	d.extra.link(linkGroups, uint32(id), 0, groups)
	d.creds[id] = &credNote{model: c, raw: raw}
	return d.charge(512)
}

// credNote is a CRED object with its record, and whether a task has it.
type credNote struct {
	model format.Credentials
	raw   []byte
	used  bool
}

// settleCreds gives the model the credentials that tasks have. The others, which
// files were opened with, are kept.
func (d *decoder) settleCreds() {
	for i := range d.img.Tasks {
		if n := d.creds[d.img.Tasks[i].Creds]; n != nil {
			n.used = true
		}
	}
	for id, n := range d.creds {
		if n.used {
			d.img.Objects.Creds = append(d.img.Objects.Creds, n.model)
			continue
		}
		d.extra.keep(kCred, id, "", n.raw)
	}
}

// capSets are the sets of capabilities in the order of the record.
func capSets(c *format.Credentials) []*uint64 {
	return []*uint64{&c.Inheritable, &c.Permitted, &c.Effective, &c.Bounding}
}

// knownCaps are the capabilities that there are (CAP_CHECKPOINT_RESTORE, 40, is
// the last). Kernels of 2010 set all 64 bits where they meant all capabilities.
const knownCaps = 1<<41 - 1

// capability is one set: its low word stands first in every byte order.
func capability(b body, i int) uint64 {
	p := b.bytes(fCapInh)[8*i:]
	return (uint64(b.order.Uint32(p)) | uint64(b.order.Uint32(p[4:]))<<32) & knownCaps
}

// groupInfo reads a GROUPINFO object. Its array begins in the fixed part.
func (d *decoder) groupInfo(id format.ObjectID) error {
	const head = 4
	b, err := d.record(kGroupInfo)
	if err != nil {
		return err
	}
	n := int64(b.u32(fCount))
	if int64(len(b.p)) != 8+4*n {
		return d.fault(codec.Malformed, "GROUPINFO record", b.at, "%d groups in %d bytes", n, len(b.p))
	}
	var list []uint32
	for i := range int(n) {
		g := d.order.Uint32(b.p[head+4*i:])
		if i > 0 && g <= list[i-1] {
			return d.fault(codec.Malformed, "GROUPINFO record", b.at, "group %d after group %d", g, list[i-1])
		}
		list = append(list, g)
	}
	d.groups[id] = list
	return d.charge(int(n)*4 + 64)
}

// user reads a USER object, which the model knows as a number only.
func (d *decoder) user(id format.ObjectID) error {
	b, err := d.record(kUser)
	if err != nil {
		return err
	}
	ns, err := d.ref(b, fRef, oUserNS)
	if err != nil {
		return err
	}
	d.extra.link(linkUserUID, uint32(id), 0, format.ObjectID(b.u32(fUID)))
	d.extra.link(linkUserNS, uint32(id), 0, ns)
	return nil
}

// userNamespace reads a USER_NS object. One without a creator is the machine's.
func (d *decoder) userNamespace(id format.ObjectID) error {
	b, err := d.record(kUserNS)
	if err != nil {
		return err
	}
	creator, err := d.ref(b, fRef, oUser)
	if err != nil {
		return err
	}
	if creator != 0 {
		d.warn("user namespaces of 2010 have no maps of ids: their tasks are taken to have the machine's own")
	}
	d.extra.link(linkCreator, uint32(id), 0, creator)
	return nil
}

// security reads a SECURITY object and its label.
func (d *decoder) security(id format.ObjectID) error {
	h, b, err := d.headed(kSecurity)
	if err != nil {
		return err
	}
	raw := bytes.Clone(b.p)
	label, _, err := d.buffer(kString, -1)
	if err != nil {
		return err
	}
	if int64(len(label)) > d.lim.String {
		return d.fault(codec.TooLarge, h.name(), h.at, "label of %d bytes, limit %d", len(label), d.lim.String)
	}
	// Files and keys refer to the label by the number in the record.
	s := strings.Clone(text(label))
	d.labels[id] = s
	d.labels[format.ObjectID(d.order.Uint32(raw))] = s
	return d.attach(h, id, append(raw, label...))
}
