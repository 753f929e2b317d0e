package validate

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"

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

// proof is what family P finds out about one mode.
type proof struct {
	ModeResult
	// against are the errors that say why there is no plan.
	against []Finding
}

// prover asks for plans of one image.
type prover struct {
	img      *format.Image
	simulate simulator
	// inPlace is the plan with the image's numbers in the namespace of the
	// caller, which two of the modes begin with.
	inPlace func() (*plan.Plan, error)
}

// inPlaceOptions are those of a plan for the caller's pid namespace.
var inPlaceOptions = plan.Options{MaxPID: pidLimit}

// planning is family P. What makes and carries out the plans runs beside the
// other families, as it needs nothing of what they find out; what comes of it
// counts only if the hierarchy turns out to have no error.
type planning struct {
	modes  []Mode
	proofs []proof
	group  sync.WaitGroup
}

// startPlanning begins family P if it is asked for, and ends it early when ctx is
// done.
func startPlanning(ctx context.Context, img *format.Image, o *Options) *planning {
	p := &planning{modes: o.Modes}
	if !o.Plan {
		return p
	}
	if len(p.modes) == 0 {
		p.modes = []Mode{NaturalMode(img)}
	}
	by := &prover{img: img, simulate: o.simulate}
	by.inPlace = sync.OnceValues(func() (*plan.Plan, error) { return plan.New(img, inPlaceOptions) })
	if by.simulate == nil {
		by.simulate = plan.Simulate
	}
	p.group.Go(func() {
		for _, m := range p.modes {
			if ctx.Err() != nil {
				return
			}
			p.proofs = append(p.proofs, by.prove(m))
		}
	})
	return p
}

// wait waits until the plans have been made.
func (p *planning) wait() { p.group.Wait() }

// report reports what speaks against the modes to c, which has asked the other
// families, and says what came of each. A mode without a plan is an error if no
// other has one.
func (p *planning) report(c *checker) []ModeResult {
	results := make([]ModeResult, 0, len(p.modes))
	if c.errors['H'] {
		for _, m := range p.modes {
			results = append(results, ModeResult{Mode: m, Plan: PlanUnknown})
		}
		return results
	}
	some := slices.ContainsFunc(p.proofs, func(r proof) bool { return r.Plan == PlanYes })
	for i := range p.proofs {
		c.reportProof(&p.proofs[i], some)
		results = append(results, p.proofs[i].ModeResult)
	}
	return results
}

// reportProof reports what speaks against a mode; some mode has a plan or none.
func (c *checker) reportProof(p *proof, some bool) {
	prefix := ""
	if len(c.opts.Modes) > 0 {
		prefix = p.Mode.words() + ": "
	}
	for _, f := range p.against {
		code := f.Code
		if some {
			code = "P004"
		}
		c.report(code, f.Subject, "%s%s", prefix, f.Message)
	}
	if p.Mode == ModeRemap && p.Plan == PlanYes {
		c.reportRemap(prefix)
	}
}

// prove asks for the plan of one mode and carries it out.
func (p *prover) prove(m Mode) proof {
	r := proof{ModeResult: ModeResult{Mode: m}}
	provers[m](p, &r)
	r.conclude()
	return r
}

// provers say how a mode is proved.
var provers = map[Mode]func(*prover, *proof){
	ModeInPlace: (*prover).proveInPlace,
	ModePIDNS:   (*prover).provePIDNS,
	ModeRemap:   (*prover).proveRemap,
}

func (p *prover) proveInPlace(r *proof) {
	built, err := p.inPlace()
	if err != nil {
		r.against = FromPlanError(err)
		return
	}
	if !makesInit(built) {
		r.against = p.carryOut(built, p.img, inPlaceOptions, r)
		return
	}
	r.against = []Finding{New("P006", Subject{Task: p.taskNumbered(1)},
		"number 1 belongs to the init of every pid namespace, so only one of its own has it free")}
}

// makesInit says whether a plan makes a process of number 1.
func makesInit(p *plan.Plan) bool {
	for i := range p.Procs {
		if p.Procs[i].PID == 1 {
			return true
		}
	}
	return false
}

// taskNumbered is n if the image has a task of that number, else zero.
func (p *prover) taskNumbered(n format.PID) format.PID {
	for i := range p.img.Tasks {
		if p.img.Tasks[i].TID == n {
			return n
		}
	}
	return 0
}

func (p *prover) provePIDNS(r *proof) {
	opts := plan.Options{MaxPID: pidLimit, PIDNamespace: true}
	built, err := plan.New(p.img, opts)
	if err != nil {
		r.against = FromPlanError(err)
		return
	}
	r.against = p.carryOut(built, p.img, opts, r)
}

// carryOut has the simulated kernel carry out a plan and says what speaks
// against it.
func (p *prover) carryOut(pl *plan.Plan, img *format.Image, opts plan.Options, r *proof) []Finding {
	built, err := p.simulate(pl, img, opts, nil)
	if err != nil {
		return []Finding{New("P003", Subject{}, "%v", err)}
	}
	r.describe(pl)
	return FromPlanDifferences(plan.Compare(img, built, opts))
}
