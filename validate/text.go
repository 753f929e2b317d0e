package validate

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TextOptions say how Text prints. The zero value prints without colour and
// with hints.
type TextOptions struct {
	// Color prints severities in colour with ANSI escapes; the caller knows
	// whether a terminal reads them.
	Color bool
	// NoHints leaves out the lines that say what to do.
	NoHints bool
}

// maxSubject is the widest column for subjects; longer ones push their line.
const maxSubject = 32

var colors = map[Severity]string{Error: "\x1b[1;31m", Warning: "\x1b[33m", Note: "\x1b[36m"}

// Text writes findings for people, one a line in aligned columns, the most severe
// first, and the hint once for findings of one code in a row; before it, for an
// error of family A, why that matters: what somebody gains by it. Bytes that a
// terminal would act upon are written as escapes.
func Text(w io.Writer, findings []Finding, o TextOptions) error {
	findings = slices.Clone(findings)
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(b.Severity.rank(), a.Severity.rank()) })
	width := 0
	for i := range findings {
		if n := utf8.RuneCountInString(printable(findings[i].Subject.String())); n <= maxSubject {
			width = max(width, n)
		}
	}
	bw := bufio.NewWriter(w)
	for i := range findings {
		f := &findings[i]
		subject := printable(f.Subject.String())
		line := fmt.Sprintf("%s  %s  %-*s  %s\n", paint(f.Severity, o.Color), f.Code, width, subject, printable(f.Message))
		next := i + 1
		last := next == len(findings) || findings[next].Code != f.Code || findings[next].Hint != f.Hint
		if r, ok := Lookup(f.Code); ok && r.Family() == "A" && f.Severity == Error && last && !o.NoHints {
			line += fmt.Sprintf("%*s  why:  %s\n", 7+2+4, "", r.Why)
		}
		if f.Hint != "" && last && !o.NoHints {
			line += fmt.Sprintf("%*s  hint: %s\n", 7+2+4, "", printable(f.Hint))
		}
		if _, err := bw.WriteString(line); err != nil {
			return fmt.Errorf("writing findings: %w", err)
		}
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	return nil
}

// paint pads a severity to the widest one's width.
func paint(s Severity, color bool) string {
	text := fmt.Sprintf("%-7s", printable(string(s)))
	if c, ok := colors[s]; ok && color {
		return c + text + "\x1b[0m"
	}
	return text
}

// printable writes what is not printable as Go escapes.
func printable(s string) string {
	ok := utf8.ValidString(s)
	for _, r := range s {
		ok = ok && unicode.IsPrint(r)
	}
	if ok {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// Explain writes a rule for people: what thaw explain prints.
func Explain(w io.Writer, r Rule) error {
	_, err := fmt.Fprintf(w, "%s (%s, since %s): %s\n\n%s\n\nExample: %s\nWhat to do: %s\n",
		r.Code, r.Severity, r.Since, r.Title, r.Why, r.Example, r.Fix)
	if err != nil {
		return fmt.Errorf("writing the rule: %w", err)
	}
	return nil
}
