package linuxcr

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/internal/golden"
)

var update = flag.Bool("update", false, "write the generated parts of the specification anew")

// TestSpecTables: the tables of the specification are those that reading goes
// by.
func TestSpecTables(t *testing.T) {
	set := golden.Set{Update: update, How: "go test ./codec/linuxcr -run SpecTables -update"}
	set.Parts(t, "../../spec/linux-cr.md", map[string]string{
		"generations": generationTable(), "types": kindTable(), "objects": objectTable(),
		"machines": machineTable(), "layouts": layoutTables(t),
	})
}

func generationTable() string {
	var b strings.Builder
	b.WriteString("| label | patch set | revision | record header | written |\n|---|---|---|---|---|\n")
	for g := A1; g < numGenerations; g++ {
		head, wr := "u32 type, u32 length with header", ""
		if !g.framed() {
			head = "s16 type, s16 length of payload, u32 owner"
		}
		if slices.Contains(written, g) {
			wr = "x86"
		}
		rev := itoa(int64(generations[g].rev))
		if g == A1 {
			rev = "1, 2"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", g, g.Title(), rev, head, wr)
	}
	return b.String()
}

// span1 is a range of generations.
func span1(first, last Generation) string {
	switch {
	case first == last:
		return first.String()
	case last == D8:
		return first.String() + "-"
	}
	return first.String() + "-" + last.String()
}

func kindTable() string {
	var b strings.Builder
	b.WriteString("| record | numbers |\n|---|---|\n")
	for _, k := range kinds {
		var list []string
		for _, n := range k.numbers {
			list = append(list, fmt.Sprintf("%d (%s)", n.number, span1(n.first, n.last)))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", k.name, strings.Join(list, ", "))
	}
	return b.String()
}

func objectTable() string {
	var b strings.Builder
	columns := []Generation{B2, C1, C2, C3, D2, D4, D6}
	b.WriteString("| object | " + strings.Join([]string{"B1, B2", "B3-C1", "C2", "C3-rc3-D1", "D2, D3", "D4, D5", "D6-"}, " | ") + " |\n")
	b.WriteString("|---" + strings.Repeat("|---", len(columns)) + "|\n")
	for _, o := range objKinds {
		fmt.Fprintf(&b, "| %s |", o.name)
		for _, g := range columns {
			if n := newDialect(g, archX8632).objNumber[o.kind]; n != 0 {
				fmt.Fprintf(&b, " %d |", n)
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func machineTable() string {
	var b strings.Builder
	b.WriteString("| machine | word | byte order | numbers |\n|---|---|---|---|\n")
	for _, a := range architects {
		var list []string
		for _, r := range archIDs {
			for id, other := range r.ids {
				if other == a {
					list = append(list, fmt.Sprintf("%d (%s)", id, span1(r.first, r.last)))
				}
			}
		}
		order := "little"
		if a.big {
			order = "big"
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %s |\n", a.name, a.word, order, strings.Join(list, ", "))
	}
	return b.String()
}

// fieldNames are the names of the fields as the source has them.
func fieldNames(t *testing.T) map[field]string {
	t.Helper()
	src, err := os.ReadFile("field.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[field]string{}
	camel := regexp.MustCompile(`([a-z0-9])([A-Z])`)
	for _, m := range regexp.MustCompile(`(?m)^\tf([A-Z]\w*)`).FindAllSubmatch(src, -1) {
		names[field(len(names))] = strings.ToLower(camel.ReplaceAllString(string(m[1]), "${1}_${2}"))
	}
	if len(names) != int(numFields) {
		t.Fatalf("%d names for %d fields", len(names), numFields)
	}
	return names
}

func layoutTables(t *testing.T) string {
	var b strings.Builder
	names := fieldNames(t)
	for _, k := range kinds {
		head := false
		for _, r := range layoutRows {
			if r.kind != k.kind {
				continue
			}
			if !head {
				fmt.Fprintf(&b, "### %s\n\n| generations | machines | size | fields |\n|---|---|---|---|\n", k.name)
				head = true
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", span1(r.first, r.last), machines(r.archs), sizeText(r.layout), slotText(r.layout, names))
		}
		if head {
			b.WriteString("\n")
		}
	}
	return b.String()
}

func machines(set map[*arch]bool) string {
	if set == nil {
		return "all"
	}
	var list []string
	for _, a := range architects {
		if set[a] {
			list = append(list, a.name)
		}
	}
	return strings.Join(list, ", ")
}

func sizeText(l *layout) string {
	s := itoa(int64(l.size))
	if l.open {
		s += "+"
	}
	if l.head == 0 {
		s += " payload"
	}
	return s
}

func slotText(l *layout, names map[field]string) string {
	var list []string
	for _, s := range l.slots {
		typ := fmt.Sprintf("u%d", 8*s.width)
		switch {
		case s.width != 1 && s.width != 2 && s.width != 4 && s.width != 8:
			typ = fmt.Sprintf("%d bytes", s.width)
		case s.signed:
			typ = fmt.Sprintf("s%d", 8*s.width)
		}
		list = append(list, fmt.Sprintf("%d %s %s", s.off, names[s.field], typ))
	}
	return strings.Join(list, "; ")
}
