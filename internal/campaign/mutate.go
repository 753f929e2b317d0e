package campaign

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A mutator makes a damaged image. It depends on the image, the corpus and the
// random numbers alone.
type mutator struct {
	name string
	// about says in a few words what it does, for the tables.
	about string
	// share is how often it is used, in relation to the others.
	share int
	// families that it fits; nil for all.
	families []Family
	// apply gives the mutant, nil if it finds nothing to change.
	apply func(c *Corpus, r *rand.Rand, m *Image) *Image
}

// untouched is the mutator that does nothing.
const untouched = "none"

func mutators() []mutator {
	return []mutator{
		{untouched, "as it is, to replay by name only", 0, nil, func(_ *Corpus, _ *rand.Rand, m *Image) *Image { return m }},
		{"flip", "bytes or bits changed", 20, nil, onBytes(func(r *rand.Rand, b, _ []byte) []byte { return flip(r, b) })},
		{"cut", "cut off", 5, nil, onBytes(func(r *rand.Rand, b, _ []byte) []byte { return cut(r, b) })},
		{"splice", "a stretch moved, doubled, removed, or taken from another image", 15, nil, onBytes(splice)},
		{"word", "an aligned number set to a boundary value", 15, nil, onBytes(func(r *rand.Rand, b, _ []byte) []byte { return word(r, b) })},
		{"field", "fields of records set to boundary values or to those of others", 40, nil, fields},
		{"record", "records removed, doubled, swapped, retyped, or taken from another image", 12, nil, records},
		{"file", "files removed, doubled, swapped or renamed", 8, []Family{CRIU, Archive}, files},
		{"shape", "another tree of its processes: parents, groups, sessions, numbers, states", 15, []Family{Native}, reshape},
		{"wrap", "changed before or after it is compressed", 4, []Family{Native, LinuxCR, Archive}, wrap},
	}
}

// onBytes makes a mutator of one that changes bytes: those of a file, or of one of
// a directory. Native files get checksums that fit half of the time.
func onBytes(change func(r *rand.Rand, b, other []byte) []byte) func(*Corpus, *rand.Rand, *Image) *Image {
	return func(c *Corpus, r *rand.Rand, m *Image) *Image {
		other := c.another(r, m.Family)
		if m.Dir != nil {
			name := anyFile(r, m)
			b := change(r, m.Dir[name].Data, other.sameFile(r, name))
			if b == nil {
				return nil
			}
			return m.with(name, b)
		}
		b := change(r, m.File, other.File)
		if b == nil {
			return nil
		}
		if m.Family == Native && r.IntN(2) == 0 {
			b = resealNative(b)
		}
		return m.withFile(b)
	}
}

// anyFile chooses a file, seldom one with page contents.
func anyFile(r *rand.Rand, m *Image) string {
	names := m.names()
	for range 8 {
		if n := names[r.IntN(len(names))]; !isPages(n) || r.IntN(10) == 0 {
			return n
		}
	}
	return names[r.IntN(len(names))]
}

// sameFile is a file of the same kind as another directory's, or any.
func (m *Image) sameFile(r *rand.Rand, name string) []byte {
	if m.Dir == nil {
		return m.File
	}
	names := m.names()
	same := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return kindOf(n) != kindOf(name) })
	if len(same) > 0 {
		names = same
	}
	return m.Dir[names[r.IntN(len(names))]].Data
}

func flip(r *rand.Rand, b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	b = bytes.Clone(b)
	for range 1 << r.IntN(5) {
		at := r.IntN(len(b))
		if r.IntN(2) == 0 {
			b[at] ^= 1 << r.IntN(8)
		} else {
			b[at] = byte(r.IntN(256))
		}
	}
	return b
}

func cut(r *rand.Rand, b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if r.IntN(4) == 0 { // near the end
		return b[:len(b)-1-r.IntN(min(len(b), 100))]
	}
	return b[:r.IntN(len(b))]
}

// stretch chooses a part of b, mostly a short one.
func stretch(r *rand.Rand, b []byte) (from, to int) {
	from = r.IntN(len(b))
	most := len(b) - from
	if r.IntN(4) > 0 {
		most = min(most, 256)
	}
	return from, from + 1 + r.IntN(most)
}

func splice(r *rand.Rand, b, other []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	from, to := stretch(r, b)
	part := b[from:to]
	if r.IntN(2) == 0 && len(other) > 0 {
		f, t := stretch(r, other)
		part = other[f:t]
	}
	at := r.IntN(len(b))
	switch r.IntN(3) {
	case 0: // removed
		return slices.Concat(b[:from], b[to:])
	case 1: // put between
		return slices.Concat(b[:at], part, b[at:])
	}
	out := bytes.Clone(b)
	copy(out[at:], part)
	return out
}

func word(r *rand.Rand, b []byte) []byte {
	width := 1 << r.IntN(4)
	if len(b) < width {
		return nil
	}
	b = bytes.Clone(b)
	at := r.IntN(len(b)/width) * width
	order := binary.ByteOrder(binary.LittleEndian)
	if r.IntN(4) == 0 {
		order = binary.BigEndian
	}
	putNumber(r, order, b[at:at+width])
	return b
}

// fields changes fields by what the image is.
func fields(c *Corpus, r *rand.Rand, m *Image) *Image {
	var b []byte
	switch m.Family {
	case Native:
		b = editNative(r, m.File)
	case LinuxCR:
		b = c.layout(m).editFields(r, m.File)
	case CRIU:
		name := anyFile(r, m)
		if b = editCRIUFile(r, m.Dir[name].Data); b == nil {
			return nil
		}
		return m.with(name, b)
	case Archive:
		list := parseTar(m.File)
		if len(list) == 0 {
			return nil
		}
		if r.IntN(3) == 0 {
			editTarHeader(r, list)
		} else if !editTarContent(r, list) {
			return nil
		}
		b = assembleTar(list)
	}
	if b == nil {
		return nil
	}
	return m.withFile(b)
}

// records changes which records there are.
func records(c *Corpus, r *rand.Rand, m *Image) *Image {
	var b []byte
	switch m.Family {
	case Native:
		b = editNativeRecords(r, m.File, c.another(r, Native).File)
	case LinuxCR:
		b = c.layout(m).editRecords(r, m.File)
	case CRIU:
		name := anyFile(r, m)
		if b = editCRIURecords(r, m.Dir[name].Data, c.another(r, CRIU).sameFile(r, name)); b == nil {
			return nil
		}
		return m.with(name, b)
	case Archive:
		list := parseTar(m.File)
		if len(list) < 2 {
			return nil
		}
		b = assembleTar(editTarMembers(r, list))
	}
	if b == nil {
		return nil
	}
	return m.withFile(b)
}

// files changes which files an image has, and what they hold.
func files(c *Corpus, r *rand.Rand, m *Image) *Image {
	if m.Family == Archive {
		list, from := parseTar(m.File), parseTar(c.another(r, Archive).File)
		if len(list) == 0 || len(from) == 0 {
			return nil
		}
		at := r.IntN(len(list))
		list[at].body = from[r.IntN(len(from))].body
		list[at].head = bytes.Clone(list[at].head)
		list[at].seal(true)
		return m.withFile(assembleTar(list))
	}
	name, other := anyFile(r, m), anyFile(r, m)
	switch r.IntN(5) {
	case 0:
		return m.with(name, nil)
	case 1:
		return m.with(other, m.Dir[name].Data)
	case 2:
		return m.with(other, m.Dir[name].Data).with(name, m.Dir[other].Data)
	case 3:
		return m.with(name, c.another(r, CRIU).sameFile(r, name))
	}
	return m.with(name, []byte{})
}

// wrap compresses a changed image, or changes a compressed one.
func wrap(_ *Corpus, r *rand.Rand, m *Image) *Image {
	b := m.File
	before := r.IntN(2) == 0
	if before {
		if b = flip(r, b); b == nil {
			return nil
		}
	}
	b, err := compressed(b, r.IntN(2) == 0)
	if err != nil {
		return nil
	}
	if !before {
		b = [](func(*rand.Rand, []byte) []byte){flip, cut, word}[r.IntN(3)](r, b)
	}
	return m.withFile(b)
}

// compressed is b as gzip or zstd.
func compressed(b []byte, gz bool) ([]byte, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	if gz {
		w, err = gzip.NewWriterLevel(&out, gzip.BestSpeed)
	} else {
		w, err = zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	}
	if err != nil {
		return nil, err
	}
	_, err = w.Write(b)
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}
