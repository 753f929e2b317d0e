package capture

import "github.com/thaw-cr/thaw/format"

// readLogin reads what the audit notes of a task's login; nil where the kernel
// has no audit (CONFIG_AUDIT), of which this program's own file tells.
func (c *capturer) readLogin(tid int) *format.Login {
	if !c.traits.audited {
		return nil
	}
	uid, err := c.r.Number(tid, "loginuid", 10)
	if err != nil || uid < 0 || uid > int64(format.NoLogin) {
		return nil
	}
	return &format.Login{UID: uint32(uid)}
}
