package codec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// A DirectReader is an fs.FS that reads files at less cost than an fs.File has:
// images have thousands of small ones. Of what it has no short way to, it says
// errors.ErrUnsupported.
type DirectReader interface {
	// ReadWhole is [ReadWhole].
	ReadWhole(name string, allow func(size int64) error) ([]byte, error)
	// ReadPart is [ReadPart].
	ReadPart(name string, p []byte, off int64) (int, error)
}

// ReadWhole reads a regular file of dir. allow is asked with its size in bytes
// before memory is taken for it. Of a file that ends early it gives what is there
// and io.ErrUnexpectedEOF.
func ReadWhole(dir fs.FS, name string, allow func(size int64) error) (data []byte, err error) {
	if d, ok := dir.(DirectReader); ok {
		if data, err := d.ReadWhole(name, allow); !errors.Is(err, errors.ErrUnsupported) {
			return data, err
		}
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := allow(st.Size()); err != nil {
		return nil, err
	}
	data = make([]byte, st.Size())
	n, err := io.ReadFull(f, data)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return data[:n], err
}

// ReadPart fills p with the bytes of a regular file of dir from an offset on, as
// an io.ReaderAt does.
func ReadPart(dir fs.FS, name string, p []byte, off int64) (n int, err error) {
	if d, ok := dir.(DirectReader); ok {
		if n, err := d.ReadPart(name, p, off); !errors.Is(err, errors.ErrUnsupported) {
			return n, err
		}
	}
	f, err := dir.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	at, ok := f.(io.ReaderAt)
	if !ok {
		return 0, fmt.Errorf("%s: the source gives no random access", name)
	}
	return at.ReadAt(p, off)
}
