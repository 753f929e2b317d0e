package format

// Login is what the audit of the kernel notes of the login that a task comes
// from, whoever it may have become since (pam_loginuid(8), audit(8)). Children
// inherit it, and no permission depends on it.
type Login struct {
	// UID as in /proc/PID/loginuid; NoLogin for a task that comes from none, as
	// those that an init system started.
	UID uint32 `json:"uid"`
}

// NoLogin is (uid_t) -1.
const NoLogin = ^uint32(0)
