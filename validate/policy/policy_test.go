package policy

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// errorsOf are the messages of all errors that are joined.
func errorsOf(err error) []string {
	var list []string
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			list = append(list, e.Error())
		}
	}
	return list
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, document string
		want           []string
	}{
		{"empty", "", []string{`p: the document is empty: "version: 1" is the least there is`}},
		{"no mapping", "- 1", []string{`p:1:1: a policy is a mapping that begins with "version: 1"`}},
		{"no version", "rules: {}", []string{`p:1:1: "version: 1" is missing`}},
		{"other version", "version: 2", []string{`p:1:10: version "2" is not known, only 1`}},
		{"unknown key", "version: 1\nbind: {}", []string{`p:2:1: no part of a policy is called "bind"`}},
		{"unknown keys", "version: 1\nbinds:\n  alow: [/x]\nlimits: {size: 1GiB}", []string{
			`p:3:3: binds has allow and deny, not "alow"`, `p:4:10: no limit is called "size"`,
		}},
		{"key twice", "version: 1\nbinds: {}\nbinds: {}", []string{`p:3:1: "binds" occurs twice`}},
		{"key no word", "version: 1\n[a]: 1", []string{"p:2:1: a key is a word"}},
		{"key a number", "version: 1\nrules: {5: note, <<: {}}", []string{"p:2:9: a key is a word", "p:2:18: a key is a word"}},
		{"no list", "version: 1\nbinds: {allow: /x}", []string{`p:2:16: a list is wanted here, as in ["a", "b"]`}},
		{"no text", "version: 1\nbinds: {allow: [[a], null, \"\"]}", []string{
			"p:2:17: a text is wanted here", "p:2:22: a text is wanted here", "p:2:28: no pattern: it is empty",
		}},
		{"no mapping in it", "version: 1\nbinds: [a]", []string{"p:2:8: binds is a mapping"}},
		{"no base", "version: 1\nbase: lax", []string{`p:2:7: base is strict or none, not "lax"`}},
		{"level", "version: 1\nrules: {A040: fatal, B000: note, A041: [x]}", []string{
			`p:2:15: severities are error, warning, note and off, not "fatal"`, "p:2:22: no such rule", "p:2:40: a severity is wanted here",
		}},
		{"size without unit", "version: 1\nlimits: {layer-size: 5}", []string{`p:2:22: no such number: "5" has no unit, as in 16GiB`}},
		{"size of unknown unit", "version: 1\nlimits: {layer-size: 5 KiBi}", []string{`p:2:22: no such number: "5 KiBi" has no unit that is known, as in 16GiB`}},
		{"size too large", "version: 1\nlimits: {layer-size: 9999999TiB}", []string{`p:2:22: no such number: "9999999TiB" is too large`}},
		{"ratio", "version: 1\nlimits: {ratio: 5}", []string{`p:2:17: no such number: "5" is no ratio, as in 500:1`}},
		{"zero", "version: 1\nlimits: {members: 0, ratio: 0:1}", []string{`p:2:19: no such number: "0", wanted as in 100000`, `p:2:29: no such number: "0:1", wanted as in 500:1`}},
		{"rlimit", "version: 1\nrlimits: {NOFILE: 5, RLIMIT_CORE: -1}", []string{
			`p:2:11: no resource limit is called "NOFILE", as in RLIMIT_NOFILE`, `p:2:35: "-1" is neither a number nor unlimited`,
		}},
		{"two documents", "version: 1\n---\nversion: 1", []string{"p:2:1: something stands behind the document"}},
		{"anchor", "version: 1\nbinds: &a {}", []string{"p:2:8: anchors and aliases are not for policies; put patterns that begin with * in quotes"}},
		{"tag", "version: !!str 1", []string{"p:1:10: tags are not for policies"}},
		{"depth", "version: 1\nbinds: {allow: [[[[[[[[[a]]]]]]]]]}", []string{"p:2:22: more than 8 levels"}},
		{"length", strings.Repeat("# x\n", 70000), []string{"p: longer than 256 KiB: no policy is"}},
		{"entries", "version: 1\nhooks: {allow: [" + strings.Repeat("a,", 20000) + "]}", []string{"p:2:40003: more than 20000 entries"}},
		{"pattern too long", "version: 1\nhooks: {allow: [" + strings.Repeat("a", 1025) + "]}", []string{"p:2:17: no pattern: longer than 1024 bytes"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p", []byte(tt.document), Options{CheckLevel: func(code string, _ Level) error {
				if code[0] != 'A' {
					return errors.New("no such rule")
				}
				return nil
			}})
			if p != nil || err == nil {
				t.Fatalf("%v, %v", p, err)
			}
			if diff := cmp.Diff(tt.want, errorsOf(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestQuotes: what people write most is answered with what to do.
func TestQuotes(t *testing.T) {
	_, err := Parse("p", []byte("version: 1\nimages: {allow: [**]}"), Options{})
	if err == nil || !strings.Contains(err.Error(), "in quotes") {
		t.Error(err)
	}
}

func TestManyErrors(t *testing.T) {
	_, err := Parse("p", []byte("version: 1\n"+strings.Repeat("x: 1\n", 1)+"hooks: {allow: ["+strings.Repeat("\"\",", 100)+"]}"), Options{})
	if n := len(errorsOf(err)); n != maxErrors {
		t.Errorf("%d errors", n)
	}
}

func parse(t *testing.T, document string, base *Policy) *Policy {
	t.Helper()
	p, err := Parse("p", []byte(document), Options{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPrecedence(t *testing.T) {
	base := parse(t, `
version: 1
rules: {A040: error, A041: note}
limits: {members: 5, layer-size: 2KiB}
rlimits: {RLIMIT_CORE: 7}
binds: {allow: [/a/**], deny: [/a/b/**, /c/**]}
masked-paths: [/x, /y]
`, nil)
	over := parse(t, `
version: 1
rules: {A041: "off"}
limits: {members: 9}
rlimits: {RLIMIT_CORE: unlimited}
binds: {allow: [/a/b/c, "/c/**"], deny: [/a/d, /c/d]}
masked-paths: []
`, base)
	none := parse(t, "version: 1\nbase: none\nbinds: {allow: [/c]}", base)
	for _, tt := range []struct {
		value            string
		base, over, none Verdict
	}{
		{"/a/x", Allowed, Allowed, Unlisted},
		{"/a", Allowed, Allowed, Unlisted},
		{"/ab", Unlisted, Unlisted, Unlisted},
		{"/a/b/c", Denied, Allowed, Unlisted},
		{"/a/b/d", Denied, Denied, Unlisted},
		{"/a/d", Allowed, Denied, Unlisted},
		{"/c", Denied, Allowed, Allowed},
		{"/c/d", Denied, Denied, Unlisted},
		{"/x/../c/", Denied, Allowed, Allowed},
		{"", Unlisted, Unlisted, Unlisted},
	} {
		got := [3]Verdict{base.Judge(Binds, tt.value), over.Judge(Binds, tt.value), none.Judge(Binds, tt.value)}
		if want := [3]Verdict{tt.base, tt.over, tt.none}; got != want {
			t.Errorf("%s: %v, want %v", tt.value, got, want)
		}
	}
	type facts struct {
		Level           [2]Level
		Members, Layer  int64
		Core, Nofile    uint64
		Masked, Written []string
	}
	of := func(p *Policy) facts {
		return facts{
			[2]Level{p.Level("A040"), p.Level("A041")},
			p.Limit(Members), p.Limit(LayerSize), p.Rlimit("RLIMIT_CORE"), p.Rlimit("RLIMIT_NOFILE"),
			p.Required(MaskedPaths), p.Required(ReadonlyPaths),
		}
	}
	want := []facts{
		{[2]Level{Error, Note}, 5, 2048, 7, Unlimited, []string{"/x", "/y"}, nil},
		{[2]Level{Error, Off}, 9, 2048, Unlimited, Unlimited, []string{}, nil},
		{[2]Level{}, 0, 0, Unlimited, Unlimited, nil, nil},
	}
	if diff := cmp.Diff(want, []facts{of(base), of(over), of(none)}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		fits    []string
		not     []string
	}{
		{"/a", []string{"/a"}, []string{"/", "/a/", "/ab", ""}},
		{"/a/*", []string{"/a/b", "/a/"}, []string{"/a", "/a/b/c"}},
		{"/a/**", []string{"/a", "/a/b", "/a/b/c"}, []string{"/ab", "/"}},
		{"/a/*/c", []string{"/a/b/c", "/a//c"}, []string{"/a/b/d/c", "/a/c"}},
		{"/a/**/c", []string{"/a/b/c", "/a/b/d/c"}, []string{"/a/c", "/a/c/d"}},
		{"**", []string{"", "/", "a/b"}, nil},
		{"*", []string{"", "a"}, []string{"/"}},
		{"**x**", []string{"x", "axb", "/x/"}, []string{"", "y"}},
		{"****", []string{"", "/", "a/b"}, nil},
		{"*?*", []string{"a", "ab"}, []string{"", "/"}},
		{"a?c", []string{"abc", "aéc"}, []string{"a/c", "ac", "abbc"}},
		{"**.sock", []string{"/run/x.sock", ".sock"}, []string{"/run/x.sock/"}},
	} {
		p, err := newPattern(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range tt.fits {
			if !p.fits(v) {
				t.Errorf("%q does not fit %q", tt.pattern, v)
			}
		}
		for _, v := range tt.not {
			if p.fits(v) {
				t.Errorf("%q fits %q", tt.pattern, v)
			}
		}
	}
}

// TestPatternsAgree compares patterns with regular expressions that mean the
// same.
func TestPatternsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a/*?]{1,8}`).Draw(t, "pattern")
		value := rapid.StringMatching(`[a/b]{0,8}`).Draw(t, "value")
		p, err := newPattern(text)
		if err != nil {
			t.Fatal(err)
		}
		stars := regexp.MustCompile(`\*+|\?`).ReplaceAllStringFunc(text, func(s string) string {
			return map[string]string{"?": "[^/]", "*": "[^/]*"}[s] + map[bool]string{true: ".*"}[len(s) > 1]
		})
		want := regexp.MustCompile("^(?s:" + stars + ")$").MatchString(value)
		if before, ok := strings.CutSuffix(text, "/**"); ok && before == value && value != "" {
			want = true
		}
		if got := p.fits(value); got != want {
			t.Errorf("%q and %q: %t, want %t", text, value, got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(StrictYAML, "/etc/x")
	f.Add([]byte("version: 1\nbinds: {allow: [\"**a*?b**\"]}"), "aab")
	f.Add([]byte("version: 1\nlimits: {ratio: 5:1, members: 7, layer-size: 3 GiB}\nrlimits: {RLIMIT_CORE: 7}"), "")
	f.Add([]byte("a: &a [*a, *a]"), "")
	f.Add([]byte("? [[[[{{{{"), "")
	f.Fuzz(func(t *testing.T, document []byte, value string) {
		p, err := Parse("p", document, Options{Base: Strict()})
		if (p == nil) == (err == nil) {
			t.Fatalf("policy %v and error %v", p, err)
		}
		if p == nil {
			return
		}
		v, err := Value(document)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(v); err != nil {
			t.Fatal(err)
		}
		for _, s := range sections {
			p.Judge(s.key, value)
		}
	})
}

func BenchmarkStrict(b *testing.B) {
	for b.Loop() {
		if _, err := Parse("p", StrictYAML, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
