package validate

import (
	"crypto/sha256"

	"github.com/thaw-cr/thaw/format"
)

var digestRules = []Rule{
	{
		Code: "R059", Severity: Error, Title: "digest that is of no file's contents",
		Why: "A SHA-256 has 32 bytes and is of a regular file; any other differs from that of every file here, or nobody compares it.",
		Fix: fixFiles, Example: "a digest of 20 bytes",
	},
}

// checkDigest looks at the digest of a file's contents.
func checkDigest(c *checker, id format.ObjectID, what string, r *format.FileRef) {
	switch {
	case len(r.SHA256) == 0:
	case len(r.SHA256) != sha256.Size:
		c.object("R059", id, "%s %.120q has a digest of %d bytes", what, r.Path, len(r.SHA256))
	case r.Mode&modeType != modeRegular:
		c.object("R059", id, "%s %.120q has a digest and mode %#o", what, r.Path, r.Mode)
	}
}
