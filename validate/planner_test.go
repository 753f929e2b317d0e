package validate

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore/plan"
)

// plannerFaults are what a wrong planner does, by the rule that must notice: no
// image trips these rules as long as the planner is right.
var plannerFaults = map[string]struct {
	about    string
	simulate simulator
}{
	"P002": {"a plan after which a child has another parent", func(p *plan.Plan, img *format.Image, o plan.Options, r *rand.Rand) (*format.Image, error) {
		built, err := plan.Simulate(p, img, o, r)
		if err == nil {
			for i := range built.Tasks {
				if built.Tasks[i].TID == 102 {
					built.Tasks[i].PPID = 1
				}
			}
		}
		return built, err
	}},
	"P003": {"a plan whose steps wait for each other", func(p *plan.Plan, img *format.Image, o plan.Options, r *rand.Rand) (*format.Image, error) {
		p.Steps = p.Steps[1:]
		return plan.Simulate(p, img, o, r)
	}},
}

func TestPlannerFaults(t *testing.T) {
	for code, fault := range plannerFaults {
		t.Run(code, func(t *testing.T) {
			v := &vector{Image: baseImage(), Pages: basePages()}
			found := Image(t.Context(), v.image(), Options{Plan: true, simulate: fault.simulate})
			if diff := cmp.Diff([]string{code}, codesOf(found)); diff != "" {
				t.Errorf("%s (-want +got):\n%s\n%v", fault.about, diff, found)
			}
		})
	}
	v := &vector{Image: baseImage(), Pages: basePages()}
	lost := errors.New("lost")
	found := Image(t.Context(), v.image(), Options{Plan: true, simulate: func(*plan.Plan, *format.Image, plan.Options, *rand.Rand) (*format.Image, error) {
		return nil, lost
	}})
	if len(found) != 1 || found[0].Message != lost.Error() {
		t.Errorf("the simulation's own words are lost: %v", found)
	}
}
