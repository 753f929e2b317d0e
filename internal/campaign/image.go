package campaign

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/thaw-cr/thaw/codec"
)

// Family says how an image is built, and so how it is damaged.
type Family string

// The families.
const (
	Native  Family = "native"
	LinuxCR Family = "linux-cr"
	CRIU    Family = "criu"
	Archive Family = "archive"
)

// Families lists the families.
func Families() []Family { return []Family{Native, LinuxCR, CRIU, Archive} }

// An Image is what a campaign damages, or what became of it: a file, or a
// directory of files. It is not changed once it is made.
type Image struct {
	// Name is unique in a corpus and begins with the family: "criu/b-tree".
	Name   string
	Family Family
	// File is the image if it is one file, Dir if it is a directory.
	File []byte
	Dir  fstest.MapFS
	// World names what its processes need in order to be restored; see Restore.
	// Empty for an image that is not restored.
	World string
}

// Size is that of all files in bytes.
func (m *Image) Size() int {
	n := len(m.File)
	for _, f := range m.Dir {
		n += len(f.Data)
	}
	return n
}

// Source is the image as codecs take it.
func (m *Image) Source() codec.Source {
	if m.Dir != nil {
		return codec.Source{Name: m.Name, Dir: m.Dir}
	}
	return codec.Source{Name: m.Name, At: bytes.NewReader(m.File), Size: int64(len(m.File))}
}

// Stream is a file as a stream that cannot seek.
func (m *Image) Stream() codec.Source {
	return codec.Source{Name: m.Name, Reader: io.MultiReader(bytes.NewReader(m.File))}
}

// names lists the files of a directory.
func (m *Image) names() []string { return slices.Sorted(maps.Keys(m.Dir)) }

// with is a directory with one file changed; nil data removes it.
func (m *Image) with(name string, data []byte) *Image {
	out := *m
	out.Dir = maps.Clone(m.Dir)
	if data == nil {
		delete(out.Dir, name)
		return &out
	}
	out.Dir[name] = &fstest.MapFile{Data: data, Mode: 0o600}
	return &out
}

// withFile is the image with other bytes.
func (m *Image) withFile(b []byte) *Image {
	out := *m
	out.File = b
	return &out
}

// isPages says whether a file of an image of CRIU holds page contents, which
// mean nothing to a reader.
func isPages(name string) bool { return strings.HasPrefix(name, "pages-") }
