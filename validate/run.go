package validate

import (
	"context"
	"iter"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/policy"
)

// MaxPerCode is how many findings of one code Run gives in full. Those beyond it
// become one finding that tells their number.
const MaxPerCode = 100

// Options choose what Run looks for. The zero value asks for families A, H, M, S
// and R in full.
type Options struct {
	// Only, Ignore and MinSeverity leave out findings, as those of Filter do; the
	// rules are asked all the same.
	Only, Ignore []string
	MinSeverity  Severity
	// Policy is what containers are judged by; nil is the strict one. It gives
	// the severities of family A.
	Policy *policy.Policy
	// Plan asks for family P too, if the hierarchy has no error: a restore plan
	// is made and carried out by the simulated kernel.
	Plan bool
	// Modes are the ways to restore that family P is asked for; none is the way
	// that NaturalMode says. They have no meaning without Plan.
	Modes []Mode
	// OnMode, if not nil, is told what came of each of the modes, in their order,
	// before the first finding of family P.
	OnMode func(ModeResult)

	// simulate stands in for plan.Simulate in tests.
	simulate simulator
}

func (o *Options) filter() Filter {
	return Filter{Only: o.Only, Ignore: o.Ignore, MinSeverity: o.MinSeverity}
}

// Run asks img all rules of the model and yields what they find, family by
// family in the order A, H, M, S, R, P. What the bytes of pages are found guilty
// of, F, comes with M. In a family findings are ordered by their place in the
// image (the image itself, tasks in their order, objects by id), then by code, so
// the same image gives the same findings in the same order.
//
// A family's findings are yielded as soon as it has been asked, before the next
// one is, and no more are held than MaxPerCode for each of its codes. Run ends
// early when the consumer stops, and when ctx is done: whoever needs to know
// that all has been asked looks at ctx.Err. A nil image gives no findings.
func Run(ctx context.Context, img *format.Image, o Options) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		if img != nil {
			run(ctx, img, o, yield)
		}
	}
}

// modelFamilies are those of the model in the order of Run; each reports codes of its own only.
var modelFamilies = []func(*checker){checkContainers, checkHierarchy, checkMemory, checkState, checkResources}

func run(ctx context.Context, img *format.Image, o Options, yield func(Finding) bool) {
	ctx, stop := context.WithCancel(ctx)
	planning := startPlanning(ctx, img, &o)
	defer func() {
		stop()
		planning.wait()
	}()
	c := newChecker(ctx, img, o, newTables(img))
	for _, family := range modelFamilies {
		if ctx.Err() != nil {
			return
		}
		family(c)
		if !yieldAll(c.flush(), yield) {
			return
		}
	}
	if !o.Plan {
		return
	}
	planning.wait()
	if ctx.Err() != nil {
		return
	}
	results := planning.report(c)
	if o.OnMode != nil {
		for _, r := range results {
			o.OnMode(r)
		}
	}
	yieldAll(c.flush(), yield)
}

func yieldAll(found []Finding, yield func(Finding) bool) bool {
	for i := range found {
		if !yield(found[i]) {
			return false
		}
	}
	return true
}
