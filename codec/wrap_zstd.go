package codec

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// zstdMagic begins a frame (RFC 8878, 3.1.1).
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// Parts of the descriptor of a frame, the byte behind the magic number, and the
// smallest window.
const (
	zstdSingleSegment = 1 << 5
	zstdDictionary    = 3
	zstdContentShift  = 6
	zstdMinWindowLog  = 10
	zstdHeader        = 18 // the longest
)

// zstdStream reads zstd frames.
type zstdStream struct {
	io.ReadCloser
	// window is what the first frame asks for, in bytes, if that is more than it
	// gets; else zero.
	window uint64
	limit  int64
}

// openZstd opens a stream of frames. A window is an upper bound of how far back
// data refer, and the writer's wish, not its need: zstd --long=31 asks for 2 GiB
// whatever it writes. So the first frame gets the window that the limit allows,
// and only data that refer further back are refused.
func openZstd(r io.Reader, lim Limits) (io.ReadCloser, error) {
	br := bufio.NewReaderSize(r, max(zstdHeader, 4<<10))
	prefix, err := br.Peek(zstdHeader)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	s := &zstdStream{limit: lim.Window}
	r = br
	if header, window, length := narrow(prefix, lim.Window); length > 0 {
		if _, err := br.Discard(length); err != nil {
			return nil, err
		}
		s.window = window
		r = io.MultiReader(bytes.NewReader(header), br)
	}
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(uint64(lim.Window)), zstd.WithDecoderMaxMemory(uint64(lim.Spool)+1))
	if err != nil {
		return nil, err
	}
	s.ReadCloser = d.IOReadCloser()
	return s, nil
}

// Read tells data that refer further back than there is a window from others, as
// far as that can be told: to the decoder they are damaged.
func (s *zstdStream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	switch {
	case err == nil, s.window == 0, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, zstd.ErrMagicMismatch):
		return n, err
	}
	return n, fmt.Errorf("%w: it asks for %d bytes, %d are allowed, and what refers further back, or is damaged, cannot be read: %w",
		zstd.ErrWindowSizeExceeded, s.window, s.limit, err)
}

// narrow gives a frame header with a window of the limit in place of the one that
// begins prefix, whose window and length it tells as well. A length of zero says
// that the header is to stay as it is.
func narrow(prefix []byte, limit int64) (header []byte, window uint64, length int) {
	if len(prefix) < 6 || !bytes.HasPrefix(prefix, zstdMagic) || limit < 1<<zstdMinWindowLog {
		return nil, 0, 0
	}
	descriptor, at := prefix[4], 5
	if descriptor&zstdSingleSegment == 0 {
		window, length = zstdWindow(prefix[at]), at+1
	} else {
		// The content's length stands behind the number of a dictionary, and is the
		// window. It stays where it is; a window's descriptor is put before it.
		size := 1 << (descriptor >> zstdContentShift)
		at += []int{0, 1, 2, 4}[descriptor&zstdDictionary]
		if size < 4 || len(prefix) < at+size { // no content of 64 KiB and less is too long
			return nil, 0, 0
		}
		content := make([]byte, 8)
		copy(content, prefix[at:at+size])
		window, length = binary.LittleEndian.Uint64(content), 5
	}
	if window <= uint64(limit) {
		return nil, 0, 0
	}
	return append(bytes.Clone(zstdMagic), descriptor&^zstdSingleSegment, zstdDescriptor(uint64(limit))), window, length
}

// zstdWindow is the window that its descriptor stands for (RFC 8878, 3.1.1.1.2).
func zstdWindow(descriptor byte) uint64 {
	base := uint64(1) << (zstdMinWindowLog + descriptor>>3)
	return base + base/8*uint64(descriptor&7)
}

// zstdDescriptor is that of the greatest window of at most so many bytes.
func zstdDescriptor(window uint64) byte {
	log := bits.Len64(window) - 1
	base := uint64(1) << log
	return byte(log-zstdMinWindowLog)<<3 | byte((window-base)/(base/8))
}
