package hostfacts

import (
	"github.com/thaw-cr/thaw/internal/procfs"
)

// Login reads which user's login the audit notes for a task; nil where it notes
// none (CONFIG_AUDIT).
func Login(tid int) *uint32 {
	var r procfs.Reader
	uid, err := r.Number(tid, "loginuid", 10)
	if err != nil || uid < 0 || uid > int64(^uint32(0)) {
		return nil
	}
	return new(uint32(uid))
}
