package criu

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// acceptedName lists the changes of fields after which nothing is found.
const acceptedName = "testdata/accepted.txt"

// samples is how many messages each change is tried on.
const samples = 2

// TestFields sets every field of every message of images that are right to zero, to
// the most it can hold, to a number that does not fit what the kernel has there, and
// to what another message says, and removes it. What validates as before is listed:
// docs/robustness.md says why it may.
func TestFields(t *testing.T) {
	s := &sweep{t: t, tried: map[string]int{}, accepted: map[string]map[string]bool{}}
	for name, dir := range sweepImages(t) {
		t.Run(name, func(t *testing.T) { s.image(t, dir) })
	}
	var out strings.Builder
	for _, field := range slices.Sorted(maps.Keys(s.accepted)) {
		fmt.Fprintf(&out, "%s: %s\n", field, strings.Join(slices.Sorted(maps.Keys(s.accepted[field])), " "))
	}
	if *update {
		if err := os.WriteFile(acceptedName, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	known, err := os.ReadFile(acceptedName)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(known)) {
		field, hows, _ := strings.Cut(strings.TrimSpace(line), ": ")
		for how := range strings.FieldsSeq(hows) {
			listed[field+" "+how] = true
		}
	}
	for field, hows := range s.accepted {
		for how := range hows {
			if !listed[field+" "+how] { // that a rule now finds more is no fault
				t.Errorf("%s, %s: nothing is found; if that is right, go test ./codec/criu -run TestFields -update", field, how)
			}
		}
	}
	if len(listed) == 0 || len(s.tried) < 2*len(listed) {
		t.Errorf("%d changes tried, %d are listed", len(s.tried), len(listed))
	}
}

// sweepImages gives images that are right: real ones, and one with files of many
// kinds that this package writes.
func sweepImages(t *testing.T) func(yield func(string, fstest.MapFS) bool) {
	t.Helper()
	return func(yield func(string, fstest.MapFS) bool) {
		for _, name := range []string{"c-threads", "d-zombies", "h1-files", "i-pidns"} {
			dir, _ := unpackGolden(t, filepath.Join("../../testdata/criu", name+".tar.zst"))
			if !yield(name, dir) {
				return
			}
		}
		for _, name := range []string{"base", "packets", "sockets"} {
			if !yield(name, encodedValid(t, name)) {
				return
			}
		}
	}
}

// memory takes the files of an image that is written.
type memory map[string]*bytes.Buffer

type memoryFile struct{ *bytes.Buffer }

func (memoryFile) Close() error { return nil }

func (m memory) Create(name string) (io.WriteCloser, error) {
	m[name] = &bytes.Buffer{}
	return memoryFile{m[name]}, nil
}

// validImage is one of the valid images of the repository.
func validImage(t *testing.T, name string) *format.Image {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../testdata/valid", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Image format.Image `json:"image"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return &file.Image
}

// encodedValid writes one of the valid images of the repository.
func encodedValid(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	out := memory{}
	if _, err := Format().EncodeDirReport(t.Context(), out, validImage(t, name), codec.EncodeOptions{}); err != nil {
		t.Fatal(err)
	}
	return out.dir()
}

func (m memory) dir() fstest.MapFS {
	dir := fstest.MapFS{}
	for name, b := range m {
		dir[name] = &fstest.MapFile{Data: b.Bytes()}
	}
	return dir
}

// found are the codes of all that is found in an image, each once.
func found(t *testing.T, dir fstest.MapFS) map[string]bool {
	t.Helper()
	codes := map[string]bool{}
	f, err := Format().Open(t.Context(), codec.Source{Name: "image", Dir: dir}, codec.Limits{})
	list := validate.FromError(err)
	if err == nil {
		defer f.Close()
		list = append(validate.FromFaults(f.Faults), validate.Image(t.Context(), f.Image, validate.Options{Plan: true})...)
		for _, w := range f.Image.Warnings {
			codes[w.Message] = true
		}
	}
	for _, x := range list {
		codes[x.Code] = true
	}
	return codes
}

// sweep counts what was tried, and keeps what was accepted, by field.
type sweep struct {
	t        *testing.T
	tried    map[string]int
	accepted map[string]map[string]bool
}

// image tries all changes of an image.
func (s *sweep) image(t *testing.T, dir fstest.MapFS) {
	base := found(t, dir)
	if base["F009"] || base["F031"] || base["F032"] {
		t.Fatalf("the image is not right: %v", base)
	}
	others := map[string][]protoreflect.Value{}
	for _, again := range []bool{false, true} { // at first only what there is
		for _, name := range slices.Sorted(maps.Keys(dir)) {
			k, _ := parseName(name)
			if k == nil || k.raw() || k.entry == nil || k.prefix == kIPCMsg || k.prefix == kGhost || k.prefix == kStats {
				continue
			}
			data := dir[name].Data
			eachMessage(t, k, data, func(m proto.Message, at, size int) {
				walkFields(m.ProtoReflect(), k.prefix, func(p protoreflect.Message, f protoreflect.FieldDescriptor, path string) {
					if !again && p.Has(f) && !f.IsList() && f.Message() == nil {
						others[path] = append(others[path], p.Get(f))
					}
					if !again {
						return
					}
					for how, change := range changes(p, f, others[path]) {
						s.try(t, dir, base, path, how, name, func() []byte {
							undo := change()
							defer undo()
							return replaced(t, data, at, size, m)
						})
					}
				})
			})
		}
	}
}

// try opens an image with another file in it, and notes whether nothing is found.
func (s *sweep) try(t *testing.T, dir fstest.MapFS, base map[string]bool, path, how, name string, change func() []byte) {
	t.Helper()
	if s.tried[path+how]++; s.tried[path+how] > samples {
		return
	}
	was := dir[name]
	dir[name] = &fstest.MapFile{Data: change()}
	codes := found(t, dir)
	dir[name] = was
	for c := range codes {
		if !base[c] {
			return
		}
	}
	if s.accepted[path] == nil {
		s.accepted[path] = map[string]bool{}
	}
	s.accepted[path][how] = true
}

// eachMessage calls visit for the messages of a file, with their places.
func eachMessage(t *testing.T, k *kind, data []byte, visit func(m proto.Message, at, size int)) {
	t.Helper()
	f := &file{kind: k}
	if err := f.header(data); err != nil {
		t.Fatal(err)
	}
	for at := int(f.body); at < len(data); {
		size := int(binary.LittleEndian.Uint32(data[at:])) + 4
		m := k.entry()
		if err := proto.Unmarshal(data[at+4:at+size], m); err != nil {
			t.Fatal(err)
		}
		visit(m, at, size)
		if at += size; k.payload != nil {
			at += int(k.payload(m))
		}
	}
}

// replaced is a file with another message in the place of one.
func replaced(t *testing.T, data []byte, at, size int, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{AllowPartial: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	out := binary.LittleEndian.AppendUint32(slices.Clone(data[:at]), uint32(len(b)))
	return append(append(out, b...), data[at+size:]...)
}

// walkFields visits every field of a message and of those in it, with its path.
func walkFields(m protoreflect.Message, path string, visit func(p protoreflect.Message, f protoreflect.FieldDescriptor, path string)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		at := path + "." + string(f.Name())
		visit(m, f, at)
		if f.Message() == nil || !m.Has(f) {
			continue
		}
		if !f.IsList() {
			walkFields(m.Get(f).Message(), at, visit)
			continue
		}
		for j := range m.Get(f).List().Len() {
			walkFields(m.Get(f).List().Get(j).Message(), at, visit)
		}
	}
}
