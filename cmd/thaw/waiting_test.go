package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWaitingInterrupted: nothing that a command reads keeps it from being
// interrupted, though nobody ever writes to it.
func TestWaitingInterrupted(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	image, key := imageFile(t, nil), filepath.Join(t.TempDir(), "key")
	if b := newBench(); b.run("seal", "--generate-key", key) != exitOK || b.run("seal", image, "--key", key) != exitOK {
		t.Fatal(b.err.String())
	}
	for _, args := range []string{
		"validate FIFO", "validate -", "dump FIFO", "dump -", "dump --records -", "convert - OUT --to thaw", "seal - -o OUT --key KEY", "seal FIFO --key KEY",
		"validate --policy FIFO IMAGE", "policy -", "policy FIFO", "validate --baseline FIFO IMAGE",
		"validate --host-facts FIFO IMAGE", "validate --host-facts - IMAGE", "host-facts --for -",
		"validate --key FIFO IMAGE", "validate --key KEY.pub --seal FIFO IMAGE", "validate --identity FIFO IMAGE", "seal --key FIFO IMAGE",
		"convert --encrypt FIFO IMAGE OUT",
	} {
		t.Run(args, func(t *testing.T) {
			r, w := io.Pipe()
			defer w.Close()
			b := newBench()
			b.streams.in = r
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errInterrupted)
			full := strings.NewReplacer("FIFO", fifo, "IMAGE", image, "KEY", key, "OUT", filepath.Join(t.TempDir(), "out")).Replace(args)
			if code := exitCode(b.main(ctx, strings.Fields(full))); code != exitInterrupted || b.out.Len() > 0 {
				t.Errorf("exit code %d, %s%s", code, b.out.String(), b.err.String())
			}
		})
	}
}

// TestWaitingReader: nothing is lost or added on the way, whatever is asked for.
func TestWaitingReader(t *testing.T) {
	text := strings.Repeat("0123456789", waitingBuffer/4)
	for _, size := range []int{1, 7, waitingBuffer - 1, waitingBuffer, waitingBuffer + 1, len(text) + 1} {
		var got strings.Builder
		in := newWaitingReader(t.Context(), strings.NewReader(text))
		if _, err := io.CopyBuffer(&got, struct{ io.Reader }{in}, make([]byte, size)); err != nil || got.String() != text {
			t.Errorf("pieces of %d: %d bytes of %d, %v", size, got.Len(), len(text), err)
		}
		if n, err := in.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // as readers give it
			t.Errorf("pieces of %d: %d, %v after the end", size, n, err)
		}
	}
}

// TestOneStandardInput: two files cannot both be standard input.
func TestOneStandardInput(t *testing.T) {
	b := newBench()
	b.streams.in = strings.NewReader("version: 1\n")
	if code := b.run("validate", "--policy", "-", "-"); code != exitUsage || !strings.Contains(b.err.String(), "one file only") {
		t.Errorf("exit code %d: %s", code, b.err.String())
	}
}
