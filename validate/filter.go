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

// asks says whether findings of a code can be told at all.
func (f *Filter) asks(code string) bool {
	return (len(f.Only) == 0 || hasPrefixOf(f.Only, code)) && !hasPrefixOf(f.Ignore, code)
}

// wants says whether findings of a code and severity are told.
func (f *Filter) wants(code string, s Severity) bool { return s.AtLeast(f.MinSeverity) && f.asks(code) }

// LeftOut counts the findings that were not told, by the reason for it.
type LeftOut struct {
	// NotAsked are of codes that Only does not have.
	NotAsked Counts `json:"not_asked"`
	// Ignored are of codes that Ignore has.
	Ignored Counts `json:"ignored"`
	// Known are in the baseline.
	Known Counts `json:"known"`
	// Minor are less severe than MinSeverity.
	Minor Counts `json:"minor"`
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
	case s.Baseline.Knows(f):
		s.LeftOut.Known.add(f.Severity)
	case !f.Severity.AtLeast(s.MinSeverity):
		s.LeftOut.Minor.add(f.Severity)
	default:
		return true
	}
	return false
}
