package policy

import (
	"path"
	"slices"
	"strings"
)

// A Level is how severe findings of a rule are.
type Level string

// The levels. Off leaves them out.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
	Off     Level = "off"
)

var levels = []Level{Error, Warning, Note, Off}

// A Verdict is what a policy says of a value.
type Verdict int

// The verdicts.
const (
	// Unlisted values are in no list.
	Unlisted Verdict = iota
	Allowed
	Denied
)

// Unlimited is a resource limit that is none, as in the runtime specification
// (RLIM_INFINITY).
const Unlimited = ^uint64(0)

// A Policy judges values. It does not change, and may be used by many at once.
type Policy struct {
	base *Policy
	// what the document itself says.
	levels   map[string]Level
	lists    map[Section]lists
	limits   map[Limit]int64
	rlimits  map[string]uint64
	required map[Required][]string
}

type lists struct{ allow, deny []pattern }

func (l *lists) judge(value string) Verdict {
	fits := func(p pattern) bool { return p.fits(value) }
	switch {
	case slices.ContainsFunc(l.deny, fits):
		return Denied
	case slices.ContainsFunc(l.allow, fits):
		return Allowed
	}
	return Unlisted
}

// Level is that of a rule, by its code; empty where the policy leaves it to the
// catalogue.
func (p *Policy) Level(code string) Level {
	for ; p != nil; p = p.base {
		if l, ok := p.levels[code]; ok {
			return l
		}
	}
	return ""
}

// Judge says what the policy thinks of a value. Values that are paths are cleaned
// first.
func (p *Policy) Judge(s Section, value string) Verdict {
	if pathSections[s] && strings.Contains(value, "/") {
		value = path.Clean(value)
	}
	for ; p != nil; p = p.base {
		l := p.lists[s]
		if v := l.judge(value); v != Unlisted {
			return v
		}
	}
	return Unlisted
}

// Allows says whether a value is allowed by name.
func (p *Policy) Allows(s Section, value string) bool { return p.Judge(s, value) == Allowed }

// Denies says whether a value is denied by name.
func (p *Policy) Denies(s Section, value string) bool { return p.Judge(s, value) == Denied }

// Limit is a bound; zero if there is none.
func (p *Policy) Limit(l Limit) int64 {
	for ; p != nil; p = p.base {
		if n, ok := p.limits[l]; ok {
			return n
		}
	}
	return 0
}

// Rlimit is the greatest value of a resource limit that may be asked for,
// Unlimited where the policy names none.
func (p *Policy) Rlimit(name string) uint64 {
	for ; p != nil; p = p.base {
		if n, ok := p.rlimits[name]; ok {
			return n
		}
	}
	return Unlimited
}

// Required lists what must be there: the list of the uppermost document that has
// one.
func (p *Policy) Required(r Required) []string {
	for ; p != nil; p = p.base {
		if list, ok := p.required[r]; ok {
			return list
		}
	}
	return nil
}

// pathSections are those whose values are paths.
var pathSections = func() map[Section]bool {
	m := map[Section]bool{}
	for _, s := range sections {
		m[s.key] = s.paths
	}
	return m
}()
