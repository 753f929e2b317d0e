package codec_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/thaw-cr/thaw/codec"
)

// direct is a DirectReader of one name; of others it has no short way.
type direct struct {
	fstest.MapFS
	err   error
	calls *int
}

func (d direct) ReadWhole(name string, allow func(int64) error) ([]byte, error) {
	if name != "short" {
		return nil, errors.ErrUnsupported
	}
	*d.calls++
	return []byte("directly"), errors.Join(d.err, allow(8))
}

func (d direct) ReadPart(name string, p []byte, off int64) (int, error) {
	if name != "short" {
		return 0, errors.ErrUnsupported
	}
	*d.calls++
	return copy(p, "directly"[off:]), d.err
}

// lying is a file system whose files say that they are longer, and of which only
// some can be read at random.
type lying struct {
	fs.FS
	more int64
}

type lyingFile struct {
	fs.File
	more int64
}

type lyingInfo struct {
	fs.FileInfo
	more int64
}

func (l lying) Open(name string) (fs.File, error) {
	f, err := l.FS.Open(name)
	return lyingFile{f, l.more}, err
}

func (f lyingFile) Stat() (fs.FileInfo, error) {
	st, err := f.File.Stat()
	return lyingInfo{st, f.more}, err
}

func (i lyingInfo) Size() int64 { return i.FileInfo.Size() + i.more }

var (
	errNo   = errors.New("no")
	digits  = fstest.MapFS{"ten": {Data: []byte("0123456789"), ModTime: time.Unix(1, 0)}, "empty": {}}
	nothing = func(int64) error { return nil }
)

func TestReadWhole(t *testing.T) {
	disk := t.TempDir()
	if err := os.WriteFile(filepath.Join(disk, "ten"), []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, tt := range []struct {
		what string
		dir  fs.FS
		name string
		want string
		is   error
	}{
		{"a file in memory", digits, "ten", "0123456789", nil},
		{"a file on disk", os.DirFS(disk), "ten", "0123456789", nil},
		{"an empty file", digits, "empty", "", nil},
		{"no file", digits, "none", "", fs.ErrNotExist},
		{"a file that ends early", lying{digits, 5}, "ten", "0123456789", io.ErrUnexpectedEOF},
		{"an empty one that says it has bytes", lying{digits, 5}, "empty", "", io.ErrUnexpectedEOF},
		{"a file that goes on", lying{digits, -3}, "ten", "0123456", nil},
		{"directly", direct{digits, nil, &calls}, "short", "directly", nil},
		{"directly, with an error", direct{digits, errNo, &calls}, "short", "directly", errNo},
		{"not directly", direct{digits, nil, &calls}, "ten", "0123456789", nil},
	} {
		b, err := codec.ReadWhole(tt.dir, tt.name, nothing)
		if string(b) != tt.want || !errors.Is(err, tt.is) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.what, b, err, tt.want, tt.is)
		}
	}
	if calls != 2 {
		t.Errorf("%d files were read directly, want 2", calls)
	}
}

// TestReadWholeAsks: nothing is read of a file that is not allowed.
func TestReadWholeAsks(t *testing.T) {
	size := int64(-1)
	b, err := codec.ReadWhole(digits, "ten", func(n int64) error {
		size = n
		return errNo
	})
	if b != nil || !errors.Is(err, errNo) || size != 10 {
		t.Errorf("%q, %v, asked about %d bytes", b, err, size)
	}
}

// noSeek hides that a file can be read at random.
type noSeek struct{ fs.FS }

func (n noSeek) Open(name string) (fs.File, error) {
	f, err := n.FS.Open(name)
	return struct{ fs.File }{f}, err
}

func TestReadPart(t *testing.T) {
	calls := 0
	for _, tt := range []struct {
		what string
		dir  fs.FS
		name string
		size int
		off  int64
		want string
		is   error
	}{
		{"the beginning", digits, "ten", 4, 0, "0123", nil},
		{"the end", digits, "ten", 4, 6, "6789", nil},
		{"over the end", digits, "ten", 4, 8, "89", io.EOF},
		{"behind the end", digits, "ten", 4, 10, "", io.EOF},
		{"no file", digits, "none", 4, 0, "", fs.ErrNotExist},
		{"directly", direct{digits, nil, &calls}, "short", 3, 2, "rec", nil},
		{"directly, with an error", direct{digits, errNo, &calls}, "short", 3, 0, "dir", errNo},
		{"not directly", direct{digits, nil, &calls}, "ten", 2, 3, "34", nil},
	} {
		p := make([]byte, tt.size)
		n, err := codec.ReadPart(tt.dir, tt.name, p, tt.off)
		if string(p[:n]) != tt.want || !errors.Is(err, tt.is) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.what, p[:n], err, tt.want, tt.is)
		}
	}
	if calls != 2 {
		t.Errorf("%d files were read directly, want 2", calls)
	}
	if n, err := codec.ReadPart(noSeek{digits}, "ten", make([]byte, 1), 0); n != 0 || err == nil {
		t.Errorf("a file that cannot be read at random: %d bytes, %v", n, err)
	}
}
