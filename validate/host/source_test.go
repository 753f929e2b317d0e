package host

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// TestSourceFillsGaps: what facts do not tell is asked once and written down, so
// that they say the same without the source.
func TestSourceFillsGaps(t *testing.T) {
	whole := facts()
	empty := &Facts{Version: Version, Name: whole.Name, Kernel: whole.Kernel, Arch: whole.Arch, PageSize: whole.PageSize}
	src := &counting{facts: whole, asked: map[string]int{}}
	m := NewMachine(empty, src)
	c := NewChecker(image())
	for range 2 {
		res, err := c.Check(t.Context(), m, Options{})
		if err != nil || len(res.Findings) > 0 {
			t.Fatalf("%v, %v", res.Findings, err)
		}
	}
	for what, n := range src.asked {
		if n > 1 && !strings.HasPrefix(what, "number") {
			t.Errorf("%s was asked %d times", what, n)
		}
	}
	if src.asked["section terminal"] > 0 || src.asked["section sysv"] > 0 || src.asked["feature "+FeatureMseal] > 0 {
		t.Errorf("asked for what the image does not need: %v", src.asked)
	}
	m.GatherNumbers()
	res, err := c.Check(t.Context(), NewMachine(m.Facts(), nil), Options{})
	if err != nil || len(res.Findings) > 0 {
		t.Errorf("what was written down gives %v, %v", res.Findings, err)
	}
}

// TestDigestsAreAskedFor: a file is read whole only if the image has a digest of it
// and nothing else tells already that it is another, and once, however often it is
// mapped, open and asked for. A source that cannot read it lets nothing pass.
func TestDigestsAreAskedFor(t *testing.T) {
	const program, log = "digest /usr/bin/counter", "digest /var/log/app"
	tests := []struct {
		name   string
		change func(*vector)
		want   map[string]int
		codes  []string
	}{
		{"no digest", func(*vector) {}, map[string]int{}, []string{}},
		{"digests", (*vector).digested, map[string]int{program: 1, log: 1}, []string{}},
		{"unreadable", func(v *vector) {
			v.digested()
			v.file("/usr/bin/counter").SHA256 = nil
		}, map[string]int{program: 1, log: 1}, []string{validate.CodeFileChanged}},
		{"another size", func(v *vector) {
			v.digested()
			v.file("/var/log/app").Size++
		}, map[string]int{program: 1}, []string{validate.CodeFileChanged}},
		{"another build", func(v *vector) {
			v.digested()
			v.file("/usr/bin/counter").BuildID = &Hex{9}
		}, map[string]int{log: 1}, []string{validate.CodeFileChanged}},
	}
	for _, tt := range tests {
		for _, brief := range []bool{false, true} {
			v := &vector{Facts: facts(), Image: image()}
			tt.change(v)
			src := &counting{facts: v.Facts, asked: map[string]int{}, only: "digest "}
			bare := *v.Facts
			bare.Files = nil // the source tells of them
			m, c := NewMachine(&bare, src), NewChecker(v.Image)
			for range 2 {
				res, err := c.Check(t.Context(), m, Options{Brief: brief})
				if diff := cmp.Diff(tt.codes, codes(res.Findings)); diff != "" || err != nil {
					t.Errorf("%s, brief %v: codes, %v (-want +got):\n%s", tt.name, brief, err, diff)
				}
			}
			if diff := cmp.Diff(tt.want, src.asked); diff != "" {
				t.Errorf("%s, brief %v: digests asked for (-want +got):\n%s", tt.name, brief, diff)
			}
		}
	}
}

// TestDigestsEnd: nobody who breaks off waits for a file to be read.
func TestDigestsEnd(t *testing.T) {
	v := &vector{Facts: facts(), Image: image()}
	v.digested()
	ctx, cancel := context.WithCancel(t.Context())
	src := &counting{facts: v.Facts, asked: map[string]int{}, digest: func() error {
		cancel()
		return ctx.Err()
	}}
	bare := *v.Facts
	bare.Files = nil
	if _, err := NewChecker(v.Image).Check(ctx, NewMachine(&bare, src), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was cancelled", err)
	}
}

// TestDeepPlaces: the nearest directory that is left of a path is found by a few
// looks, however many the path has.
func TestDeepPlaces(t *testing.T) {
	deep := strings.Repeat("/d", 2000)
	for name, left := range map[string]int{"the first": 1, "half": 1000, "all but one": 1999, "all": 2000} {
		t.Run(name, func(t *testing.T) {
			v := &vector{Facts: facts(), Image: image()}
			for i := range left + 1 {
				refused := "EACCES"
				if i < left {
					refused = "" // only what is nearest matters
				}
				v.there(File{Path: "/" + strings.TrimPrefix(deep[:2*i], "/"), Mode: modeDirectory | 0o755, Search: new(""), Write: &refused})
			}
			v.Image.Objects.Deleted = []format.DeletedFile{{ID: 90, Path: deep + "/x", Mode: modeRegular | 0o600}}
			src := &counting{facts: v.Facts, asked: map[string]int{}, only: "file /"}
			bare := *v.Facts
			bare.Files = nil
			res, err := NewChecker(v.Image).Check(t.Context(), NewMachine(&bare, src), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{validate.CodePermission}, codes(res.Findings)); diff != "" {
				t.Errorf("codes (-want +got):\n%s\n%v", diff, res.Findings)
			}
			if n := len(src.asked); n > 40 {
				t.Errorf("%d files were asked for", n)
			}
		})
	}
}

// counting is a Source that has its answers from facts.
type counting struct {
	facts *Facts
	asked map[string]int
	// only is the beginning of what is counted; empty for all.
	only string
	// digest, if not nil, is called instead of telling a digest.
	digest func() error
}

func (c *counting) count(what string) {
	if strings.HasPrefix(what, c.only) {
		c.asked[what]++
	}
}

func (c *counting) Section(f *Facts, s Section) {
	c.count("section " + string(s))
	switch w := c.facts; s {
	case SectionProcessor:
		f.Processor = w.Processor
	case SectionVDSO:
		f.VDSO = w.VDSO
	case SectionRights:
		f.Rights = w.Rights
	case SectionMemory:
		f.Memory = w.Memory
	case SectionCgroups:
		f.Cgroups = w.Cgroups
	case SectionSecurity:
		f.Security = w.Security
	case SectionNumbers:
		f.Numbers = w.Numbers
	default:
	}
}

func (c *counting) Setting(name string) (string, bool) {
	c.count("setting " + name)
	v, ok := c.facts.Settings[name]
	return v, ok
}

func (c *counting) Feature(name string) Answer {
	c.count("feature " + name)
	return c.facts.Features[name]
}

func (c *counting) File(path string, _ bool) File {
	c.count("file " + path)
	for _, f := range c.facts.Files {
		if f.Path == path {
			f.SHA256 = nil // only Digest tells it
			return f
		}
	}
	return File{Path: path, Error: "ENOENT"}
}

func (c *counting) Look(f *File, a Aspect) { c.count("look " + f.Path + string(rune('0'+a))) }

func (c *counting) Digest(_ context.Context, f *File) error {
	c.count("digest " + f.Path)
	if c.digest != nil {
		return c.digest()
	}
	for _, known := range c.facts.Files {
		if known.Path == f.Path {
			f.SHA256 = known.SHA256
		}
	}
	return nil
}

func (c *counting) Taken(pid format.PID) (string, bool) {
	c.count("number")
	return "init", pid == 1
}

func (c *counting) Groups() map[format.PID]format.PID {
	c.count("groups")
	return map[format.PID]format.PID{1: 1}
}
