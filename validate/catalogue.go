package validate

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// A Rule is an entry of the catalogue. Codes are never used again for something
// else.
type Rule struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Title says in a few words what is wrong.
	Title string `json:"title"`
	// Why says why it matters, Fix what to do about it.
	Why string `json:"why"`
	Fix string `json:"fix"`
	// Example is a case that trips the rule.
	Example string `json:"example"`
	// Since is the version of thaw that had the rule first.
	Since string `json:"since"`
}

// Family is the letter of the rule's family.
func (r Rule) Family() string { return r.Code[:1] }

// since01 is the first release.
const since01 = "0.1"

// A Family is rules that ask about the same thing.
type Family struct {
	// Letter begins the codes of the family's rules: "H", "X2".
	Letter string `json:"family"`
	Title  string `json:"title"`
	// About says what the rules ask.
	About string `json:"about"`
}

// Rules are those of the family, ordered by code.
func (f Family) Rules() []Rule {
	return slices.DeleteFunc(Rules(), func(r Rule) bool { return !strings.HasPrefix(r.Code, f.Letter) })
}

// Families gives all families in the order of reports.
func Families() []Family { return slices.Clone(families) }

var families = []Family{
	{"F", "Framing", "The bytes of a file do not follow its format. Found by the codecs."},
	{"A", "Archive", "What an image comes in: an archive, an OCI layout, the checkpoint of a container, and what that asks of a host."},
	{"H", "Hierarchy", "The tasks are not a tree that fork, clone, setsid, setpgid and exit can make."},
	{"M", "Memory", "Address spaces, shared memory and pages."},
	{"S", "State", "Registers, signals, timers, limits, scheduling, credentials."},
	{"R", "Resources", "References between objects, descriptors, files, pipes, terminals."},
	{"P", "Plan", "No restore plan exists for the tree, or the plan does not give the tree."},
	{"X1", "Engine", "The engine of this release cannot capture or restore this state."},
	{"X2", "Host", "This machine cannot hold the image, or not now."},
}

// catalogue is all rules, in the order of families and codes.
var catalogue = sync.OnceValue(func() []Rule {
	all := slices.Concat(framingRules, sealRules, archiveRules, containerRules, hierarchyRules, memoryRules, vmaRules, registerRules,
		signalRules, processRules, referenceRules, fileRules, lockRules, deletedRules, modeRules, digestRules, watchRules, sysvRules, objectRules, planRules,
		engineRules, hostRules)
	rank := make(map[byte]int, len(families))
	for i, f := range families {
		if _, ok := rank[f.Letter[0]]; !ok {
			rank[f.Letter[0]] = i
		}
	}
	slices.SortStableFunc(all, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(rank[a.Code[0]], rank[b.Code[0]]), cmp.Compare(a.Code, b.Code))
	})
	for i := range all {
		if all[i].Since == "" {
			all[i].Since = since01
		}
	}
	return all
})

var byCode = sync.OnceValue(func() map[string]Rule {
	m := make(map[string]Rule, len(catalogue()))
	for _, r := range catalogue() {
		m[r.Code] = r
	}
	return m
})

// Rules gives the whole catalogue, ordered by family and code.
func Rules() []Rule { return slices.Clone(catalogue()) }

// Lookup finds the rule of a code.
func Lookup(code string) (Rule, bool) {
	r, ok := byCode()[code]
	return r, ok
}
