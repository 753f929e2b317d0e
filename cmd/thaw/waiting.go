package main

import (
	"context"
	"errors"
	"io"
	"os"
)

// waitingBuffer is how much is read at once from what may keep us waiting, bytes:
// a pipe holds no more.
const waitingBuffer = 64 << 10

// A waitingReader reads from what may have nothing to give for ever, such as a
// pipe or a terminal, until somebody interrupts: no signal ends a read that the
// runtime waits for in the kernel. The read that was given up stays behind and ends
// with the process.
type waitingReader struct {
	in   io.Reader
	done <-chan struct{}
	buf  []byte
	// rest is what of buf has not been asked for yet, err what came with it.
	rest []byte
	err  error
}

func newWaitingReader(ctx context.Context, in io.Reader) *waitingReader {
	return &waitingReader{in: in, done: ctx.Done()}
}

// Read gives what there is. Its error is context.Canceled after an interruption.
func (w *waitingReader) Read(p []byte) (int, error) {
	if len(w.rest) == 0 && w.err == nil {
		w.fill()
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	if n == 0 && len(p) > 0 {
		return 0, w.err
	}
	return n, nil
}

// fill reads once.
func (w *waitingReader) fill() {
	if w.buf == nil {
		w.buf = make([]byte, waitingBuffer)
	}
	var n int
	var err error
	read := make(chan struct{})
	go func() {
		n, err = w.in.Read(w.buf)
		close(read)
	}()
	select {
	case <-read:
		w.rest, w.err = w.buf[:n], err
	case <-w.done:
		w.err = context.Canceled // buf is the read's for ever
	}
}

// openFile opens a file that the command line names, to be read once from its
// beginning. Opening a FIFO waits for its writer, so that can be interrupted like
// reading.
func openFile(ctx context.Context, name string) (*os.File, error) {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		return os.Open(name)
	}
	var f *os.File
	var err error
	opened := make(chan struct{})
	go func() {
		f, err = os.Open(name)
		close(opened)
	}()
	select {
	case <-opened:
		return f, err
	case <-ctx.Done():
		return nil, context.Canceled
	}
}

// readFile reads a file that the command line names; of one of more than maxKeyFile
// bytes so much that this is seen.
func readFile(ctx context.Context, name string) ([]byte, error) {
	f, err := openFile(ctx, name)
	if err != nil {
		return nil, ioError(err)
	}
	b, err := io.ReadAll(io.LimitReader(newWaitingReader(ctx, f), maxKeyFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, ioError(err)
	}
	return b, nil
}

// openInput opens a file that the command line names, or standard input for -, of
// which there is but one, so that it can stand for one thing. The caller closes
// it, which does nothing to standard input.
func (a *app) openInput(ctx context.Context, name string) (in io.Reader, closeInput func() error, err error) {
	if name != "-" {
		f, err := openFile(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		return f, f.Close, nil
	}
	if a.inputTaken {
		return nil, nil, usage("standard input, -, can stand for one file only")
	}
	a.inputTaken = true
	return a.streams.in, func() error { return nil }, nil
}
