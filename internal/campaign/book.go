package campaign

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// A Failure is a case that did what no image may cause.
type Failure struct {
	Case Case `json:"case"`
	// Kind is one of the Fail constants.
	Kind string `json:"kind"`
	// Text is the error or the end of what the worker printed.
	Text string `json:"text"`
}

// The kinds of failures.
const (
	FailPanic  = "panic"
	FailHang   = "hang"
	FailMemory = "memory"
	FailWrong  = "wrong"
	// FailRestore is a restore that left something, or a tree that is not the
	// image's.
	FailRestore = "restore"
)

// A Tally counts the cases of one family and mutator.
type Tally struct {
	Cases   int `json:"cases"`
	Refused int `json:"refused"`
	Invalid int `json:"invalid"`
	Clean   int `json:"clean"`
}

func (t *Tally) add(o Tally) {
	t.Cases += o.Cases
	t.Refused += o.Refused
	t.Invalid += o.Invalid
	t.Clean += o.Clean
}

func (t *Tally) count(v Verdict) {
	t.Cases++
	switch v {
	case Refused:
		t.Refused++
	case Invalid:
		t.Invalid++
	case Clean:
		t.Clean++
	}
}

// A Book is what a campaign, or a part of it, has found.
type Book struct {
	// Corpus is the digest of the corpus, Images how many images it has.
	Corpus string `json:"corpus,omitempty"`
	Images int    `json:"images"`
	// Next is the number of the first case that is not done.
	Next uint64 `json:"next,omitempty"`
	// Tallies are by "family/mutator".
	Tallies map[string]Tally `json:"tallies"`
	// Seconds of processor time that the workers took; Slowest and Largest are the
	// case of most processor time in milliseconds and of most bytes allocated.
	Seconds float64   `json:"seconds"`
	Slowest Extreme   `json:"slowest"`
	Largest Extreme   `json:"largest"`
	Failed  []Failure `json:"failed,omitempty"`
	// Samples are clean cases, for restoring.
	Samples []Case `json:"samples,omitempty"`
	// Restores is what became of those that were restored.
	Restores RestoreTally `json:"restores,omitzero"`
}

// An Extreme is a case with what it took.
type Extreme struct {
	Case  string `json:"case,omitempty"`
	Value uint64 `json:"value,omitempty"`
}

func (e *Extreme) see(o Extreme) {
	if o.Value > e.Value {
		*e = o
	}
}

// Add joins the results of a part.
func (b *Book) Add(o *Book) {
	if b.Tallies == nil {
		b.Tallies = map[string]Tally{}
	}
	for k, t := range o.Tallies {
		sum := b.Tallies[k]
		sum.add(t)
		b.Tallies[k] = sum
	}
	b.Seconds += o.Seconds
	b.Slowest.see(o.Slowest)
	b.Largest.see(o.Largest)
	b.Failed = append(b.Failed, o.Failed...)
	b.Samples = append(b.Samples, o.Samples...)
	b.Restores.add(o.Restores)
	b.Next = max(b.Next, o.Next)
}

// Cases is how many are done.
func (b *Book) Cases() int {
	n := 0
	for _, t := range b.Tallies {
		n += t.Cases
	}
	return n
}

// ReadBook reads a book, and gives an empty one if there is none.
func ReadBook(name string) (*Book, error) {
	b := &Book{Tallies: map[string]Tally{}}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(data, b)
	}
	return b, err
}

// Write writes the book in the place of the one before.
func (b *Book) Write(name string) error {
	data, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// Table is the book as a table in Markdown: families by mutators.
func (b *Book) Table() string {
	var out strings.Builder
	muts := mutators()
	families := Families()
	out.WriteString("| |")
	for _, f := range families {
		fmt.Fprintf(&out, " %s |", f)
	}
	out.WriteString(" all |\n|---|" + strings.Repeat("---:|", len(families)+1) + "\n")
	sums := map[Family]Tally{}
	for _, m := range muts {
		if m.share == 0 {
			continue
		}
		fmt.Fprintf(&out, "| %s: %s |", m.name, m.about)
		var row Tally
		for _, f := range families {
			t := b.Tallies[string(f)+"/"+m.name]
			row.add(t)
			sum := sums[f]
			sum.add(t)
			sums[f] = sum
			fmt.Fprintf(&out, " %s |", thousands(t.Cases))
		}
		fmt.Fprintf(&out, " %s |\n", thousands(row.Cases))
	}
	for _, line := range []struct {
		name string
		of   func(Tally) int
	}{
		{"**cases**", func(t Tally) int { return t.Cases }},
		{"refused while decoding", func(t Tally) int { return t.Refused }},
		{"decoded, errors found", func(t Tally) int { return t.Invalid }},
		{"no error found", func(t Tally) int { return t.Clean }},
	} {
		fmt.Fprintf(&out, "| %s |", line.name)
		all := 0
		for _, f := range families {
			n := line.of(sums[f])
			all += n
			fmt.Fprintf(&out, " %s |", thousands(n))
		}
		fmt.Fprintf(&out, " %s |\n", thousands(all))
	}
	return out.String()
}

// thousands writes 1234567 as "1 234 567".
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// Kinds counts the failures by kind.
func (b *Book) Kinds() map[string]int {
	n := map[string]int{}
	for _, f := range b.Failed {
		n[f.Kind]++
	}
	return n
}

// Summary says in a few lines what was found.
func (b *Book) Summary() string {
	kinds := b.Kinds()
	names := slices.Sorted(maps.Keys(kinds))
	var out strings.Builder
	fmt.Fprintf(&out, "%d cases of %d images in %.0f s of processor time: panics %d, hangs %d, memory over the limit %d, wrong answers %d\n",
		b.Cases(), b.Images, b.Seconds, kinds[FailPanic], kinds[FailHang], kinds[FailMemory], kinds[FailWrong])
	fmt.Fprintf(&out, "slowest: %s, %d ms; most allocated: %s, %d MiB\n", b.Slowest.Case, b.Slowest.Value, b.Largest.Case, b.Largest.Value>>20)
	if b.Restores.Cases > 0 {
		fmt.Fprintln(&out, b.Restores.String())
	}
	slices.SortFunc(b.Failed, func(x, y Failure) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Case.String(), y.Case.String()))
	})
	for _, k := range names {
		shown := 0
		for _, f := range b.Failed {
			if f.Kind == k && shown < 20 {
				shown++
				fmt.Fprintf(&out, "%s: make campaign CASE='%s'\n    %s\n", k, f.Case, strings.ReplaceAll(f.Text, "\n", "\n    "))
			}
		}
	}
	return out.String()
}
