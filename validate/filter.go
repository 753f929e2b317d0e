package validate

import (
	"fmt"
	"slices"
	"strings"
)

// A Filter says which findings are told. The zero value tells all.
//
// It is for what is shown and for what a gate accepts, never for what is
// restored: restore looks at the findings before any filter.
type Filter struct {
	// Only and Ignore are codes or beginnings of codes ("H", "S0", "M042"). An
	// empty Only means all.
	Only, Ignore []string
	// MinSeverity leaves out what is less severe; empty means none.
	MinSeverity Severity
}

// CheckSelectors gives an error if one of the codes or beginnings of codes fits
// no rule, and the selectors in capital letters.
func CheckSelectors(selectors []string) ([]string, error) {
	upper := make([]string, len(selectors))
	for i, s := range selectors {
		upper[i] = strings.ToUpper(strings.TrimSpace(s))
		if upper[i] == "" || !slices.ContainsFunc(catalogue(), func(r Rule) bool { return strings.HasPrefix(r.Code, upper[i]) }) {
			return nil, fmt.Errorf("no rule has a code that begins with %.40q", s)
		}
	}
	return upper, nil
}

// hasPrefixOf says whether code is or begins with one of the list.
func hasPrefixOf(list []string, code string) bool {
	return slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(code, p) })
}

// Asks says whether findings of a code can be told at all.
func (f *Filter) Asks(code string) bool {
	return (len(f.Only) == 0 || hasPrefixOf(f.Only, code)) && !hasPrefixOf(f.Ignore, code)
}

// wants says whether findings of a code and severity are told.
func (f *Filter) wants(code string, s Severity) bool { return s.AtLeast(f.MinSeverity) && f.Asks(code) }

// LeftOut counts the findings that were not told, by the reason for it. In JSON a
// reason without any is absent.
type LeftOut struct {
	// NotAsked are of codes that Only does not have.
	NotAsked Counts `json:"not_asked,omitzero"`
	// Ignored are of codes that Ignore has.
	Ignored Counts `json:"ignored,omitzero"`
	// Known are in the baseline.
	Known Counts `json:"known,omitzero"`
	// Minor are less severe than MinSeverity.
	Minor Counts `json:"minor,omitzero"`
}

// Total is the sum of all reasons.
func (l *LeftOut) Total() Counts {
	var sum Counts
	for _, c := range []Counts{l.NotAsked, l.Ignored, l.Known, l.Minor} {
		sum.Errors += c.Errors
		sum.Warnings += c.Warnings
		sum.Notes += c.Notes
	}
	return sum
}

// A Sieve lets findings through that a filter tells and a baseline does not
// know, and counts the others. It serves one inquiry.
type Sieve struct {
	Filter
	// Baseline holds the findings that are known; nil for none.
	Baseline *Baseline
	// Image is the name that the image has in findings. To the baseline it has
	// none, so that another image at another place can be held against it.
	Image string
	// LeftOut counts what Pass has held back.
	LeftOut LeftOut
}

// Pass says whether a finding is told.
func (s *Sieve) Pass(f *Finding) bool {
	switch {
	case len(s.Only) > 0 && !hasPrefixOf(s.Only, f.Code):
		s.LeftOut.NotAsked.add(f.Severity)
	case hasPrefixOf(s.Ignore, f.Code):
		s.LeftOut.Ignored.add(f.Severity)
	case s.Baseline.Knows(withoutImage(f, s.Image)):
		s.LeftOut.Known.add(f.Severity)
	case !f.Severity.AtLeast(s.MinSeverity):
		s.LeftOut.Minor.add(f.Severity)
	default:
		return true
	}
	return false
}

// Gone gives the findings of the baseline that Pass has not met although the
// filter asks for them: they occur no more.
func (s *Sieve) Gone() []Finding {
	return slices.DeleteFunc(s.Baseline.list(false), func(f Finding) bool { return !s.Asks(f.Code) })
}

// Learn makes a baseline of the findings that the old one knew and that Pass has
// met, and of those that came through, which count as known now.
func (s *Sieve) Learn(findings []Finding) *Baseline {
	known := s.Baseline.list(true)
	for i := range findings {
		s.LeftOut.Known.add(findings[i].Severity)
		known = append(known, *withoutImage(&findings[i], s.Image))
	}
	return NewBaseline(known)
}

// withoutImage is a finding that calls the image's own file nothing, and what is
// inside it by its place there.
func withoutImage(f *Finding, image string) *Finding {
	rest, ok := strings.CutPrefix(f.Subject.File, image)
	if image == "" || !ok || rest != "" && rest[0] != '/' {
		return f
	}
	g := *f
	g.Subject.File = strings.TrimPrefix(rest, "/")
	return &g
}
