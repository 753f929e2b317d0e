package host

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// logins asks whether tasks can be given the logins that the audit noted for
// them (audit_set_loginuid_perm in kernel/audit.c). Whether logins are immutable
// nobody tells.
func (c *check) logins() {
	if c.opts.Brief || c.rights == nil {
		return
	}
	seen := map[uint32]bool{}
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.Login == nil || seen[t.Login.UID] {
			continue
		}
		if c.rights.Login == nil {
			c.wonder("from whose login a restore would come")
			return
		}
		seen[t.Login.UID] = true
		here := *c.rights.Login
		switch {
		case t.Login.UID == here:
		case here != format.NoLogin && (c.rights.UserNamespace || !c.rights.has(capAuditControl)):
			c.add(validate.CodeLogin, validate.TaskSubject(t.TID), "login uid %d, here %d, which takes CAP_AUDIT_CONTROL to change", t.Login.UID, here)
		case c.userNS && t.Login.UID != c.rights.EUID:
			c.add(validate.CodeLogin, validate.TaskSubject(t.TID), "login uid %d has no number in a namespace of user %d", t.Login.UID, c.rights.EUID)
		}
	}
}
