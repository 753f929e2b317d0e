package archive

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"strings"
)

const (
	// maxKept is the greatest metadata member that stays in memory, bytes.
	maxKept = 4 << 20
	// maxBulk is the greatest member of page data and the like that does, and
	// bulkBudget what all of those may take together.
	maxBulk, bulkBudget = 1 << 20, 8 << 20
)

// keeper holds the contents of a compressed archive's members.
type keeper struct {
	pool *pool
	// kept and bulk are bytes in memory; limit is the most of kept.
	kept, bulk, limit int64
}

// content gives a member's contents, which stand next in r and begin at off in
// the archive; with an error, those up to it.
func (k *keeper) content(r io.Reader, hdr *tar.Header, off int64) (io.ReaderAt, error) {
	if !k.keeps(hdr) {
		return &section{k.pool, off}, nil
	}
	if hdr.Size <= 64<<10 {
		b := make([]byte, hdr.Size)
		n, err := io.ReadFull(r, b)
		return bytes.NewReader(b[:n]), noEOF(err)
	}
	var b bytes.Buffer // a claim alone takes no memory
	_, err := io.CopyN(&b, r, hdr.Size)
	return bytes.NewReader(b.Bytes()), noEOF(err)
}

// noEOF is err, and unexpected if it is the end.
func noEOF(err error) error {
	if err == io.EOF { //nolint:errorlint // as io.ReadFull gives it
		return io.ErrUnexpectedEOF
	}
	return err
}

// keeps decides whether a member stays in memory.
func (k *keeper) keeps(hdr *tar.Header) bool {
	if isBulk(hdr.Name) {
		if hdr.Size > maxBulk || k.bulk+hdr.Size > bulkBudget {
			return false
		}
		k.bulk += hdr.Size
		return true
	}
	if hdr.Size > maxKept || k.kept+hdr.Size > k.limit {
		return false
	}
	k.kept += hdr.Size
	return true
}

// isBulk says whether a member is data rather than what describes it.
func isBulk(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, "pages-") || strings.HasSuffix(base, ".tar") || strings.Contains(name, "volumes/") ||
		strings.HasPrefix(name, "blobs/") || strings.Contains(name, "/blobs/")
}

// section is a stretch of a compressed archive that begins at off.
type section struct {
	pool *pool
	off  int64
}

func (s *section) ReadAt(p []byte, off int64) (int, error) { return s.pool.ReadAt(p, s.off+off) }
