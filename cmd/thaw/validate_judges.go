package main

import (
	"context"
	"errors"
	"iter"
	"os"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// A judge is a source of findings about an image, which it tells the inquiry. Its
// error is one of its own, such as a file that cannot be read: what is wrong with
// the image it tells.
type judge func(context.Context, *inquiry) error

// judges are all sources of findings, asked in this order. Those before
// judgeOpening see the name only, those after it are asked only if there is an
// image. A new one is added here; it returns at once if its options ask for
// nothing. Findings with a code of family X are held against the host (exit
// code 3), all others against the image (1).
var judges = []judge{
	judgeOpening,
	judgeEnvelope,
	judgeModel,
	judgePages,
	judgeHost,
}

// An inquiry is an image that is being judged by thaw validate.
type inquiry struct {
	app  *app
	opts *validateOptions
	// name is the image's on the command line.
	name string
	// maps say where its files are looked for on a host.
	maps []format.PathMap
	// img is the image, as soon as judgeOpening has opened it.
	img *opened
	// nodes is what the hosts of a directory say, if they were asked.
	nodes *matrixJSON

	sieve validate.Sieve
	modes []validate.Mode
	// findings are those told that came through the sieve; results what came of
	// the modes.
	findings []validate.Finding
	results  map[validate.Mode]validate.ModeResult
	// format and version are what the image was read as, pagesRead says that its
	// pages were too, unreadable that it could not be read at all.
	format, version       string
	pagesRead, unreadable bool
	// sealedBy is the key that sealed the image, if that was asked for.
	sealedBy string
}

// newInquiry reads the options; their mistakes are wrong usage.
func newInquiry(ctx context.Context, a *app, opts *validateOptions, name string) (*inquiry, error) {
	q := &inquiry{app: a, opts: opts, name: name, results: map[validate.Mode]validate.ModeResult{}}
	var err error
	if q.modes, err = validate.ParseModes(opts.modes); err != nil {
		return nil, fail(exitUsage, err)
	}
	if err = opts.checkHosts(name); err != nil {
		return nil, err
	}
	if q.maps, err = opts.paths.maps(); err != nil {
		return nil, err
	}
	q.sieve, err = opts.sieve(ctx, a)
	q.sieve.Image = name
	return q, err
}

// errNoImage ends an inquiry whose image could not be opened; why has been told.
var errNoImage = errors.New("no image")

// ask asks all judges.
func (q *inquiry) ask(ctx context.Context) (err error) {
	defer func() {
		if q.img != nil {
			err = errors.Join(err, q.img.Close())
		}
	}()
	for _, j := range judges {
		err := j(ctx, q)
		if errors.Is(err, errNoImage) {
			return nil
		}
		if err == nil {
			err = ctx.Err() // what was found is not all
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tell takes a finding, which is left out if the options say so.
func (q *inquiry) tell(f validate.Finding) {
	if q.sieve.Pass(&f) {
		q.findings = append(q.findings, f)
	}
}

// tellAll tells all of a list.
func (q *inquiry) tellAll(findings iter.Seq[validate.Finding]) {
	for f := range findings {
		q.tell(f)
	}
}

// findingsOf takes the findings out of an error about a bad image; other errors
// stay errors.
func findingsOf(err error) ([]validate.Finding, error) {
	if f, ok := errors.AsType[*failure](err); ok && len(f.findings) > 0 {
		return f.findings, nil
	}
	return nil, err
}

// judgeOpening opens the image. That it cannot be read is told whatever the
// options leave out.
func judgeOpening(ctx context.Context, q *inquiry) error {
	if info, err := os.Stat(q.name); err == nil && info.Mode().IsRegular() {
		expectMetadata(info.Size())
	}
	img, err := q.app.open(ctx, q.name)
	if err != nil {
		findings, err := findingsOf(err)
		if err != nil {
			return err
		}
		q.findings = append(q.findings, findings...)
		q.unreadable = true
		return errNoImage
	}
	format.MapPaths(img.Image, q.maps)
	q.img, q.format, q.version, q.sealedBy = img, img.Format, img.Version, img.sealedBy
	return nil
}

// judgeEnvelope tells what is wrong with what the image came in.
func judgeEnvelope(_ context.Context, q *inquiry) error {
	for _, f := range validate.UnderPolicy(q.app.policy, validate.FromFaults(q.img.Faults)) {
		q.tell(f)
	}
	return nil
}

// judgeModel asks the rules over the model.
func judgeModel(ctx context.Context, q *inquiry) error {
	defer expectMetadata(0) // what follows reads pages
	q.tellAll(validate.Run(ctx, q.img.Image, validate.Options{
		Plan: true, Modes: q.modes, Policy: q.app.policy,
		OnMode: func(r validate.ModeResult) { q.results[r.Mode] = r },
	}))
	return nil
}
