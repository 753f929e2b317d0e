package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/host"
)

// hostOptions say which machines are asked whether they can hold an image.
type hostOptions struct {
	// here asks this machine.
	here bool
	// facts is a file that describes one, or a directory of such; empty for none.
	facts string
	// paths say where the files of the image are to be found there.
	paths pathOptions
}

// addHostFlags declares the flags.
func (o *hostOptions) addHostFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.here, "host", false, "ask also whether this host can hold the image; nothing is created")
	f.StringVar(&o.facts, "host-facts", "", "ask the host that `FILE` of host-facts describes; of a directory of them, print which can hold the image")
	o.paths.AddFlags(f)
}

// judgeHost asks one machine, or all of a directory.
func judgeHost(ctx context.Context, q *inquiry) error {
	o := &q.opts.hostOptions
	if !o.here && o.facts == "" {
		return nil
	}
	if info, err := os.Stat(o.facts); err == nil && info.IsDir() {
		q.nodes, err = q.askNodes(ctx, o.facts)
		return err
	}
	m, err := q.machine(ctx)
	if err != nil {
		return err
	}
	found, err := q.fits(ctx, host.NewChecker(q.img.Image), m)
	for i := range found {
		q.tell(found[i])
	}
	return err
}

// machine is the one machine that is asked.
func (q *inquiry) machine(ctx context.Context) (*host.Machine, error) {
	o := &q.opts.hostOptions
	if o.here {
		m, err := q.app.engine.machine()
		if err != nil {
			return nil, fail(exitIO, fmt.Errorf("ask this host: %w", err))
		}
		return m, nil
	}
	f, err := q.app.readFacts(ctx, o.facts)
	if err != nil {
		return nil, ioError(err)
	}
	return host.NewMachine(f, nil), nil
}

// readFacts reads a file of facts, or standard input for -.
func (a *app) readFacts(ctx context.Context, name string) (*host.Facts, error) {
	in, closeInput, err := a.openInput(ctx, name)
	if err != nil {
		return nil, err
	}
	defer closeInput() //nolint:errcheck // only read
	f, err := host.Decode(newWaitingReader(ctx, in))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// fits gives what stands against a machine, and against the engine.
func (q *inquiry) fits(ctx context.Context, c *host.Checker, m *host.Machine) ([]validate.Finding, error) {
	mode := validate.NaturalMode(q.img.Image)
	if len(q.modes) > 0 {
		mode = q.modes[0]
	}
	res, err := c.Check(ctx, m, host.Options{PIDNamespace: mode == validate.ModePIDNS})
	if err != nil {
		return nil, badImage(q.name, err)
	}
	return append(validate.Unsupported(q.img.Image), res.Findings...), nil
}

// errTwoHosts says that flags contradict each other.
var errTwoHosts = errors.New("--host asks this host, --host-facts another one")

// checkHosts finds contradictions among the flags.
func (o *validateOptions) checkHosts(image string) error {
	info, err := os.Stat(o.facts)
	folder := err == nil && info.IsDir()
	switch {
	case !o.here && o.facts == "" && o.paths.given():
		return usage("--root and --map-path go with --host and --host-facts: they say where files are on a host")
	case o.here && o.facts != "":
		return fail(exitUsage, errTwoHosts)
	case o.facts == "-" && image == "-":
		return usage("image and facts cannot both come from standard input")
	case folder && o.sarif:
		return usage("--sarif is about one host; --json tells of a directory of them")
	}
	return nil
}
