package campaign

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/malformed"
)

// vectorFile is what the campaign needs of a vector of the validator.
type vectorFile struct {
	Image *format.Image `json:"image"`
	Pages []struct {
		Object format.ObjectID  `json:"object"`
		Runs   []format.PageRun `json:"runs"`
	} `json:"pages"`
}

// maxVectorPages bounds the pages of a vector: some say that they have more than
// any file could hold.
const maxVectorPages = 64

// vectors adds the images of the validator's vectors and those of the native
// format.
func (l *loader) vectors(data string) error {
	for _, kind := range []string{"valid", "invalid", "unsupported"} {
		err := eachFile(filepath.Join(data, kind), "*.json", func(name string, b []byte) error {
			l.vector(kind+"/"+name, b)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return eachFile(filepath.Join(data, "native"), "*.thaw", func(name string, b []byte) error {
		l.add(&Image{Name: "native/" + name, Family: Native, File: b})
		return nil
	})
}

// vector adds one vector as a native image.
func (l *loader) vector(name string, b []byte) {
	var v vectorFile
	if err := json.Unmarshal(b, &v); err != nil || v.Image == nil {
		l.skip(name, err)
		return
	}
	pages := madePages{}
	for _, p := range v.Pages {
		count := uint64(0)
		for _, run := range p.Runs {
			count += run.Count
		}
		if count <= maxVectorPages {
			pages[p.Object] = p.Runs
		}
	}
	v.Image.Pages = pages
	out, err := encoded(l.ctx, v.Image, "thaw", "")
	if err != nil {
		v.Image.Pages = nil
		if out, err = encoded(l.ctx, v.Image, "thaw", ""); err != nil {
			l.skip(name, err)
			return
		}
	}
	l.add(&Image{Name: "native/" + name, Family: Native, File: out})
}

// encoded is an image in a format.
func encoded(ctx context.Context, img *format.Image, name, version string) ([]byte, error) {
	var out bytes.Buffer
	err := Registry().Encode(ctx, &out, img, name, codec.EncodeOptions{Version: version})
	return out.Bytes(), err
}

// madePages are pages with made-up contents.
type madePages map[format.ObjectID][]format.PageRun

// Runs are those of an object.
func (p madePages) Runs(_ context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		for _, r := range p[id] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// ReadPages makes contents of the numbers of object and page.
func (p madePages) ReadPages(_ context.Context, id format.ObjectID, first format.PageNum, b []byte) error {
	for i := 0; i+16 <= len(b); i += nativePage {
		binary.LittleEndian.PutUint64(b[i:], uint64(id))
		binary.LittleEndian.PutUint64(b[i+8:], uint64(first)+uint64(i/nativePage))
	}
	return nil
}

// malformed adds the corpus of malformed images and those that they were made of.
func (l *loader) malformed(dir string) error {
	c, err := malformed.Open(os.DirFS(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, list := range []iter.Seq2[*malformed.Vector, error]{c.BaseVectors(), c.Vectors()} {
		for v, err := range list {
			if err != nil {
				return err
			}
			l.malformedVector(v)
		}
	}
	return nil
}

// familyOf says how images of a format of the malformed corpus are built.
var familyOf = map[string]Family{"thaw": Native, "linux-cr": LinuxCR, "criu": CRIU, "archive": Archive, "wrapped": Archive}

func (l *loader) malformedVector(v *malformed.Vector) {
	f, ok := familyOf[v.Format]
	m := &Image{Name: string(f) + "/malformed/" + v.Name, Family: f, File: v.Bytes()}
	if v.Kind == malformed.KindDirectory {
		m.Dir = fstest.MapFS{}
		for _, file := range v.Files {
			if file.Link == "" {
				m.Dir[file.Name] = &fstest.MapFile{Data: file.Data, Mode: 0o600}
			}
		}
	}
	switch {
	case !ok || (f == CRIU) != (m.Dir != nil):
		l.skip(v.Name, fmt.Errorf("a %s of format %s", v.Kind, v.Format))
	case m.Dir != nil && len(m.Dir) == 0 || m.Size() > maxPlain:
		l.skip(v.Name, fmt.Errorf("%d bytes", m.Size()))
	default:
		l.add(m)
	}
}
