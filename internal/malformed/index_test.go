package malformed

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	checker "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/validate"
)

const schemaFile = "../../spec/malformed.schema.json"

// TestSchema generates the index's schema and holds the index against it.
func TestSchema(t *testing.T) {
	r := &jsonschema.Reflector{Anonymous: true, ExpandedStruct: true}
	if err := r.AddGoComments("github.com/thaw-cr/thaw/internal/malformed", "."); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(&Index{})
	s.ID, s.Title = "", "Index of the corpus of malformed images"
	want, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v); run go generate ./internal/malformed", schemaFile, err)
	}
	schema, err := checker.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(corpusDir, IndexName))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := checker.UnmarshalJSON(bytes.NewReader(index))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Error(err)
	}
}

// TestIndex: the corpus is as large as it must be, every entry is complete, and
// each names codes and bases that there are.
func TestIndex(t *testing.T) {
	c, err := Open(os.DirFS(corpusDir))
	if err != nil {
		t.Fatal(err)
	}
	bases := map[string]bool{}
	for _, b := range c.Bases {
		bases[b.Name] = true
	}
	formats := map[string]int{}
	for _, v := range c.Index.Vectors {
		if v.Fault == "" || v.Where == "" || v.Base != "" && !bases[v.Base] || !slices.IsSorted(v.Codes) {
			t.Errorf("%s: incomplete: %+v", v.Name, v)
		}
		for _, code := range v.Codes {
			if _, ok := validate.Lookup(code); !ok {
				t.Errorf("%s: %s is not in the catalogue", v.Name, code)
			}
		}
		if v.Verdict == Invalid {
			formats[v.Format]++
		}
	}
	total := 0
	for _, f := range []string{formatNative, formatLinuxCR, formatCRIU, formatArchive, formatWrapped} {
		total += formats[f]
		if formats[f] < 40 {
			t.Errorf("%d invalid vectors of %s", formats[f], f)
		}
	}
	if total < 400 {
		t.Errorf("%d invalid vectors", total)
	}
}

// TestReadersOfOthers runs the example in the README, as somebody would who has
// nothing but the folder.
func TestReadersOfOthers(t *testing.T) {
	for _, tool := range []string{"python3", "zstd", "tar", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s: %v", tool, err)
		}
	}
	readme, err := os.ReadFile(filepath.Join(corpusDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(readme), "```python\n")
	code, _, ok := strings.Cut(code, "```")
	if !ok {
		t.Fatal("the README has no example")
	}
	code = strings.Replace(code, "        # …", "        seen = globals().setdefault('seen', set()); seen.add(vector['name'])\n        # …", 1)
	code += "\nprint(len(seen))\n"
	cmd := exec.CommandContext(t.Context(), "python3", "-c", code)
	cmd.Dir = corpusDir
	out, err := cmd.CombinedOutput()
	c, openErr := Open(os.DirFS(corpusDir))
	if err != nil || openErr != nil {
		t.Fatalf("%v, %v\n%s", err, openErr, out)
	}
	want := map[string]bool{}
	for _, v := range c.Index.Vectors {
		want[v.Name] = true
	}
	var n int
	if err := json.Unmarshal(bytes.TrimSpace(out), &n); err != nil || n != len(want) {
		t.Errorf("the example sees %s vectors of %d (%v)", out, len(want), err)
	}
}

// TestDigestOfDirectory: the digest is what the README's command prints.
func TestDigestOfDirectory(t *testing.T) {
	for _, v := range basesOf(t) {
		if v.Kind != KindDirectory {
			continue
		}
		path, err := v.Write(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `find . -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum | sha256sum`)
		cmd.Dir = path
		out, err := cmd.Output()
		if err != nil {
			t.Skipf("the tools are not here: %v", err)
		}
		if got, _, _ := strings.Cut(string(out), " "); got != v.SHA256 {
			t.Errorf("%s: %s, want %s", v.Name, got, v.SHA256)
		}
	}
}

// Bounds on judging one vector. What it allocates in all is held against its size
// and a constant that a bomb of 288 MiB exceeds if it is kept; the time is that
// after which a test on a busy machine is surely stuck.
const (
	mostMemory = 96 << 20
	mostTime   = time.Minute
)

// TestBounds: no vector takes much memory, and each comes to an end.
func TestBounds(t *testing.T) {
	c, err := Open(os.DirFS(corpusDir))
	if err != nil {
		t.Fatal(err)
	}
	for v, err := range c.Vectors() {
		if err != nil {
			t.Fatal(err)
		}
		if v.Kind != KindFile {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), mostTime)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := registry().Open(ctx, codec.Source{Name: v.Name, At: bytes.NewReader(v.Bytes()), Size: v.Size}, codec.Limits{})
		if err == nil {
			validate.Image(ctx, f.Image, validate.Options{Plan: true})
			f.Verify(ctx)
			f.Close()
		}
		runtime.ReadMemStats(&after)
		if ctx.Err() != nil {
			t.Errorf("%s: not at its end after %s", v.Name, mostTime)
		}
		cancel()
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(mostMemory+8*v.Size) {
			t.Errorf("%s: %d bytes of input take %d MiB", v.Name, v.Size, n>>20)
		}
	}
}

// TestOpenRefuses: a corpus that was changed is told.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	v := &Vector{
		Entry: Entry{Name: "a/b", Format: "a", Kind: KindFile, Pack: "a.tar.zst", Path: "a/b.x", Codes: []string{}},
		Files: []File{{Name: "b.x", Data: []byte("data")}},
	}
	v.Size, v.SHA256 = v.size(), v.digest()
	if err := Save(dir, nil, []*Vector{v}); err != nil {
		t.Fatal(err)
	}
	read := func() (got []*Vector, err error) {
		c, err := Open(os.DirFS(dir))
		if err != nil {
			return nil, err
		}
		for v, err := range c.Vectors() {
			if err != nil {
				return got, err
			}
			got = append(got, v)
		}
		return got, nil
	}
	got, err := read()
	if err != nil || len(got) != 1 || !cmp.Equal(got[0].Entry, v.Entry) || string(got[0].Bytes()) != "data" {
		t.Fatalf("%v, %v", got, err)
	}
	for name, change := range map[string]func(e *Entry){
		"digest": func(e *Entry) { e.SHA256 = digestOf(nil) },
		"path":   func(e *Entry) { e.Path = "a/c.x" },
		"pack":   func(e *Entry) { e.Pack = "none.tar.zst" },
	} {
		other := *v
		change(&other.Entry)
		index, err := indexOf(nil, []*Vector{&other})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, IndexName), index, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := read(); err == nil {
			t.Errorf("%s: no error, but %v", name, got)
		}
	}
}
