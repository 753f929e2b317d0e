package crypt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/thaw-cr/thaw/codec"
)

// The first bytes of encrypted files, binary and armored.
const (
	binaryMagic = "age-encryption.org/v1\n"
	armorMagic  = armor.Header
)

// envelope is that of files encrypted with age.
type envelope struct{ identities []age.Identity }

// Envelope opens what is encrypted to one of the identities. Of what is encrypted
// to others, or where there are no identities, it says so.
func Envelope(identities ...age.Identity) codec.Envelope { return envelope{identities} }

// Name is that of the format.
func (envelope) Name() string { return "age" }

// Detect says whether a file begins as an encrypted one does.
func (envelope) Detect(prefix []byte, dir fs.FS) bool { return dir == nil && Is(prefix) }

// Is says whether a file that begins with prefix is encrypted.
func Is(prefix []byte) bool {
	return bytes.HasPrefix(prefix, []byte(binaryMagic)) || bytes.HasPrefix(prefix, []byte(armorMagic))
}

// Unpack opens an encrypted file. What cannot be read at random goes to a
// codec.Spool as it is, encrypted.
func (e envelope) Unpack(ctx context.Context, src codec.Source, lim codec.Limits) (*codec.Content, error) {
	at, size, release, err := cipherText(ctx, src, lim)
	if err != nil {
		return nil, err
	}
	identities := e.identities
	if len(identities) == 0 {
		identities = []age.Identity{nobody{}}
	}
	plain, n, err := age.DecryptReaderAt(source{at}, size, identities...)
	if err != nil {
		return nil, errors.Join(e.fault(err, 0), release())
	}
	r := &reader{at: plain, size: n}
	return &codec.Content{Source: codec.Source{Name: src.Name, At: r, Size: n}, Private: true, Close: release}, nil
}

// cipherText gives random access to a file, without its armor.
func cipherText(ctx context.Context, src codec.Source, lim codec.Limits) (io.ReaderAt, int64, func() error, error) {
	none := func() error { return nil }
	prefix := make([]byte, len(armorMagic))
	if src.At != nil {
		if n, err := src.At.ReadAt(prefix, 0); string(prefix[:n]) != armorMagic {
			return src.At, src.Size, none, noEOF(err)
		}
		src.Reader = io.NewSectionReader(src.At, 0, src.Size)
	}
	n, err := io.ReadFull(src.Reader, prefix)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, 0, none, err
	}
	r := io.MultiReader(bytes.NewReader(prefix[:n]), src.Reader)
	if string(prefix[:n]) == armorMagic {
		r = &armored{r: armor.NewReader(tagged{r})}
	}
	return codec.Spool(ctx, r, lim)
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// fault makes a FormatError of an error of age, or gives what reading the file
// failed of.
func (e envelope) fault(err error, offset int64) error {
	if s, ok := errors.AsType[*sourceError](err); ok {
		return s.err
	}
	if no, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		if len(e.identities) == 0 {
			return codec.Errorf(codec.Encrypted, "", 0, "encrypted with age to %s", recipients(no.StanzaTypes))
		}
		whose := "the identity given"
		if n := len(e.identities); n > 1 {
			whose = fmt.Sprintf("one of the %d identities given", n)
		}
		return codec.Errorf(codec.OtherRecipient, "", 0, "encrypted with age to %s, and not to %s", recipients(no.StanzaTypes), whose)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return codec.Errorf(codec.Truncated, "", offset, "the file ends early: %w", err)
	}
	return codec.Errorf(codec.BadCipher, "", offset, "altered or cut off: %w", err)
}

// recipients says in words to whom a file is encrypted. Types of stanzas are of the
// file.
func recipients(types []string) string {
	count := map[string]int{}
	for _, t := range types {
		count[t]++
	}
	var words []string
	for _, t := range slices.Sorted(maps.Keys(count)) {
		words = append(words, fmt.Sprintf("%.40q (%d)", t, count[t]))
	}
	if len(words) > 8 {
		words = append(words[:8], "others")
	}
	return strings.Join(words, ", ")
}

// nobody is the identity of none.
type nobody struct{}

func (nobody) Unwrap([]*age.Stanza) ([]byte, error) { return nil, age.ErrIncorrectIdentity }

// sourceError is an error in reading the encrypted file, which age would otherwise
// mix with its own.
type sourceError struct{ err error }

var _ error = (*sourceError)(nil)

func (e *sourceError) Error() string { return e.err.Error() }

func (e *sourceError) Unwrap() error { return e.err }

func fromSource(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &sourceError{err}
}

// source marks errors in reading.
type source struct{ at io.ReaderAt }

func (s source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.at.ReadAt(p, off)
	return n, fromSource(err)
}

// tagged is source of a stream.
type tagged struct{ r io.Reader }

func (t tagged) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	return n, fromSource(err)
}

// armored makes FormatErrors of what is wrong with armor.
type armored struct {
	r io.Reader
	n int64
}

func (a *armored) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	a.n += int64(n)
	if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return n, err
	}
	if s, ok := errors.AsType[*sourceError](err); ok {
		return n, s.err
	}
	return n, codec.Errorf(codec.BadCipher, "armor", a.n, "decoded offset: %w", err)
}

// chunkSize is that of age's chunks, bytes.
const chunkSize = 64 << 10

// reader reads what was encrypted. Chunks that do not authenticate are
// FormatErrors. It is safe for use by several goroutines.
type reader struct {
	at   io.ReaderAt
	size int64

	mu sync.Mutex
	// kept are chunks that were read last, for reads of less than one.
	kept [8]keptChunk
	next int
}

type keptChunk struct {
	off  int64
	data []byte // nil for none
}

// ReadAt reads and authenticates.
func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, errors.New("read before the beginning")
	case off >= r.size:
		return 0, io.EOF
	case len(p) >= chunkSize:
		return r.read(p, off)
	}
	done := 0
	for done < len(p) && off < r.size {
		begin := off - off%chunkSize
		chunk, err := r.chunk(begin)
		if err != nil {
			return done, err
		}
		n := copy(p[done:], chunk[off-begin:])
		done += n
		off += int64(n)
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// chunk gives the chunk at an offset that is a multiple of chunkSize. It may only be
// read.
func (r *reader) chunk(off int64) ([]byte, error) {
	if b := r.find(off); b != nil {
		return b, nil
	}
	b := make([]byte, min(chunkSize, r.size-off))
	if n, err := r.read(b, off); n < len(b) {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[r.next] = keptChunk{off, b}
	r.next = (r.next + 1) % len(r.kept)
	return b, nil
}

func (r *reader) find(off int64) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.kept {
		if r.kept[i].off == off && r.kept[i].data != nil {
			return r.kept[i].data
		}
	}
	return nil
}

// read reads from the file.
func (r *reader) read(p []byte, off int64) (int, error) {
	n, err := r.at.ReadAt(p, off)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, envelope{}.fault(err, off+int64(n))
}

// NewWriter encrypts what is written to it, to w. Close ends the file, and must be
// called.
func NewWriter(w io.Writer, recipients []age.Recipient) (io.WriteCloser, error) {
	return age.Encrypt(w, recipients...)
}
