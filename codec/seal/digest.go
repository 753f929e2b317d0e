package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/thaw-cr/thaw/codec"
)

const (
	// pieceSize is the unit in which what is read is compared with what was
	// checked.
	pieceSize = 64 << 10
	// readSize is how much is hashed at a time.
	readSize = 16 * pieceSize
)

// tag authenticates one piece.
type tag [16]byte

// A tagger makes tags under a key that nobody knows: GMAC (NIST SP 800-38D),
// several times faster than a digest. It ends with the program.
type tagger struct{ aead cipher.AEAD }

func newTagger() (*tagger, error) {
	key := make([]byte, 16)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &tagger{aead}, err
}

// tag is that of piece i of a member. Each piece has a nonce of its own; that of a
// changed piece is the same, but no tag ever leaves the program.
func (t *tagger) tag(member uint32, i int, piece []byte) tag {
	var nonce [12]byte
	binary.LittleEndian.PutUint32(nonce[:], member)
	binary.LittleEndian.PutUint64(nonce[4:], uint64(i))
	var out tag
	t.aead.Seal(out[:0], nonce[:], nil, piece)
	return out
}

// summed is what hashing finds of a member.
type summed struct {
	size   int64
	sha256 string
	// tags of its pieces; nil if none were asked for.
	tags []tag
}

// errShort: a member ended before its size.
var errShort = errors.New("it ends early")

// sum reads a member once. t makes tags; nil for none. A member that ends before
// its size is errShort.
func sum(ctx context.Context, read func(p []byte, off int64) (int, error), size int64, t *tagger, member uint32, progress func(int)) (summed, error) {
	s := summed{size: size}
	h := sha256.New()
	buf := make([]byte, min(size, readSize))
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		p := buf[:min(size-off, readSize)]
		n, err := read(p, off)
		if n < len(p) {
			if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = fmt.Errorf("%w: after %d of %d bytes", errShort, off+int64(n), size)
			}
			return s, err
		}
		h.Write(p)
		for at := 0; t != nil && at < n; at += pieceSize {
			s.tags = append(s.tags, t.tag(member, len(s.tags), p[at:min(at+pieceSize, n)]))
		}
		off += int64(n)
		progress(n)
	}
	s.sha256 = hex.EncodeToString(h.Sum(nil))
	return s, nil
}

// hasher hashes files of a tree, several at a time.
type hasher struct {
	tree *tree
	// tags makes tags; nil for none.
	tags     *tagger
	progress func(int)
	// serial says that the files are in an archive, where going back and forth
	// costs a pass over it.
	serial bool
}

// each hashes the files of names, which get their places there as numbers. Errors
// of reading are those of the whole; a file that ends early has no digest.
func (h *hasher) each(ctx context.Context, names []string) ([]summed, error) {
	sums := make([]summed, len(names))
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	if h.serial {
		g.SetLimit(1)
	}
	for i, name := range names {
		if inner.Err() != nil {
			break
		}
		g.Go(func() error {
			p := h.tree.places[name]
			s, err := sum(inner, p.readAt, p.size, h.tags, uint32(i), h.progress)
			if errors.Is(err, errShort) {
				s.size, err = -1, nil
			}
			if err != nil {
				return fmt.Errorf("read %.200q: %w", name, err)
			}
			sums[i] = s
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return sums, ctx.Err()
}

// readAt reads from the file.
func (p place) readAt(b []byte, off int64) (int, error) { return codec.ReadPart(p.dir, p.rel, b, off) }

// lock makes progress safe for several goroutines; nil is a progress that does
// nothing.
func lock(progress func(int)) func(int) {
	if progress == nil {
		return func(int) {}
	}
	var mu sync.Mutex
	return func(n int) {
		mu.Lock()
		defer mu.Unlock()
		progress(n)
	}
}
