package malformed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// IndexName is the index in the corpus's folder; its schema is
// spec/malformed.schema.json.
const IndexName = "index.json"

// Index lists what is in the corpus.
type Index struct {
	// Version is that of the index's layout.
	Version int `json:"version" jsonschema:"minimum=1"`
	// Licence is the SPDX name of what all vectors may be used under.
	Licence string `json:"licence"`
	// Bases are the images that were changed to get the vectors. They are
	// controls: a program that refuses them says nothing by refusing the others.
	Bases []Entry `json:"bases"`
	// Vectors are wrong in one way each.
	Vectors []Entry `json:"vectors"`
}

// Kind says what a vector is on disk.
type Kind string

// The kinds.
const (
	// KindFile is one file.
	KindFile Kind = "file"
	// KindDirectory is a directory of files, as CRIU writes it.
	KindDirectory Kind = "directory"
)

// Verdict says whether something may be restored from a vector.
type Verdict string

// The verdicts.
const (
	// Invalid: at least one of the findings is an error.
	Invalid Verdict = "invalid"
	// Valid: there are warnings or notes at most.
	Valid Verdict = "valid"
)

// Entry describes one vector.
type Entry struct {
	// Name is unique: its format, a slash, and the fault in few words.
	Name string `json:"name"`
	// Format is that of the image: thaw, linux-cr, criu, archive, wrapped.
	Format string `json:"format" jsonschema:"enum=thaw,enum=linux-cr,enum=criu,enum=archive,enum=wrapped"`
	// Kind says whether it is a file or a directory.
	Kind Kind `json:"kind" jsonschema:"enum=file,enum=directory"`
	// Pack is the tar archive, compressed with zstd, that the vector is in, and
	// Path its name there: of the file, or of the directory.
	Pack string `json:"pack"`
	Path string `json:"path"`
	// Base is the name of the image that was changed; empty for what was made
	// from nothing.
	Base string `json:"base,omitempty"`
	// Fault says in words what is wrong, or what a base is.
	Fault string `json:"fault"`
	// Where is the place of the fault: a record, a file, an offset, a field.
	Where string `json:"where,omitempty"`
	// Codes are those of all findings, sorted, each once: spec/rules.md explains
	// them. Other programs may find other words; that they find something is what
	// counts.
	Codes []string `json:"codes"`
	// Verdict is what the findings come to.
	Verdict Verdict `json:"verdict" jsonschema:"enum=invalid,enum=valid"`
	// Size in bytes, of all files together.
	Size int64 `json:"size"`
	// SHA256 is the digest of a file. That of a directory is the digest of the
	// lines "DIGEST  NAME\n" of its files, sorted by name, as sha256sum prints
	// them; that of a symbolic link is over its target.
	SHA256 string `json:"sha256" jsonschema:"pattern=^[0-9a-f]{64}$"`
}

// A File is a file of a vector.
type File struct {
	// Name is relative to the vector's directory; that of a single file is its
	// own.
	Name string
	// Data is its contents. It is not to be changed.
	Data []byte
	// Link is the target if it is a symbolic link, else empty.
	Link string
}

// A Vector is an image.
type Vector struct {
	Entry
	// Files are sorted by name; one, for a file.
	Files []File
}

// Bytes are the contents of a vector that is a file; nil for a directory.
func (v *Vector) Bytes() []byte {
	if v.Kind != KindFile || len(v.Files) != 1 {
		return nil
	}
	return v.Files[0].Data
}

// Write puts the vector into a directory that is there and gives its path. A
// directory of files must not be there yet.
func (v *Vector) Write(dir string) (string, error) {
	if v.Kind == KindFile {
		path := filepath.Join(dir, v.Files[0].Name)
		return path, os.WriteFile(path, v.Files[0].Data, 0o600)
	}
	path := filepath.Join(dir, filepath.Base(v.Path))
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return "", err
	}
	for i := range v.Files {
		err = errors.Join(err, v.Files[i].write(root))
	}
	return path, errors.Join(err, root.Close())
}

func (f *File) write(root *os.Root) error {
	if err := root.MkdirAll(filepath.Dir(f.Name), 0o700); err != nil {
		return err
	}
	if f.Link != "" {
		return root.Symlink(f.Link, f.Name)
	}
	return root.WriteFile(f.Name, f.Data, 0o600)
}

// digest is what Entry.SHA256 says.
func (v *Vector) digest() string {
	if v.Kind == KindFile {
		return digestOf(v.Files[0].Data)
	}
	var lines strings.Builder
	for _, f := range v.Files {
		data := f.Data
		if f.Link != "" {
			data = []byte(f.Link)
		}
		fmt.Fprintf(&lines, "%s  %s\n", digestOf(data), f.Name)
	}
	return digestOf([]byte(lines.String()))
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (v *Vector) size() (n int64) {
	for _, f := range v.Files {
		n += int64(len(f.Data))
	}
	return n
}

// Corpus is an open corpus.
type Corpus struct {
	Index
	dir fs.FS
}

// Open reads the index of the corpus in a directory.
func Open(dir fs.FS) (*Corpus, error) {
	b, err := fs.ReadFile(dir, IndexName)
	if err != nil {
		return nil, err
	}
	c := &Corpus{dir: dir}
	if err := json.Unmarshal(b, &c.Index); err != nil {
		return nil, fmt.Errorf("%s: %w", IndexName, err)
	}
	return c, nil
}

// Vectors gives all vectors in the order of the index. They are checked against
// their digests. It ends at the first error.
func (c *Corpus) Vectors() iter.Seq2[*Vector, error] { return c.read(c.Index.Vectors) }

// BaseVectors gives all bases.
func (c *Corpus) BaseVectors() iter.Seq2[*Vector, error] { return c.read(c.Bases) }

func (c *Corpus) read(entries []Entry) iter.Seq2[*Vector, error] {
	return func(yield func(*Vector, error) bool) {
		for len(entries) > 0 {
			pack := entries[0].Pack
			n := slices.IndexFunc(entries, func(e Entry) bool { return e.Pack != pack })
			if n < 0 {
				n = len(entries)
			}
			if !c.readPack(pack, entries[:n], yield) {
				return
			}
			entries = entries[n:]
		}
	}
}

// readPack gives the entries of one pack; false to end.
func (c *Corpus) readPack(pack string, entries []Entry, yield func(*Vector, error) bool) bool {
	files, err := openPack(c.dir, pack)
	if err != nil {
		return yield(nil, err)
	}
	defer files.close()
	for _, e := range entries {
		v := &Vector{Entry: e}
		if v.Files, err = files.next(&e); err != nil {
			yield(nil, fmt.Errorf("%s: %s: %w", pack, e.Name, err))
			return false
		}
		if got := v.digest(); got != e.SHA256 {
			yield(nil, fmt.Errorf("%s: %s has digest %s, the index says %s", pack, e.Name, got, e.SHA256))
			return false
		}
		if !yield(v, nil) {
			return false
		}
	}
	return true
}
