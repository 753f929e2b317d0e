package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"

	"github.com/thaw-cr/thaw/codec"
)

// maxDocument is the greatest JSON document that is read, in bytes; deleted.files
// may name very many. maxStatus is that for network.status, which is decoded
// without a shape: engines write some hundred bytes for each network.
const (
	maxDocument = 16 << 20
	maxStatus   = 1 << 20
)

// maxParts is how many objects, arrays and keys a document may have: each takes
// much more room, and time, than its three bytes.
const maxParts = 1 << 16

// readFile reads a small file of dir.
func readFile(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was read only
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, codec.Errorf(codec.BadDocument, name, 0, "it is a folder")
	}
	most := int64(maxDocument)
	if name == networkStatus {
		most = maxStatus
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = codec.Errorf(codec.BadDocument, name, most, "longer than any engine writes one")
	}
	return b, err
}

// readDocument decodes a JSON document of dir into v, and says whether it is
// there and one. That it is not there is no fault.
func readDocument(f *faults, dir fs.FS, name string, v any) (bool, error) {
	return readShaped(f, dir, name, v, reflect.TypeOf(v))
}

// readShaped is readDocument where others than thaw decode the document into a
// type like shape.
func readShaped(f *faults, dir fs.FS, name string, v any, shape reflect.Type) (bool, error) {
	b, err := readFile(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if fe, ok := errors.AsType[*codec.FormatError](err); ok {
		f.put(fe)
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	if err := parse(b, v); err != nil {
		f.add(codec.BadDocument, name, offsetOf(err), "%w", err)
		return false, nil
	}
	if what, offset := ambiguity(b, shape); offset > 0 {
		f.add(codec.AmbiguousDocument, name, offset, "%s", what)
	}
	return true, nil
}

// parse decodes one JSON document and nothing behind it.
func parse(b []byte, v any) error {
	if at := crowd(b); at > 0 {
		return crowdError(at)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(v); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return misfitError{e}
		}
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the document")
	}
	return nil
}

// misfitError is a value of another kind than wanted, without the words of Go.
type misfitError struct{ *json.UnmarshalTypeError }

func (e misfitError) Error() string { return "no " + e.Value + " is wanted here" }

func (e misfitError) Unwrap() error { return e.UnmarshalTypeError }

// crowd gives the offset behind the part of a document that is one too many; zero
// if there is none.
func crowd(b []byte) int64 {
	parts, inString, escaped := 0, false, false
	for i, c := range b {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = c == '\\', c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[' || c == ':':
			if parts++; parts > maxParts {
				return int64(i + 1)
			}
		}
	}
	return 0
}

// A crowdError is the offset of a part that is one too many.
type crowdError int64

func (crowdError) Error() string { return "more objects, arrays and keys than any engine writes" }

// offsetOf finds the place that an error of JSON tells.
func offsetOf(err error) int64 {
	if e, ok := errors.AsType[crowdError](err); ok {
		return int64(e)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return e.Offset
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return e.Offset
	}
	return 0
}

// fileSource makes a source of a file in dir. The returned function closes it.
func fileSource(dir fs.FS, name, title string) (codec.Source, func() error, error) {
	f, err := dir.Open(name)
	if err != nil {
		return codec.Source{}, nil, err
	}
	info, err := f.Stat()
	at, ok := f.(io.ReaderAt)
	if err == nil && (!ok || !info.Mode().IsRegular()) {
		err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		return codec.Source{}, nil, errors.Join(err, f.Close())
	}
	return codec.Source{Name: title, Reader: f, At: at, Size: info.Size()}, f.Close, nil
}

// isDir and isFile say what a name in dir is.
func isDir(dir fs.FS, name string) bool {
	info, err := fs.Stat(dir, name)
	return err == nil && info.IsDir()
}

func isFile(dir fs.FS, name string) bool {
	info, err := fs.Stat(dir, name)
	return err == nil && info.Mode().IsRegular()
}
