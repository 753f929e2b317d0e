package dump

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode/utf8"

	"github.com/thaw-cr/thaw/format"
)

// MaxMatch is the length in bytes up to which a match is found whole wherever it
// lies. A longer one may be found in parts or, if no part matches, not at all.
const MaxMatch = 4096

// ErrPattern says that a pattern or filter of a search makes no sense.
var ErrPattern = errors.New("wrong pattern")

// A Pattern is what to search memory for.
type Pattern struct {
	// text is what to find or, with re, what every match of it contains; nil if
	// nothing is known of that.
	text []byte
	re   *regexp.Regexp
}

// Text makes a pattern of bytes as they are.
func Text(s string) (Pattern, error) {
	if s == "" || len(s) > MaxMatch {
		return Pattern{}, fmt.Errorf("%w: the text has %d bytes, 1 to %d can be searched for", ErrPattern, len(s), MaxMatch)
	}
	return Pattern{text: []byte(s)}, nil
}

// Regexp makes a pattern of a regular expression as package regexp reads it. One
// that matches nothing at all, or the beginning or end of a text, which memory
// does not have, is refused.
func Regexp(s string) (Pattern, error) {
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return Pattern{}, fmt.Errorf("%w: %w", ErrPattern, err)
	}
	switch {
	case anchored(tree):
		return Pattern{}, fmt.Errorf(`%w: memory has no beginning and no end: (?m) makes of ^ and $ those of lines`, ErrPattern)
	case nullable(tree):
		return Pattern{}, fmt.Errorf("%w: %.60q matches nothing at all, and so everywhere", ErrPattern, s)
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return Pattern{}, fmt.Errorf("%w: %w", ErrPattern, err)
	}
	return Pattern{text: required(tree), re: re}, nil
}

// anchored says whether an expression asks for the beginning or end of a text.
func anchored(tree *syntax.Regexp) bool {
	return tree.Op == syntax.OpBeginText || tree.Op == syntax.OpEndText || slices.ContainsFunc(tree.Sub, anchored)
}

// required is the longest text that every match of an expression contains, as far
// as its outermost parts tell; nil for none. Looking for it first makes searches
// several times faster that package regexp has no prefix for.
func required(tree *syntax.Regexp) []byte {
	switch tree.Op {
	case syntax.OpLiteral:
		if tree.Flags&syntax.FoldCase == 0 && !slices.Contains(tree.Rune, utf8.RuneError) {
			return []byte(string(tree.Rune))
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(tree.Sub[0])
	case syntax.OpConcat:
		var longest []byte
		for _, sub := range tree.Sub {
			if text := required(sub); len(text) > len(longest) {
				longest = text
			}
		}
		return longest
	default:
	}
	return nil
}

// nullable says whether an expression can match the empty text.
func nullable(tree *syntax.Regexp) bool {
	switch tree.Op {
	case syntax.OpNoMatch, syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		return false
	case syntax.OpCapture, syntax.OpPlus:
		return nullable(tree.Sub[0])
	case syntax.OpRepeat:
		return tree.Min == 0 || nullable(tree.Sub[0])
	case syntax.OpConcat:
		return !slices.ContainsFunc(tree.Sub, func(r *syntax.Regexp) bool { return !nullable(r) })
	case syntax.OpAlternate:
		return slices.ContainsFunc(tree.Sub, nullable)
	default: // stars, question marks and what looks at edges
		return true
	}
}

// find gives the first match in b from an index on, which sees the byte before it;
// a negative start if there is none. A match is never empty.
func (p Pattern) find(b []byte, from int) (start, end int) {
	if p.re == nil {
		i := bytes.Index(b[from:], p.text)
		if i < 0 {
			return -1, -1
		}
		return from + i, from + i + len(p.text)
	}
	if p.text != nil && !bytes.Contains(b[from:], p.text) {
		return -1, -1
	}
	at := max(from-1, 0)
	loc := p.re.FindIndex(b[at:])
	if loc != nil && at+loc[0] < from { // it begins in what is only looked back at
		at = from
		loc = p.re.FindIndex(b[at:])
	}
	if loc == nil {
		return -1, -1
	}
	return at + loc[0], at + loc[1]
}

// A Filter says which ranges of memory are searched. The zero value takes all.
type Filter struct {
	kinds []format.VMAKind
	prot  string
}

// vmaKinds are all kinds, in the order of the model.
var vmaKinds = []format.VMAKind{
	format.VMAAnon, format.VMAFile, format.VMAShared, format.VMAStack, format.VMAHeap,
	format.VMAVDSO, format.VMAVVar, format.VMAVSyscall,
}

// NewFilter makes a filter of kinds of ranges and a protection as in
// /proc/PID/maps, "rw-" or "rw-p", in which "?" stands for either; none and ""
// take all.
func NewFilter(kinds []string, prot string) (Filter, error) {
	f := Filter{prot: prot}
	for _, k := range kinds {
		if !slices.Contains(vmaKinds, format.VMAKind(k)) {
			return f, fmt.Errorf("%w: %.40q is no kind of memory: %v are", ErrPattern, k, vmaKinds)
		}
		f.kinds = append(f.kinds, format.VMAKind(k))
	}
	if prot == "" {
		return f, nil
	}
	ok := len(prot) == 3 || len(prot) == 4
	for i := 0; ok && i < len(prot); i++ {
		ok = bytes.IndexByte([]byte([]string{"r-?", "w-?", "x-?", "ps?"}[i]), prot[i]) >= 0
	}
	if !ok {
		return f, fmt.Errorf("%w: %.40q is no protection: rw- or r-xp is, with ? for either", ErrPattern, prot)
	}
	return f, nil
}

// all says that nothing is filtered out.
func (f *Filter) all() bool { return len(f.kinds) == 0 && f.prot == "" }

func (f *Filter) takes(v *format.VMA) bool {
	if len(f.kinds) > 0 && !slices.Contains(f.kinds, v.Kind) {
		return false
	}
	have := protWords(v)
	for i := range f.prot {
		if f.prot[i] != '?' && f.prot[i] != have[i] {
			return false
		}
	}
	return true
}
