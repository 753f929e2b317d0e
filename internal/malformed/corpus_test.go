package malformed

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/core"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/codec/linuxcr"
	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/validate"
)

var update = flag.Bool("update", false, "write the corpus")

const corpusDir = "../../testdata/malformed"

// registry knows what the command knows.
func registry() *codec.Registry {
	return codec.NewRegistry(native.Format(), linuxcr.Format(), criu.Format(), core.Format()).With(archive.Envelopes()...)
}

// judge gives the codes of what is found in a vector, sorted, each once: as the
// command does, all pages read.
func judge(t testing.TB, v *Vector) []string {
	t.Helper()
	src := codec.Source{Name: v.Name}
	if v.Kind == KindFile {
		src.At, src.Size = bytes.NewReader(v.Bytes()), v.Size
		if v.Size == 0 {
			src.Size = v.size()
		}
	} else {
		path, err := v.Write(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		dir, err := archive.OpenDir(path)
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		src.Dir = dir
	}
	codes := []string{}
	for _, f := range findings(t, src) {
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func findings(t testing.TB, src codec.Source) []validate.Finding {
	t.Helper()
	f, err := registry().Open(t.Context(), src, codec.Limits{})
	if err != nil {
		found := validate.FromError(err)
		if len(found) == 0 {
			t.Errorf("an error that is no finding: %v", err)
		}
		return found
	}
	defer f.Close()
	found := append(validate.FromFaults(f.Faults), validate.Image(t.Context(), f.Image, validate.Options{Plan: true})...)
	if err := f.Verify(t.Context()); err != nil {
		found = append(found, validate.FromError(err)...)
	}
	if err := context.Cause(t.Context()); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return found
}

func severity(code string) string {
	r, _ := validate.Lookup(code)
	return string(r.Severity)
}

// basesOf gives the corpus's bases.
func basesOf(t testing.TB) []*Vector {
	t.Helper()
	c, err := Open(os.DirFS(corpusDir))
	if err != nil {
		t.Fatal(err)
	}
	var bases []*Vector
	for v, err := range c.BaseVectors() {
		if err != nil {
			t.Fatal(err)
		}
		bases = append(bases, v)
	}
	return bases
}

// made gives the corpus's bases and what is made of them.
func made(t testing.TB) (bases, vectors []*Vector) {
	t.Helper()
	bases = basesOf(t)
	vectors, err := Make(bases, severity)
	if err != nil {
		t.Fatal(err)
	}
	return bases, vectors
}

// TestCorpusIsFresh makes all vectors again and compares them with the corpus.
func TestCorpusIsFresh(t *testing.T) {
	bases, want := made(t)
	if *update {
		if err := Save(corpusDir, bases, want); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Open(os.DirFS(corpusDir))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for v, err := range c.Vectors() {
		if err != nil {
			t.Fatal(err)
		}
		if n == len(want) || !cmp.Equal(want[n].Entry, v.Entry) {
			t.Fatalf("%s is stale; run go generate ./internal/malformed", v.Name)
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d vectors of %d; run go generate ./internal/malformed", n, len(want))
	}
}

// TestCodes holds what is found in each vector against what must be.
func TestCodes(t *testing.T) {
	bases, vectors := made(t)
	for _, v := range slices.Concat(bases, vectors) {
		t.Run(v.Name, func(t *testing.T) {
			if diff := cmp.Diff(v.Codes, judge(t, v)); diff != "" {
				t.Errorf("%s, at %s: codes (-want +got):\n%s", v.Fault, v.Where, diff)
			}
		})
	}
}
