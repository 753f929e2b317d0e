package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"

	"github.com/thaw-cr/thaw/codec"
)

// tarball is the envelope of tar archives (POSIX.1-2001 pax, ustar, GNU, v7).
type tarball struct{}

func (tarball) Name() string { return "tar" }

func (tarball) Detect(prefix []byte, dir fs.FS) bool { return dir == nil && isTar(prefix) }

func (tarball) Unpack(ctx context.Context, src codec.Source, lim codec.Limits) (*codec.Content, error) {
	ix, err := readTar(ctx, src, lim)
	if err != nil {
		return nil, err
	}
	ix.checkLinks()
	content := &codec.Content{Source: codec.Source{Name: src.Name}, Faults: ix.all(), Close: ix.close}
	dir := soleDir(ix.root)
	if file := dir.soleFile(); file != nil {
		content.Source.At, content.Source.Size = file.content, file.size
	} else {
		content.Source.Dir = treeFS{dir}
	}
	return content, nil
}

// soleFile gives the file that a directory holds if there is nothing else in it;
// nil otherwise. An image of one file may be in an archive, too.
func (dir *node) soleFile() *node {
	if len(dir.children) != 1 {
		return nil
	}
	only := dir.children[dir.names()[0]]
	if only.hidden || !only.mode.IsRegular() {
		return nil
	}
	return only
}

// soleDir goes down where a directory holds nothing but one other: archives made
// of a folder have its name before all others.
func soleDir(dir *node) *node {
	for len(dir.children) == 1 {
		only := dir.children[dir.names()[0]]
		if !only.mode.IsDir() || only.name == checkpointDir || only.name == preCheckpointDir {
			break
		}
		dir = only
	}
	return dir
}

// cutReader ends where the contents of a stream are bad, and keeps the fault: what
// is before it can be shown all the same. A bomb stays an error.
type cutReader struct {
	r     io.Reader
	fault *codec.FormatError
}

func (c *cutReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if fe, ok := errors.AsType[*codec.FormatError](err); ok && fe.Kind != codec.Bomb {
		c.fault, err = fe, io.EOF
	}
	return n, err
}

// index is a tar archive that was read once.
type index struct {
	builder
	close func() error
}

// readTar reads the headers of an archive. Where it cannot be read at random,
// the contents of small members are kept.
func readTar(ctx context.Context, src codec.Source, lim codec.Limits) (*index, error) {
	ix := &index{builder: builder{root: newRoot(), lim: lim}, close: func() error { return nil }}
	ix.file = src.Name
	cut := &cutReader{r: src.Reader}
	if src.At == nil && src.Reopen == nil {
		at, size, release, err := codec.Spool(ctx, cut, lim)
		if err != nil {
			return nil, err
		}
		src.At, src.Size, ix.close = at, size, release
	}
	s := newScanner(ctx, ix, src)
	s.cut = cut.fault
	if err := s.scan(); err != nil {
		return nil, errors.Join(err, ix.close())
	}
	return ix, nil
}

// scanner reads an archive from its beginning to its end.
type scanner struct {
	ctx context.Context
	*index
	tap *tap
	tr  *tar.Reader
	// size of the archive in bytes; MaxInt64 if it is not known.
	size int64
	// end of the last member, where the next header must be.
	end int64
	// keep holds the contents of members that cannot be read at random; nil
	// where all can.
	keep *keeper
	at   io.ReaderAt
	// cut is why a spooled stream ends; nil if that is its end.
	cut *codec.FormatError
	// told says that it was reported.
	told bool
}

func newScanner(ctx context.Context, ix *index, src codec.Source) *scanner {
	s := &scanner{ctx: ctx, index: ix, size: math.MaxInt64, at: src.At}
	if src.At == nil {
		s.tap = &tap{r: src.Reader}
		s.keep = &keeper{pool: newPool(src.Reopen, ix.lim), limit: ix.lim.Memory / 2}
		ix.close = s.keep.pool.close
		s.tr = tar.NewReader(s.tap)
		return s
	}
	in := io.NewSectionReader(src.At, 0, src.Size)
	s.size = src.Size
	s.tap = &tap{r: in}
	s.tr = tar.NewReader(seekTap{s.tap, in})
	return s
}

// scan reads all members. What is wrong with the archive is a fault and ends it;
// the error is one of reading, or a bomb.
func (s *scanner) scan() error {
	for n := 0; ; n++ {
		if n%1024 == 0 && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		hdr, err := s.tr.Next()
		if errors.Is(err, tar.ErrInsecurePath) { // judged here, and told
			err = nil
		}
		if errors.Is(err, io.EOF) && hdr == nil {
			return s.trailer()
		}
		if err == nil {
			err = s.member(hdr)
		}
		if err != nil {
			return s.broken(err)
		}
	}
}

// member takes one member.
func (s *scanner) member(hdr *tar.Header) error {
	at := s.tap.pos
	s.checkHeader(hdr, at-blockSize)
	if hdr.Typeflag == tar.TypeXGlobalHeader {
		s.end = at
		return s.count(hdr, at-blockSize)
	}
	if sparse(hdr) {
		s.add(codec.SparseMember, member(hdr.Name), at-blockSize, "it has holes and claims %d bytes: engines write none", hdr.Size)
		s.end = -1
		return s.count(hdr, at-blockSize)
	}
	if headerOnly(hdr.Typeflag) {
		hdr.Size = 0
	}
	if hdr.Size > s.lim.Spool {
		s.add(codec.MemberSize, member(hdr.Name), at-blockSize, "it claims %d bytes; the limit is %d", hdr.Size, s.lim.Spool)
		return errFull
	}
	s.end = at + (hdr.Size+blockSize-1)/blockSize*blockSize
	if left := s.size - at; hdr.Size > left {
		s.ends(member(hdr.Name), at-blockSize, "it claims %d bytes, and %d are left", hdr.Size, left)
		s.end = s.size
	}
	return s.insert(hdr, at-blockSize, func() (io.ReaderAt, error) {
		if s.keep == nil {
			return io.NewSectionReader(s.at, at, hdr.Size), nil
		}
		return s.keep.content(s.tr, hdr, at)
	})
}

// headerOnly says whether members of a type have no contents, whatever size their
// headers claim.
func headerOnly(typ byte) bool {
	switch typ {
	case tar.TypeLink, tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeDir, tar.TypeFifo:
		return true
	}
	return false
}

// sparse says whether a member has holes, in any of the ways to say so.
func sparse(hdr *tar.Header) bool {
	if hdr.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range hdr.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// ustarMax is the greatest size that a header can say in octal digits.
const ustarMax = 0o77777777777

// checkHeader reports what programs read in different ways: some go by the pax
// records, some by the header they are for.
func (s *scanner) checkHeader(hdr *tar.Header, offset int64) {
	if hdr.Typeflag == tar.TypeXGlobalHeader {
		for key := range hdr.PAXRecords {
			if key != "comment" {
				s.add(codec.AmbiguousHeader, "global header", offset, "%.80q for all members, which some programs heed and others do not", key)
			}
		}
		return
	}
	raw, ok := rawNumber(s.tap.last[124:136])
	if !ok || sparse(hdr) {
		return
	}
	_, pax := hdr.PAXRecords["size"]
	switch {
	case pax && raw != hdr.Size && hdr.Size <= ustarMax:
		s.add(codec.AmbiguousHeader, member(hdr.Name), offset, "%d bytes by its pax record, %d by its header: another program finds other members", hdr.Size, raw)
	case raw != 0 && (hdr.Typeflag == tar.TypeDir || hdr.Typeflag == tar.TypeSymlink):
		s.add(codec.AmbiguousHeader, member(hdr.Name), offset, "%s of %d bytes: some programs skip them, others read members there", hdr.FileInfo().Mode().Type(), raw)
	}
}

// maxPadding is how many zeroes may stand behind the end of an archive, bytes.
// tar pads to whole records, whose size -b says: 10 KiB by default, and 32 MiB at
// most. A file with a hole behind its end would keep us reading for hours.
const maxPadding = 32 << 20

// trailer checks the end of the archive: two blocks of zeroes, and nothing but
// zeroes behind them.
func (s *scanner) trailer() error {
	if s.end >= 0 && (s.tap.pos-s.end < 2*blockSize || s.tap.last != [blockSize]byte{}) {
		s.ends("", s.tap.pos, "the archive ends without its two empty blocks: it may be cut off")
	}
	buf := make([]byte, 64<<10)
	for end := s.tap.pos; ; {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		at := s.tap.pos
		if at-end > maxPadding {
			s.add(codec.AfterEnd, "", end, "more than %d bytes of zeroes stand behind the end of the archive: no program writes as many", maxPadding)
			return nil
		}
		n, err := s.tap.Read(buf)
		for i, c := range buf[:n] {
			if c != 0 {
				s.add(codec.AfterEnd, "", at+int64(i), "something stands behind the end of the archive: some programs read it")
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			s.tellCut()
			return nil
		}
		if err != nil {
			return s.broken(err)
		}
	}
}

// ends reports that the archive ends too early: by what cut its stream off, if
// that is known.
func (s *scanner) ends(record string, offset int64, msg string, args ...any) {
	if !s.tellCut() && s.faults.count[codec.NoEnd] == 0 {
		s.add(codec.NoEnd, record, offset, msg, args...)
	}
}

// tellCut reports once why the stream ends, if it does so too early.
func (s *scanner) tellCut() bool {
	if s.cut == nil {
		return false
	}
	if !s.told {
		s.told = true
		s.put(s.cut)
	}
	return true
}

// broken ends an archive that cannot be read further: what was read before
// stays. A bomb ends all.
func (s *scanner) broken(err error) error {
	fe, bad := errors.AsType[*codec.FormatError](err)
	switch {
	case errors.Is(err, errFull): // told already
	case bad && fe.Kind != codec.Bomb:
		s.put(fe)
	case errors.Is(err, tar.ErrHeader):
		s.add(codec.BadHeader, "", max(s.tap.pos-blockSize, 0), "no header of a member stands here: %w", err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		s.ends("", s.tap.pos, "the archive is cut off here")
	case errors.Is(err, tar.ErrFieldTooLong):
		s.add(codec.BadHeader, "", s.tap.pos, "a header longer than any program writes: %w", err)
	default:
		return fmt.Errorf("read archive: %w", err)
	}
	return nil
}
