package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore/plan"
)

// A Mode is a way to restore a tree.
type Mode string

// The modes.
const (
	// ModeInPlace gives the tasks their numbers in the pid namespace of whoever
	// restores.
	ModeInPlace Mode = "inplace"
	// ModePIDNS gives them their numbers in a pid namespace of the tree's own.
	ModePIDNS Mode = "pidns"
	// ModeRemap gives them other numbers. The engine of this release cannot do
	// that: see ModeResult.
	ModeRemap Mode = "remap"
)

// Modes gives all modes.
func Modes() []Mode { return []Mode{ModeInPlace, ModePIDNS, ModeRemap} }

// words are what findings call the mode.
func (m Mode) words() string {
	switch m {
	case ModeInPlace:
		return "in place"
	case ModePIDNS:
		return "in a pid namespace"
	case ModeRemap:
		return "with other numbers"
	}
	return string(m)
}

// allModes stands for all modes in a list of them.
const allModes = "all"

// ParseModes makes modes of their names, each once; "all" is all of them.
func ParseModes(names []string) ([]Mode, error) {
	var modes []Mode
	for _, name := range names {
		m := Mode(strings.ToLower(strings.TrimSpace(name)))
		switch {
		case m == allModes:
			return Modes(), nil
		case !slices.Contains(Modes(), m):
			return nil, fmt.Errorf("no way to restore is called %.40q, wanted: inplace, pidns, remap or all", name)
		case !slices.Contains(modes, m):
			modes = append(modes, m)
		}
	}
	return modes, nil
}

// NaturalMode is the way that an image is restored if nobody asks for another:
// in place, but for a tree with a task, a session or a group of number 1, which
// only a pid namespace of its own can have.
func NaturalMode(img *format.Image) Mode {
	for i := range img.Tasks {
		if t := &img.Tasks[i]; t.TID == 1 || t.SID == 1 || t.PGID == 1 {
			return ModePIDNS
		}
	}
	return ModeInPlace
}

// PlanAnswer says whether a plan exists.
type PlanAnswer string

// The answers.
const (
	// PlanYes: a plan exists, and carried out by the simulated kernel it gives
	// exactly the image's hierarchy.
	PlanYes PlanAnswer = "yes"
	PlanNo  PlanAnswer = "no"
	// PlanUnknown: it was not looked for, because the hierarchy has errors.
	PlanUnknown PlanAnswer = "unknown"
)

// ModeResult is what came of the question whether a tree can be restored in a
// mode. For ModeRemap the answer is about the hierarchy and all numbers in the
// state: that they can be replaced and the plan gives the same tree with the new
// ones. restore --remap is not there yet.
type ModeResult struct {
	Mode Mode       `json:"-"`
	Plan PlanAnswer `json:"plan"`
	// Processes are made in all; Helpers of them are not in the image and are
	// gone when the tree runs. Steps is the length of the plan.
	Processes int `json:"processes,omitempty"`
	Helpers   int `json:"helpers,omitempty"`
	Steps     int `json:"steps,omitempty"`
	// Renumbered are the numbers that ModeRemap replaces, References the places
	// in the state, other than tasks, that name one of them.
	Renumbered int `json:"renumbered,omitempty"`
	References int `json:"references,omitempty"`
	// Reasons say why there is no plan: the first MaxPerCode of them.
	Reasons []plan.Reason `json:"reasons,omitempty"`
	// Notes are the little things that the tree will not have.
	Notes []plan.Reason `json:"notes,omitempty"`
}

// describe notes what a plan does.
func (r *ModeResult) describe(p *plan.Plan) {
	r.Processes, r.Steps = len(p.Procs), len(p.Steps)
	r.Notes = p.Notes[:min(len(p.Notes), MaxPerCode)]
	for i := range p.Procs {
		if role := p.Procs[i].Role; role != plan.RoleTask && role != plan.RoleInit {
			r.Helpers++
		}
	}
}

// conclude makes the answer of what speaks against it.
func (p *proof) conclude() {
	if len(p.against) == 0 {
		p.Plan = PlanYes
		return
	}
	p.ModeResult = ModeResult{Mode: p.Mode, Plan: PlanNo}
	for _, f := range p.against[:min(len(p.against), MaxPerCode)] {
		p.Reasons = append(p.Reasons, plan.Reason{Task: f.Subject.Task, Reason: f.Message})
	}
}
