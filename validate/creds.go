package validate

import "github.com/thaw-cr/thaw/format"

const (
	// noID is (uid_t) -1, which no user and no group has.
	noID = ^uint32(0)
	// knownCaps are the capabilities up to CAP_CHECKPOINT_RESTORE, 40.
	knownCaps = uint64(1)<<41 - 1
	// secureBits are the eight of include/uapi/linux/securebits.h, and the four
	// of exec restrictions (Linux 6.14).
	secureBits = 0xfff
	// maxGroups is NGROUPS_MAX (include/uapi/linux/limits.h).
	maxGroups = 65536
)

func checkCreds(c *checker, k *format.Credentials) {
	if bad := k.Effective &^ k.Permitted; bad != 0 {
		c.object("S080", k.ID, "effective capabilities %#x are not permitted", bad)
	}
	if bad := k.Ambient &^ (k.Permitted & k.Inheritable); bad != 0 {
		c.object("S081", k.ID, "ambient capabilities %#x are not permitted and inheritable", bad)
	}
	if bad := (k.Effective | k.Permitted | k.Inheritable | k.Ambient | k.Bounding) &^ knownCaps; bad != 0 {
		c.object("S082", k.ID, "capabilities %#x", bad)
	}
	ids := append([]uint32{k.UID, k.EUID, k.SUID, k.FSUID, k.GID, k.EGID, k.SGID, k.FSGID}, k.Groups...)
	for _, id := range ids {
		if id == noID {
			c.object("S083", k.ID, "a user or group is %d", id)
			break
		}
	}
	if n := len(k.Groups); n > maxGroups {
		c.object("S087", k.ID, "%d groups", n)
	}
	if bad := k.SecureBits &^ secureBits; bad != 0 {
		c.object("S084", k.ID, "secure bits %#x", k.SecureBits)
	}
}

func checkFS(c *checker, fs *format.FS) {
	for _, p := range []struct{ name, path string }{{"working directory", fs.Cwd}, {"root", fs.Root}} {
		if why := pathFault(p.path); why != "" {
			c.object("S085", fs.ID, "%s %.120q %s", p.name, p.path, why)
		}
	}
	if fs.Umask&^0o777 != 0 {
		c.object("S086", fs.ID, "umask %#o", fs.Umask)
	}
}
