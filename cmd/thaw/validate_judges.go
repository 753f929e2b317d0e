package main

import (
	"context"
	"errors"

	"github.com/thaw-cr/thaw/validate"
)

// An inquiry is an image that is being judged by thaw validate.
type inquiry struct {
	app  *app
	opts *validateOptions
	// name is the image's on the command line.
	name string
	// img is the image, as soon as judgeOpening has opened it.
	img *opened
	// tell takes a finding; false says that no more are wanted.
	tell func(validate.Finding) bool
}

// A judge is a source of findings about an image. Its error is one of its own,
// such as a file that cannot be read: what is wrong with the image it tells.
type judge func(context.Context, *inquiry) error

// judges are all sources of findings, asked in this order. Those before
// judgeOpening see the name only, those after it are asked only if there is an
// image. A new one is added here; it returns at once if its options ask for
// nothing. Findings with a code of family X2 are held against the host (exit
// code 3), all others against the image (1).
var judges = []judge{
	judgeOpening,
	judgeEnvelope,
	judgeModel,
	judgePages,
}

// errNoImage ends an inquiry whose image could not be opened; why has been told.
var errNoImage = errors.New("no image")

// judge asks all judges.
func (a *app) judge(ctx context.Context, opts *validateOptions, name string) (findings []validate.Finding, err error) {
	q := &inquiry{app: a, opts: opts, name: name, tell: func(f validate.Finding) bool {
		findings = append(findings, f)
		return true
	}}
	defer func() {
		if q.img != nil {
			err = errors.Join(err, q.img.Close())
		}
	}()
	for _, j := range judges {
		err := j(ctx, q)
		if errors.Is(err, errNoImage) {
			break
		}
		if err == nil {
			err = ctx.Err() // what was found is not all
		}
		if err != nil {
			return nil, err
		}
	}
	return findings, nil
}

// tellAll tells all of a list, until nobody wants more.
func (q *inquiry) tellAll(findings []validate.Finding) {
	for i := range findings {
		if !q.tell(findings[i]) {
			return
		}
	}
}

// tellError tells what an error says is wrong with the image; other errors it
// gives back.
func (q *inquiry) tellError(err error) error {
	if f, ok := errors.AsType[*failure](err); ok && len(f.findings) > 0 {
		q.tellAll(f.findings)
		return nil
	}
	return err
}

// judgeOpening opens the image.
func judgeOpening(ctx context.Context, q *inquiry) error {
	img, err := q.app.open(ctx, q.name)
	if err != nil {
		if err = q.tellError(err); err == nil {
			err = errNoImage
		}
		return err
	}
	q.img = img
	return nil
}

// judgeEnvelope tells what is wrong with what the image came in.
func judgeEnvelope(_ context.Context, q *inquiry) error {
	q.tellAll(validate.FromFaults(q.img.Faults))
	return nil
}

// judgeModel asks the rules over the model.
func judgeModel(ctx context.Context, q *inquiry) error {
	q.tellAll(validate.Image(ctx, q.img.Image, validate.Options{Plan: true}))
	return nil
}

// judgePages reads all pages against their digests.
func judgePages(ctx context.Context, q *inquiry) error {
	if !q.opts.verify {
		return nil
	}
	return q.tellError(q.app.readPages(ctx, q.img, q.img.Verify))
}
