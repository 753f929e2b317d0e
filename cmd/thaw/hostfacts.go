package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/host"
)

// hostFactsOptions say what is written down of this host.
type hostFactsOptions struct {
	// output is a file, or - for standard output.
	output string
	// image is one whose needs are asked for too; empty for none.
	image string
	// paths say where its files are looked for.
	paths pathOptions
	// numbers asks for those of all tasks.
	numbers bool
}

// AddFlags declares the flags.
func (o *hostFactsOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.output, "output", "o", "-", "write to `FILE`, or to standard output for -")
	f.StringVar(&o.image, "for", "", "tell also what `IMAGE` needs to know: of the files that it has open or mapped, of locks, sockets and more")
	o.paths.AddFlags(f)
	f.BoolVar(&o.numbers, "numbers", false, "tell also which numbers tasks, sessions and groups have, which goes stale at once")
}

func newHostFactsCommand(a *app) *cobra.Command {
	var opts hostFactsOptions
	cmd := &cobra.Command{
		Use:   "host-facts",
		Short: "Describe this host, to ask elsewhere whether it can hold an image",
		Long: `Host-facts describes this host as far as a restore depends on it: processor,
kernel, vdso, memory, limits, settings, control groups, security modules, and
the rights of the program itself. So run it with the rights that the restore
will have. thaw validate --host-facts asks such descriptions, on any machine,
also a whole directory of them. Nothing is created, and no memory of any process
is read; --for and --numbers tell names of files and programs.

Kernels are asked by calls that they refuse. What they do not tell is absent
or unknown, and validate says so. spec/host-facts.schema.json describes the
document.` + exitHelp(exitOK, exitInvalid, exitUsage, exitIO, exitInterrupted),
		Example: "  thaw host-facts -o node-a.json\n  thaw host-facts --for tree.thaw -o node-a.json\n  thaw validate --host-facts nodes/ tree.thaw",
		Args:    exactArgs(0, "none"),
		RunE: runE(func(cmd *cobra.Command, _ []string) error {
			return runHostFacts(cmd.Context(), a, opts)
		}),
	}
	opts.AddFlags(cmd.Flags())
	return cmd
}

func runHostFacts(ctx context.Context, a *app, opts hostFactsOptions) error {
	if opts.image == "" && opts.paths.given() {
		return usage("--root and --map-path go with --for: they say where the files of an image are")
	}
	m, err := a.engine.machine()
	if err != nil {
		return fail(exitIO, fmt.Errorf("describe this host: %w", err))
	}
	m.Gather()
	if opts.numbers {
		m.GatherNumbers()
	}
	if opts.image != "" {
		if err := a.gatherFor(ctx, m, &opts); err != nil {
			return err
		}
	}
	f := m.Facts()
	f.Tool, f.Time = "thaw "+version, time.Now().UnixNano()
	out, err := createTarget(opts.output, a.streams.out)
	if err != nil {
		return fail(exitIO, err)
	}
	defer out.discard()
	if err := host.Encode(out, f); err != nil {
		return output(err)
	}
	return output(out.finish(false))
}

// gatherFor asks what an image needs, in each of the ways to restore it, and
// digests the files that it needs.
func (a *app) gatherFor(ctx context.Context, m *host.Machine, opts *hostFactsOptions) (err error) {
	name := opts.image
	maps, err := opts.paths.maps()
	if err != nil {
		return err
	}
	img, err := a.open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	format.MapPaths(img.Image, maps)
	c := host.NewChecker(img.Image)
	for _, pidns := range []bool{false, true} {
		if _, err := c.Check(ctx, m, host.Options{PIDNamespace: pidns}); err != nil {
			return badImage(name, err)
		}
	}
	m.SortFiles()
	return m.DigestFiles(ctx, maxDigest)
}

// maxDigest is the longest file that facts tell a digest of although the image does
// not ask for it, in bytes.
const maxDigest = 1 << 30
