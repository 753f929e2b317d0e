package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/internal/golden"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

var update = flag.Bool("update", false, "write generated files and vectors")

// generated are the files that go generate makes.
var generated = golden.Set{Update: update, How: "go generate ./validate"}

const (
	validDir   = "../testdata/valid"
	invalidDir = "../testdata/invalid"
)

// A vector is an image with what must be said of it. The files in testdata hold
// one each, for other projects too.
type vector struct {
	// About says what the image shows.
	About string `json:"about"`
	// Expect are the codes of all findings, each once; empty for valid images.
	Expect []string `json:"expect"`
	// Unsupported are the codes of what the engine of this release cannot
	// restore; such images are valid otherwise.
	Unsupported []string `json:"unsupported,omitempty"`
	// Policy is the document that containers are judged by; empty for the strict
	// policy.
	Policy string        `json:"policy,omitempty"`
	Image  *format.Image `json:"image"`
	// Pages are the page runs of objects, without their contents.
	Pages []pagesOf `json:"pages,omitempty"`
}

type pagesOf struct {
	Object format.ObjectID  `json:"object"`
	Runs   []format.PageRun `json:"runs"`
	// Error ends the runs.
	Error string `json:"error,omitempty"`
}

// runSource is a PageSource that knows runs only.
type runSource map[format.ObjectID]pagesOf

var errNoContents = errors.New("vectors have no page contents")

func (s runSource) Runs(_ context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		for _, r := range s[id].Runs {
			if !yield(r, nil) {
				return
			}
		}
		if s[id].Error != "" {
			yield(format.PageRun{}, errors.New(s[id].Error))
		}
	}
}

func (runSource) ReadPages(context.Context, format.ObjectID, format.PageNum, []byte) error {
	return errNoContents
}

// image is the vector's image with its pages.
func (v *vector) image() *format.Image {
	src := runSource{}
	for _, p := range v.Pages {
		src[p.Object] = p
	}
	if v.Image != nil {
		v.Image.Pages = src
	}
	return v.Image
}

// encode writes the vector with a line for each of its parts.
func (v *vector) encode(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("{\n")
	for i, part := range []struct {
		name  string
		value any
	}{{"about", v.About}, {"expect", v.Expect}, {"unsupported", v.Unsupported}, {"policy", v.Policy}, {"image", v.Image}, {"pages", v.Pages}} {
		line, err := json.Marshal(part.value)
		if err != nil {
			t.Fatalf("part %s: %v", part.name, err)
		}
		if string(line) == "null" && part.name == "unsupported" || string(line) == `""` {
			continue
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(`"` + part.name + `":` + string(line))
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

// checkVector compares a vector with its file, or writes it, and gives what the file
// says.
func checkVector(t *testing.T, name string, v *vector) *vector {
	t.Helper()
	generated.Check(t, name, v.encode(t))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return readVector(t, b)
}

func readVector(t testing.TB, b []byte) *vector {
	t.Helper()
	var v vector
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return &v
}

// codesOf are the codes of findings, each once, sorted.
func codesOf(findings []Finding) []string {
	codes := []string{}
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// A mutation makes the base image break one rule.
type mutation struct {
	code, name string
	change     func(*vector)
}

func allMutations() []mutation {
	return slices.Concat(layerMutations, mountMutations, privilegeMutations, orderMutations, hierarchyMutations, memoryMutations, stateMutations, resourceMutations, lockMutations, sysvMutations, planMutations)
}

func (m *mutation) vector() *vector {
	v := &vector{Image: baseImage(), Pages: basePages(), Expect: []string{m.code}}
	m.change(v)
	r, _ := Lookup(m.code)
	v.About = r.Title + ": " + strings.ReplaceAll(m.name, "-", " ")
	return v
}

func TestInvalidVectors(t *testing.T) {
	seen := map[string]bool{}
	names := map[string]bool{}
	for _, m := range allMutations() {
		name := m.code + "-" + m.name
		t.Run(name, func(t *testing.T) {
			if names[name+".json"] {
				t.Fatal("name occurs twice")
			}
			names[name+".json"] = true
			v := checkVector(t, filepath.Join(invalidDir, name+".json"), m.vector())
			found := Image(t.Context(), v.image(), Options{Plan: true, Policy: v.policy(t)})
			if diff := cmp.Diff(v.Expect, codesOf(found)); diff != "" {
				t.Errorf("codes (-want +got):\n%s\n%v", diff, found)
			}
			for _, f := range found {
				if _, ok := Lookup(f.Code); !ok {
					t.Errorf("%s is not in the catalogue", f.Code)
				}
				if f.Message == "" || f.Hint == "" {
					t.Errorf("finding without words: %+v", f)
				}
			}
		})
		seen[m.code] = true
	}
	for _, r := range Rules() {
		// What says that the planner is wrong is tried with wrong planners; what
		// codecs find in archives has vectors in testdata/archive.
		judged := strings.Contains("HMSRP", r.Family()) || r.Code >= "A040" && r.Code < "B"
		if judged && !seen[r.Code] && plannerFaults[r.Code].simulate == nil && !ofModes[r.Code] {
			t.Errorf("%s (%s) has no vector", r.Code, r.Title)
		}
	}
	noStrays(t, invalidDir, names)
}

// noStrays asks that a folder of vectors holds those of the tables only.
func noStrays(t *testing.T, dir string, names map[string]bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if names[filepath.Base(f)] {
			continue
		}
		if !*update {
			t.Errorf("%s belongs to no rule", f)
		} else if err := os.Remove(f); err != nil {
			t.Error(err)
		}
	}
}

// lookups for mutations; the base image has what they ask for.

func (v *vector) task(tid format.PID) *format.Task { return v.index().Task(tid) }

func (v *vector) index() *format.Index { return format.NewIndex(v.Image) }

func (v *vector) regs() *format.RegistersAMD64 { return v.task(100).Registers.AMD64 }

func (v *vector) mm() *format.AddressSpace { return v.index().Memory(idMemory) }

func (v *vector) file(id format.ObjectID) *format.OpenFile { return v.index().File(id) }

func (v *vector) proc() *format.Process { return v.index().Process(idProcess) }

// vma finds a VMA of the root's memory by its start.
func (v *vector) vma(start format.Addr) *format.VMA {
	mm := v.mm()
	i := slices.IndexFunc(mm.VMAs, func(x format.VMA) bool { return x.Start == start })
	return &mm.VMAs[i]
}

// open adds a file and its descriptor.
func (v *vector) open(f format.OpenFile) {
	o := &v.Image.Objects
	o.Files = append(o.Files, f)
	table := &o.FileTables[0]
	table.Entries = append(table.Entries, format.FileEntry{FD: format.FD(len(table.Entries)), File: f.ID})
}

// spawn adds a living process with objects of its own.
func (v *vector) spawn(tid, ppid, pgid, sid format.PID) *format.Task {
	t := livingTask(tid, tid, ppid)
	t.PGID, t.SID = pgid, sid
	id := format.ObjectID(10 * tid)
	t.Process, t.Memory, t.Files, t.Handlers = id, id+1, id+2, id+3
	o := &v.Image.Objects
	o.Processes = append(o.Processes, format.Process{ID: t.Process})
	o.Memories = append(o.Memories, smallMemory(t.Memory))
	o.FileTables = append(o.FileTables, format.FileTable{ID: t.Files})
	o.Handlers = append(o.Handlers, format.SignalHandlers{ID: t.Handlers})
	v.Image.Tasks = append(v.Image.Tasks, t)
	return &v.Image.Tasks[len(v.Image.Tasks)-1]
}

// forget takes the last memory, file table and handlers out of the image.
func (v *vector) forget(memory, files, handlers bool) {
	o := &v.Image.Objects
	if memory {
		o.Memories = o.Memories[:len(o.Memories)-1]
	}
	if files {
		o.FileTables = o.FileTables[:len(o.FileTables)-1]
	}
	if handlers {
		o.Handlers = o.Handlers[:len(o.Handlers)-1]
	}
}
