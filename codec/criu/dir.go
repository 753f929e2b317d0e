package criu

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/checkpoint-restore/go-criu/v8/magic"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
)

// magics are the numbers that files begin with, by name. The map is only read.
var magics = magic.LoadMagic().ByName

// The magic numbers of version 1.1 stand before that of the kind.
const (
	groupCommon  = "IMG_COMMON"
	groupService = "IMG_SERVICE"
)

var magicCommon, magicService = uint32(magics[groupCommon]), uint32(magics[groupService])

// A record is one message of a file.
type record struct {
	// at is its offset in the file, n its number.
	at  int64
	n   int
	msg proto.Message
	// lists are what the kind's messages have by the hundred, decoded by hand; msg
	// is without them. Nil for other kinds.
	lists *lists
	// extra is the raw data behind the message.
	extra   []byte
	extraAt int64
}

// file is one file of an image.
type file struct {
	*kind
	id   uint64
	name string
	// data is all of it but the contents of ghost files; nil for pages.
	data []byte
	size int64
	// body is where records begin: behind the magic numbers.
	body    int64
	records []record
	// first is where the record of a file with one is kept.
	first [1]record
	// pages is what a pagemap says, ghost where the contents of a ghost file are.
	pages *pagemap
	ghost []chunk
}

// image is the files of one directory.
type image struct {
	dir   iofs.FS
	files []*file
	// strange are names that no kind has.
	strange []string
	// ofKind are the files by the places of their kinds, and then by number.
	ofKind [][]*file
	// bare says that pages and the contents of ghost files are not there.
	bare bool
	// floats are the floating point registers that were decoded last.
	floats atomic.Pointer[floats]
	budget
}

// budget counts what decoding takes in memory against a limit.
type budget struct {
	lim  codec.Limits
	used *atomic.Int64
}

// charge takes n bytes.
func (b budget) charge(n int64) error {
	if b.used.Add(n) > b.lim.Memory {
		return codec.Errorf(codec.TooLarge, "", 0, "the image takes more than %d bytes of memory", b.lim.Memory)
	}
	return nil
}

// grown is how many bytes a message of n can become in memory at most, about: an
// empty message inside takes two bytes and becomes a structure.
func grown(n int64) int64 { return 64 * n }

// readImage reads all files of a directory but pages. The files are in the order
// of their kinds and numbers.
func readImage(ctx context.Context, dir iofs.FS, b budget) (*image, error) {
	entries, err := iofs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	if int64(len(entries)) > b.lim.Records {
		return nil, codec.Errorf(codec.TooLarge, "directory", 0, "more than %d files", b.lim.Records)
	}
	im := &image{dir: dir, budget: b}
	room := make([]file, len(entries))
	for i, e := range entries {
		switch k, n := parseName(e.Name()); {
		case k != nil && !e.IsDir():
			room[i] = file{kind: k, id: n, name: e.Name()}
			im.files = append(im.files, &room[i])
		case strings.HasSuffix(e.Name(), imageSuffix) && !e.IsDir():
			im.strange = append(im.strange, e.Name())
		}
	}
	return im, im.readAll(ctx, im.read)
}

// bareImage is the image of files that were kept, without pages and the contents
// of ghost files.
func bareImage(ctx context.Context, files map[string][]byte, b budget) (*image, error) {
	im := &image{budget: b, bare: true}
	for name, data := range files {
		k, n := parseName(name)
		if k == nil {
			return nil, codec.Errorf(codec.Unknown, "file", 0, "%.40q is of no known kind", name)
		}
		im.files = append(im.files, &file{kind: k, id: n, name: name, data: data, size: int64(len(data))})
	}
	return im, im.readAll(ctx, im.parse)
}

// readAll reads the files on all processors. Of several errors it gives that of
// the first file.
func (im *image) readAll(ctx context.Context, read func(*file) error) error {
	im.sort()
	return inParallel(ctx, len(im.files), func(i int) error {
		f := im.files[i]
		return codec.InFile(read(f), f.name)
	})
}

// sort puts the files in the order of their kinds and numbers.
func (im *image) sort() {
	im.ofKind = make([][]*file, len(kinds))
	for _, f := range im.files {
		im.ofKind[f.place] = append(im.ofKind[f.place], f)
	}
	im.files = im.files[:0]
	for _, list := range im.ofKind {
		slices.SortFunc(list, func(a, b *file) int { return cmp.Compare(a.id, b.id) }) // mostly they are
		im.files = append(im.files, list...)
	}
}

// inParallel calls fn for 0 to n-1 on all processors and gives the error of the
// least number.
func inParallel(ctx context.Context, n int, fn func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if errs[i] = ctx.Err(); errs[i] == nil {
					errs[i] = fn(i)
				}
				if errs[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads one file.
func (im *image) read(f *file) error {
	switch f.prefix {
	case kPages:
		// Only its size matters now.
		var err error
		f.size, err = fileSize(im.dir, f.name)
		return err
	case kGhost:
		return im.openGhost(f)
	}
	if err := im.slurp(f); err != nil {
		return err
	}
	return im.parse(f)
}

// parse takes f.data apart.
func (im *image) parse(f *file) error {
	if f.raw() {
		return nil
	}
	switch f.prefix {
	case kGhost:
		return im.bareGhost(f)
	case kPagemap, kShmemMap:
		return im.splitPagemap(f)
	case kIPCMsg:
		return im.splitMessages(f)
	}
	return im.split(f)
}

// slurp reads all of a file.
func (im *image) slurp(f *file) (err error) {
	f.data, err = codec.ReadWhole(im.dir, f.name, func(size int64) error {
		if f.size = size; size > im.lim.Record {
			return codec.Errorf(codec.TooLarge, "file", 0, "%d bytes, limit %d", size, im.lim.Record)
		}
		return im.charge(size)
	})
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return codec.Errorf(codec.Truncated, "file", int64(len(f.data)), "%d bytes of %d", len(f.data), f.size)
	}
	return err
}

// header checks the magic numbers at the beginning of a file.
func (f *file) header(b []byte) error {
	const word = 4
	if len(b) < word {
		return codec.Errorf(codec.Truncated, "magic", 0, "the file has %d bytes", len(b))
	}
	group := magicCommon
	if f.service {
		group = magicService
	}
	got := binary.LittleEndian.Uint32(b)
	f.body = word
	if got == group {
		if len(b) < 2*word {
			return codec.Errorf(codec.Truncated, "magic", word, "the file has %d bytes", len(b))
		}
		got, f.body = binary.LittleEndian.Uint32(b[word:]), 2*word
	}
	if got != f.wants {
		return codec.Errorf(codec.BadMagic, "magic", f.body-word, "%#x, but files named %s begin with %#x", got, f.prefix, f.wants)
	}
	return nil
}

// split takes a file apart into its records.
func (im *image) split(f *file) error {
	if err := f.header(f.data); err != nil {
		return err
	}
	if err := im.roomForRecords(f); err != nil {
		return err
	}
	for at := f.body; at < int64(len(f.data)); {
		r := record{at: at, n: len(f.records)}
		if f.one && r.n == 1 {
			return codec.Errorf(codec.Duplicate, "record 1", at, "a file of this kind has one record")
		}
		b, err := im.frame(f, f.data[at:], &r)
		if err != nil {
			return err
		}
		at += 4 + int64(len(b))
		if f.payload != nil {
			n := f.payload(r.msg)
			if n > uint64(int64(len(f.data))-at) {
				return codec.Errorf(codec.Truncated, r.label(), at, "%d bytes of data are to follow, %d are there", n, int64(len(f.data))-at)
			}
			r.extra = f.data[at : at+int64(n) : at+int64(n)]
			r.extraAt = at
			at += int64(n)
		}
		f.records = append(f.records, r)
	}
	if f.one && len(f.records) == 0 {
		return codec.Errorf(codec.Missing, "record 0", f.body, "the file has no record")
	}
	return nil
}

// recordSize is about what a record takes in memory besides its message.
const recordSize = 128

// roomForRecords makes room for the records of a file. Those with raw data between
// them cannot be counted beforehand.
func (im *image) roomForRecords(f *file) error {
	if f.records = f.first[:0]; f.one || f.payload != nil {
		return nil
	}
	n := min(countFrames(f.data[f.body:]), int(im.lim.Records))
	if err := im.charge(int64(n) * recordSize); err != nil {
		return err
	}
	f.records = make([]record, 0, n)
	return nil
}

func (r *record) label() string { return fmt.Sprintf("record %d", r.n) }

// frame reads the message at the beginning of b into r and gives its bytes.
func (im *image) frame(f *file, b []byte, r *record) ([]byte, error) {
	body, err := frameBody(b, r, im.lim)
	if err != nil {
		return nil, err
	}
	r.msg = f.entry()
	if f.bulk == nil {
		return body, im.unmarshal(body, r)
	}
	return body, im.unmarshalRest(body, f.bulk, r)
}

// frameBody gives the message behind the length at the beginning of b.
func frameBody(b []byte, r *record, lim codec.Limits) ([]byte, error) {
	const word = 4
	if len(b) < word {
		return nil, codec.Errorf(codec.Truncated, r.label(), r.at, "%d bytes where a length belongs", len(b))
	}
	n := int64(binary.LittleEndian.Uint32(b))
	if n > lim.Record {
		return nil, codec.Errorf(codec.TooLarge, r.label(), r.at, "message of %d bytes, limit %d", n, lim.Record)
	}
	if n > int64(len(b)-word) {
		return nil, codec.Errorf(codec.Truncated, r.label(), r.at, "message of %d bytes, %d are there", n, len(b)-word)
	}
	if int64(r.n) >= lim.Records {
		return nil, codec.Errorf(codec.TooLarge, r.label(), r.at, "more than %d records", lim.Records)
	}
	return b[word : word+n : word+n], nil
}

// unmarshal decodes a message into r.msg.
func (im *image) unmarshal(body []byte, r *record) error {
	if err := im.charge(grown(int64(len(body)))); err != nil {
		return err
	}
	o := proto.UnmarshalOptions{RecursionLimit: im.lim.Depth}
	if err := o.Unmarshal(body, r.msg); err != nil {
		return codec.Errorf(codec.Malformed, r.label(), r.at, "%s: %w", r.msg.ProtoReflect().Descriptor().Name(), err)
	}
	return nil
}

// find gives a file; nil if it is not there.
func (im *image) find(prefix string, n uint64) *file { return im.at(kindNamed(prefix), n) }

func (im *image) at(k *kind, n uint64) *file {
	list := im.ofKind[k.place]
	i, ok := slices.BinarySearchFunc(list, n, func(f *file, n uint64) int { return cmp.Compare(f.id, n) })
	if !ok {
		return nil
	}
	return list[i]
}

// named gives a file by its name; nil if it is not there.
func (im *image) named(name string) *file {
	k, n := parseName(name)
	if k == nil {
		return nil
	}
	return im.at(k, n)
}

// all gives the files of a kind, by number.
func (im *image) all(prefix string) []*file { return im.ofKind[kindNamed(prefix).place] }

// lists are those of a file with one record.
func (f *file) lists() *lists { return f.records[0].lists }

// entries gives the messages of a file; none if it is nil.
func entries[T proto.Message](f *file) []T {
	if f == nil {
		return nil
	}
	out := make([]T, 0, len(f.records))
	for i := range f.records {
		if m, ok := f.records[i].msg.(T); ok {
			out = append(out, m)
		}
	}
	return out
}

// entry gives the message of a file with one record; false if it is nil.
func entry[T proto.Message](f *file) (T, bool) {
	var none T
	if f == nil {
		return none, false
	}
	for i := range f.records {
		if m, ok := f.records[i].msg.(T); ok {
			return m, true
		}
	}
	return none, false
}
