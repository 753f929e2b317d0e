package restore

import (
	"context"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/restore/plan"
	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/host"
)

// Preflight says why this host, or this engine, cannot hold an image: all
// faults at once. It creates nothing.
func Preflight(ctx context.Context, img *format.Image, o Options) ([]validate.Finding, error) {
	j, err := newJob(ctx, &Request{Image: img, Options: o}, o.withDefaults())
	if err != nil {
		return nil, err
	}
	return j.findings, nil
}

// A job is what is known before anything is created: the plan, the host, where
// things will lie, and what stands against it.
type job struct {
	req  *Request
	opts *Options
	host *hostFacts
	plan *plan.Plan
	lay  layout
	// vdso is where each address space gets this kernel's.
	vdso     map[format.ObjectID]vdsoPlace
	findings []validate.Finding
	// spaces are the namespaces that the tree has for itself.
	spaces spaces
}

func newJob(ctx context.Context, req *Request, o *Options) (*job, error) {
	o.PIDNamespace = o.PIDNamespace || wantsNamespace(req.Image)
	j := &job{spaces: findSpaces(req.Image), req: req, opts: o, vdso: map[format.ObjectID]vdsoPlace{}}
	var err error
	if j.host, err = readHost(o, HasTerminal); err != nil {
		return nil, err
	}
	if j.plan, err = plan.New(req.Image, planOptions(o)); err != nil {
		return nil, err
	}
	if j.lay, err = newLayout(req.Image); err != nil {
		return nil, err
	}
	return j, j.preflight(ctx)
}

// preflight asks what this engine and this machine can hold.
func (j *job) preflight(ctx context.Context) error {
	j.findings = nil
	if err := husk.Supported(); err != nil {
		j.findings = append(j.findings, validate.New(validate.CodeHostArch, validate.Subject{}, "%v", err))
		return nil
	}
	for _, f := range validate.Unsupported(j.req.Image) {
		if f.Severity == validate.Error {
			j.findings = append(j.findings, f)
		}
	}
	res, err := host.NewChecker(j.req.Image).Check(ctx, j.host.machine, host.Options{
		PIDNamespace: j.opts.PIDNamespace, ShellJob: j.opts.ShellJob, MapMemory: j.opts.MapMemory, Brief: true, Plan: j.plan,
	})
	if err != nil {
		return err
	}
	for id, p := range res.VDSO {
		place := vdsoPlace{base: p.Base, patch: p.Patch}
		if p.Base == 0 {
			place.base = j.lay.end
		}
		j.vdso[id] = place
	}
	j.findings = slices.DeleteFunc(append(j.findings, res.Findings...), j.forced)
	return nil
}

// forced says whether a finding is not to stop the restore. Only what is said
// of this host can be forced: state the engine does not know would be lost.
func (j *job) forced(f validate.Finding) bool {
	return strings.HasPrefix(f.Code, "X2") && slices.Contains(j.opts.Force, f.Code)
}
