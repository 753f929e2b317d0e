package validate

import (
	"errors"
	"math/rand/v2"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore/plan"
)

// FromPlanError makes findings of family P of an error of plan.New, one for
// each reason. Other errors give none.
func FromPlanError(err error) []Finding {
	pe, ok := errors.AsType[*plan.Error](err)
	if !ok {
		return nil
	}
	found := make([]Finding, 0, len(pe.Reasons))
	for _, r := range pe.Reasons {
		found = append(found, New("P001", Subject{Task: r.Task}, "%s", r.Reason))
	}
	return found
}

// FromPlanDifferences makes findings of family P of what a plan, carried out,
// gave otherwise than the image.
func FromPlanDifferences(diffs []plan.Difference) []Finding {
	found := make([]Finding, 0, len(diffs))
	for _, d := range diffs {
		found = append(found, New("P002", Subject{Task: d.Task}, "%s is %s, should be %s", d.Field, d.Got, d.Want))
	}
	return found
}

// A simulator carries out a plan; see plan.Simulate.
type simulator func(*plan.Plan, *format.Image, plan.Options, *rand.Rand) (*format.Image, error)

// checkPlan is family P. The image's hierarchy has no error.
func checkPlan(c *checker) {
	if c.ctx.Err() != nil {
		return
	}
	// A root of number 1 is the pid 1 of a namespace.
	opts := plan.Options{MaxPID: pidLimit, PIDNamespace: c.img.Root == 1}
	p, err := plan.New(c.img, opts)
	if err != nil {
		c.reportAll(FromPlanError(err))
		return
	}
	simulate := c.opts.simulate
	if simulate == nil {
		simulate = plan.Simulate
	}
	built, err := simulate(p, c.img, opts, nil)
	if err != nil {
		c.report("P003", Subject{}, "%v", err)
		return
	}
	c.reportAll(FromPlanDifferences(plan.Compare(c.img, built, opts)))
}

func (c *checker) reportAll(findings []Finding) {
	for _, f := range findings {
		c.report(f.Code, f.Subject, "%s", f.Message)
	}
}
