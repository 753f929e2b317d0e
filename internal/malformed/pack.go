package malformed

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// packReader reads the files of vectors one after the other.
type packReader struct {
	file fs.File
	zstd *zstd.Decoder
	tar  *tar.Reader
	// ahead is the header of a member that the vector before did not have.
	ahead *tar.Header
}

func openPack(dir fs.FS, name string) (*packReader, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(packWindow))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &packReader{file: f, zstd: z, tar: tar.NewReader(z)}, nil
}

func (p *packReader) close() {
	p.zstd.Close()
	p.file.Close() //nolint:errcheck // nothing was written
}

// next gives the files of an entry, which must be the one after that before.
func (p *packReader) next(e *Entry) ([]File, error) {
	var files []File
	for {
		hdr := p.ahead
		if p.ahead = nil; hdr == nil {
			var err error
			if hdr, err = p.tar.Next(); errors.Is(err, io.EOF) && len(files) > 0 {
				return files, nil
			} else if err != nil {
				return nil, err
			}
		}
		name, ok := memberOf(e, hdr.Name)
		if !ok {
			if p.ahead = hdr; len(files) == 0 {
				return nil, fmt.Errorf("is not there, but %s", hdr.Name)
			}
			return files, nil
		}
		data, err := io.ReadAll(p.tar)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: name, Data: data, Link: hdr.Linkname})
		if e.Kind == KindFile {
			return files, nil
		}
	}
}

// memberOf gives the name of a member of a pack in its vector.
func memberOf(e *Entry, member string) (string, bool) {
	if e.Kind == KindFile {
		return path.Base(member), member == e.Path
	}
	return strings.CutPrefix(member, e.Path+"/")
}

// packWindow spans some dozens of vectors, which differ in few bytes.
const packWindow = 8 << 20

// writePack packs vectors. The tar archive in it depends on them alone.
func writePack(w io.Writer, vectors []*Vector) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(packWindow), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, v := range vectors {
		for _, f := range v.Files {
			if err := v.pack(t, &f); err != nil {
				return err
			}
		}
	}
	return errors.Join(t.Close(), z.Close())
}

func (v *Vector) pack(t *tar.Writer, f *File) error {
	hdr := &tar.Header{Typeflag: tar.TypeReg, Name: v.Path, Mode: 0o644, Size: int64(len(f.Data)), Format: tar.FormatPAX}
	if v.Kind == KindDirectory {
		hdr.Name += "/" + f.Name
	}
	if f.Link != "" {
		hdr.Typeflag, hdr.Linkname = tar.TypeSymlink, f.Link
	}
	if err := t.WriteHeader(hdr); err != nil {
		return err
	}
	_, err := t.Write(f.Data)
	return err
}

// Licence of the corpus, as SPDX names it.
const Licence = "Apache-2.0"

const indexVersion = 1

// packsOf sorts vectors by their packs, in the order of the first of each.
func packsOf(vectors []*Vector) (names []string, packs map[string][]*Vector) {
	packs = map[string][]*Vector{}
	for _, v := range vectors {
		if packs[v.Pack] == nil {
			names = append(names, v.Pack)
		}
		packs[v.Pack] = append(packs[v.Pack], v)
	}
	return names, packs
}

// indexOf is the index of bases and vectors as JSON, a line for each.
func indexOf(bases, vectors []*Vector) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"version\": %d, \"licence\": %q,\n", indexVersion, Licence)
	for i, list := range []struct {
		name    string
		vectors []*Vector
	}{{"bases", bases}, {"vectors", vectors}} {
		fmt.Fprintf(&b, "%q: [\n", list.name)
		for k, v := range list.vectors {
			line, err := json.Marshal(v.Entry)
			if err != nil {
				return nil, err
			}
			b.Write(line)
			if k < len(list.vectors)-1 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
		}
		b.WriteString([]string{"],\n", "]}\n"}[i])
	}
	return b.Bytes(), nil
}

// Save writes the packs of vectors and the index into a directory. The packs of
// bases, which are kept and not made, stay as they are.
func Save(dir string, bases, vectors []*Vector) error {
	names, packs := packsOf(vectors)
	for _, name := range names {
		var b bytes.Buffer
		if err := writePack(&b, packs[name]); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil { //nolint:gosec // data for all
			return err
		}
	}
	index, err := indexOf(bases, vectors)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, IndexName), index, 0o644) //nolint:gosec // data for all
}
