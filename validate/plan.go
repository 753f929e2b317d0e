package validate

import (
	"errors"

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

// checkPlan is family P. The image's hierarchy has no error.
func checkPlan(c *checker) {
	_, err := plan.New(c.img, plan.Options{MaxPID: pidLimit})
	for _, f := range FromPlanError(err) {
		c.report(f.Code, f.Subject, "%s", f.Message)
	}
}
