package codec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Spool gives random access to an input that cannot seek. Up to
// Limits.SpoolMemory bytes are held in memory; more go to a temporary file in
// the directory for such files (TMPDIR) that has no name any more when Spool
// returns, so that nothing is left behind however the program ends. An input
// longer than Limits.Spool is a FormatError.
//
// The caller calls the returned function when done.
func Spool(ctx context.Context, r io.Reader, lim Limits) (io.ReaderAt, int64, func() error, error) {
	lim = lim.WithDefaults()
	r = ContextReader(ctx, r)
	var head bytes.Buffer
	n, err := io.CopyN(&head, r, lim.SpoolMemory+1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, nil, err
	}
	if n > lim.Spool {
		return nil, 0, nil, spoolFull(lim)
	}
	if n <= lim.SpoolMemory {
		return bytes.NewReader(head.Bytes()), n, func() error { return nil }, nil
	}
	return spoolFile(&head, r, lim)
}

func spoolFile(head *bytes.Buffer, r io.Reader, lim Limits) (io.ReaderAt, int64, func() error, error) {
	f, err := os.CreateTemp("", "thaw-spool-*")
	if err != nil {
		return nil, 0, nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, 0, nil, errors.Join(err, f.Close())
	}
	size := int64(head.Len())
	_, err = f.Write(head.Bytes())
	if err == nil {
		var n int64
		n, err = io.CopyBuffer(onlyWriter{f}, io.LimitReader(r, lim.Spool-size+1), make([]byte, 256<<10))
		size += n
	}
	if err != nil {
		return nil, 0, nil, errors.Join(fmt.Errorf("spool input: %w", err), f.Close())
	}
	if size > lim.Spool {
		return nil, 0, nil, errors.Join(spoolFull(lim), f.Close())
	}
	return f, size, f.Close, nil
}

func spoolFull(lim Limits) error {
	return Errorf(TooLarge, "", lim.Spool, "the input is longer than the %d bytes that are kept of one that cannot seek", lim.Spool)
}

// onlyWriter hides a file's ReadFrom, which would not use the buffer.
type onlyWriter struct{ io.Writer }
