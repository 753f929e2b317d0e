package capture

import (
	"fmt"
	"os"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// readCreds finds the object of a task's credentials. The kernel's own sharing
// of them cannot be seen and has no effect, so equal ones become one.
func (c *capturer) readCreds(t *task) format.ObjectID {
	s := &t.status
	cred := format.Credentials{
		UID: s.UID[0], EUID: s.UID[1], SUID: s.UID[2], FSUID: s.UID[3],
		GID: s.GID[0], EGID: s.GID[1], SGID: s.GID[2], FSGID: s.GID[3], Groups: s.Groups,
		Inheritable: s.CapInheritable, Permitted: s.CapPermitted, Effective: s.CapEffective,
		Bounding: s.CapBounding, Ambient: s.CapAmbient, Label: c.label(t.tid),
	}
	return c.credsObject(cred)
}

func (c *capturer) credsObject(cred format.Credentials) format.ObjectID {
	cred.ID = 0
	key := fmt.Sprintf("%+v", cred)
	if id, ok := c.creds[key]; ok {
		return id
	}
	cred.ID = c.newID()
	c.creds[key] = cred.ID
	c.img.Objects.Creds = append(c.img.Objects.Creds, cred)
	return cred.ID
}

// label is the security module's label where it is another than this
// program's; a restored tree has the restoring program's.
func (c *capturer) label(tid int) string {
	label, err := c.r.Text(tid, "attr/current")
	if err != nil {
		return ""
	}
	own, err := c.r.Text(os.Getpid(), "attr/current")
	if err != nil || label == own {
		return ""
	}
	return strings.TrimRight(label, "\x00")
}

// setSecureBits moves a task to credentials with these bits.
func (c *capturer) setSecureBits(t *task, bits uint32) {
	if bits == 0 {
		return
	}
	for i := range c.img.Objects.Creds {
		if cred := c.img.Objects.Creds[i]; cred.ID == t.model.Creds {
			cred.SecureBits = bits
			t.model.Creds = c.credsObject(cred)
			return
		}
	}
}
