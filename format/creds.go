package format

// Credentials are user and group ids and capabilities (credentials(7),
// capabilities(7)), as numbers of the image's outermost user namespace.
type Credentials struct {
	ID     ObjectID `json:"id"`
	UID    uint32   `json:"uid"`
	EUID   uint32   `json:"euid"`
	SUID   uint32   `json:"suid"`
	FSUID  uint32   `json:"fsuid"`
	GID    uint32   `json:"gid"`
	EGID   uint32   `json:"egid"`
	SGID   uint32   `json:"sgid"`
	FSGID  uint32   `json:"fsgid"`
	Groups []uint32 `json:"groups,omitempty"`

	Inheritable uint64 `json:"cap_inheritable,omitempty"`
	Permitted   uint64 `json:"cap_permitted,omitempty"`
	Effective   uint64 `json:"cap_effective,omitempty"`
	Bounding    uint64 `json:"cap_bounding,omitempty"`
	Ambient     uint64 `json:"cap_ambient,omitempty"`
	// SecureBits as of prctl(PR_GET_SECUREBITS).
	SecureBits uint32 `json:"secure_bits,omitempty"`
	// Label is the security module's label, if any.
	Label string `json:"label,omitempty"`
}

// FS is where a task stands in the file system (the kernel's fs_struct).
type FS struct {
	ID   ObjectID `json:"id"`
	Cwd  string   `json:"cwd"`
	Root string   `json:"root"`
	// Deleted names the object of a working directory that was removed; Cwd is
	// where it was.
	Deleted ObjectID `json:"deleted,omitempty"`
	// Umask as of umask(2).
	Umask uint32 `json:"umask"`
}
