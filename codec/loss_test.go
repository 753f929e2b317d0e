package codec_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// plain is a format that holds the whole model, and forgetful one that does not.
type (
	plain     struct{ codec.Format }
	forgetful struct{ plain }
)

func (plain) Encode(_ context.Context, w io.Writer, _ *format.Image, _ codec.EncodeOptions) error {
	_, err := io.WriteString(w, "all")
	return err
}

func (p forgetful) EncodeReport(ctx context.Context, w io.Writer, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	var l codec.Losses
	for i := range img.Tasks {
		l.If(img.Tasks[i].Cgroup != 0, codec.LossCgroup, img.Tasks[i].TID, 0, "group %d", img.Tasks[i].Cgroup)
	}
	return l, p.Encode(ctx, w, img, opts)
}

func (p forgetful) Losses(ctx context.Context, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	return p.EncodeReport(ctx, io.Discard, img, opts)
}

// TestLosses: a format that cannot hold all tells what, others lose nothing.
func TestLosses(t *testing.T) {
	img := &format.Image{Tasks: []format.Task{{TID: 7, Cgroup: 3}, {TID: 8}}}
	lost := []codec.Loss{{Code: codec.LossCgroup, Task: 7, Message: "group 3"}}
	for _, tt := range []struct {
		enc  codec.Encoder
		want []codec.Loss
	}{{plain{}, nil}, {forgetful{}, lost}} {
		var b bytes.Buffer
		got, err := codec.EncodeReport(t.Context(), tt.enc, &b, img, codec.EncodeOptions{})
		if err != nil || b.String() != "all" {
			t.Errorf("%T: %q, %v", tt.enc, b.String(), err)
		}
		again, err := codec.LossesOf(t.Context(), tt.enc, img, codec.EncodeOptions{})
		if d := cmp.Diff(tt.want, got) + cmp.Diff(tt.want, again); d != "" || err != nil {
			t.Errorf("%T: %v, losses:\n%s", tt.enc, err, d)
		}
	}
}

// plainDir and forgetfulDir are the same of directories.
type (
	plainDir     struct{ codec.Format }
	forgetfulDir struct{ plainDir }
)

func (plainDir) EncodeDir(_ context.Context, dst codec.DirWriter, _ *format.Image, _ codec.EncodeOptions) error {
	f, err := dst.Create("all")
	return errors.Join(err, f.Close())
}

func (p forgetfulDir) EncodeDirReport(ctx context.Context, dst codec.DirWriter, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	lost, _ := p.DirLosses(ctx, img, opts)
	return lost, p.EncodeDir(ctx, dst, img, opts)
}

func (forgetfulDir) DirLosses(ctx context.Context, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	return forgetful{}.Losses(ctx, img, opts)
}

// names are the files that were created.
type names []string

func (n *names) Create(name string) (io.WriteCloser, error) {
	*n = append(*n, name)
	return nopCloser{io.Discard}, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// TestDirLosses is TestLosses of directories.
func TestDirLosses(t *testing.T) {
	img := &format.Image{Tasks: []format.Task{{TID: 7, Cgroup: 3}, {TID: 8}}}
	lost := []codec.Loss{{Code: codec.LossCgroup, Task: 7, Message: "group 3"}}
	for _, tt := range []struct {
		enc  codec.DirEncoder
		want []codec.Loss
	}{{plainDir{}, nil}, {forgetfulDir{}, lost}} {
		var n names
		got, err := codec.EncodeDirReport(t.Context(), tt.enc, &n, img, codec.EncodeOptions{})
		if d := cmp.Diff(names{"all"}, n); d != "" || err != nil {
			t.Errorf("%T: %v, files:\n%s", tt.enc, err, d)
		}
		again, err := codec.DirLossesOf(t.Context(), tt.enc, img, codec.EncodeOptions{})
		if d := cmp.Diff(tt.want, got) + cmp.Diff(tt.want, again); d != "" || err != nil {
			t.Errorf("%T: %v, losses:\n%s", tt.enc, err, d)
		}
	}
}

// TestLossString: a loss says whose it is.
func TestLossString(t *testing.T) {
	var l codec.Losses
	l.Add(codec.LossSched, 4, 0, "nice %d", 5)
	l.Add(codec.LossUmask, 0, 9, "umask")
	l.Add(codec.LossArch, 0, 0, "all")
	want := []string{"task 4: nice 5 (sched)", "object 9: umask (umask)", "all (arch)"}
	for i := range l {
		if l[i].String() != want[i] {
			t.Errorf("%q, want %q", l[i].String(), want[i])
		}
	}
}
