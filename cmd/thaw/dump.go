package main

import (
	"context"
	"errors"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
)

// dumpOptions say which parts to print; none means summary and tree.
type dumpOptions struct {
	tree, tasks, memory, files, container, records bool
	// task limits the output to one task; zero for all.
	task int32
}

// AddFlags declares the flags.
func (o *dumpOptions) AddFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.tree, "tree", false, "print the tree of processes and threads")
	f.BoolVar(&o.tasks, "tasks", false, "print a table of all tasks")
	f.BoolVar(&o.memory, "memory", false, "print the memory of each process")
	f.BoolVar(&o.files, "files", false, "print the open files of each process")
	f.BoolVar(&o.container, "container", false, "print what is known of the container that the tree was in")
	f.BoolVar(&o.records, "records", false, "print the records of a linux-cr image as they stand in it")
	f.Int32Var(&o.task, "task", 0, "print all about one task")
}

func newDumpCommand(a *app) *cobra.Command {
	var opts dumpOptions
	cmd := &cobra.Command{
		Use:   "dump IMAGE",
		Short: "Show what an image holds",
		Long: `Dump shows what an image holds: without flags a summary and the tree. It shows
invalid images too, as long as they can be decoded; validate judges them.

In the tree, threads stand in braces, and "gone" marks a session or group whose
leader the image does not hold. With --json the whole model is printed as
spec/image.schema.json describes it, page contents left out.

IMAGE may be a directory, a checkpoint archive as Podman, CRI-O and containerd make
them, or an OCI image layout of one, all as they are or compressed. What such an
archive tells of the container, --container prints.

With --records every record of a linux-cr image is listed in the order of the
stream, also of one that cannot be decoded, up to where nothing can be told.` + exitHelp(exitOK, exitInvalid, exitUsage, exitIO, exitInterrupted),
		Example: "  thaw dump tree.thaw\n  thaw dump --tree --files tree.thaw\n  thaw dump --task 1000 --json - < tree.thaw\n  thaw dump --records old.ckpt",
		Args:    exactArgs(1, "IMAGE"),
		RunE: runE(func(cmd *cobra.Command, args []string) error {
			if opts.records {
				return a.dumpRecords(cmd.Context(), args[0])
			}
			return runDump(cmd.Context(), a, opts, args[0])
		}),
	}
	opts.AddFlags(cmd.Flags())
	for _, part := range []string{"tree", "tasks", "memory", "files", "container"} {
		cmd.MarkFlagsMutuallyExclusive("task", part)
		cmd.MarkFlagsMutuallyExclusive("records", part)
	}
	cmd.MarkFlagsMutuallyExclusive("records", "task")
	return cmd
}

func runDump(ctx context.Context, a *app, opts dumpOptions, name string) (err error) {
	img, err := a.open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	if a.json {
		return dumpJSON(a, opts, img)
	}
	p := dump.New(a.streams.out, img.Image, a.printing())
	for _, part := range opts.parts(p) {
		if err := part(ctx); err != nil {
			return dumpError(name, err)
		}
	}
	return nil
}

// parts lists what to print, in the order of printing.
func (o dumpOptions) parts(p *dump.Printer) []func(context.Context) error {
	plain := func(print func() error) func(context.Context) error {
		return func(context.Context) error { return print() }
	}
	if o.task != 0 {
		return []func(context.Context) error{
			func(ctx context.Context) error { return p.Task(ctx, format.PID(o.task)) },
		}
	}
	if !o.tree && !o.tasks && !o.memory && !o.files && !o.container {
		return []func(context.Context) error{p.Summary, plain(p.Line), plain(p.Tree)}
	}
	var parts []func(context.Context) error
	for _, part := range []struct {
		wanted bool
		print  func(context.Context) error
	}{{o.tree, plain(p.Tree)}, {o.tasks, plain(p.Tasks)}, {o.memory, p.Memory}, {o.files, plain(p.Files)}, {o.container, plain(p.Containers)}} {
		if !part.wanted {
			continue
		}
		if len(parts) > 0 {
			parts = append(parts, plain(p.Line))
		}
		parts = append(parts, part.print)
	}
	return parts
}

func dumpJSON(a *app, opts dumpOptions, from *opened) error {
	img := from.Image
	if opts.task != 0 {
		one, err := dump.Select(img, format.PID(opts.task))
		if err != nil {
			return dumpError(from.name, err)
		}
		img = one
	}
	return output(writeJSON(a.streams.out, img))
}

// dumpError finds the exit code of an error in printing: an image that cannot
// be read is invalid, a task that is not there was asked for wrongly.
func dumpError(name string, err error) error {
	switch {
	case errors.Is(err, dump.ErrNoTask):
		return fail(exitUsage, err)
	case errors.Is(err, syscall.EPIPE):
		return output(err)
	}
	return badImage(name, err)
}

// printing says how to print to stdout.
func (a *app) printing() dump.Options {
	return dump.Options{Terminal: a.streams.outTerm, Color: a.streams.outColor(), Width: a.streams.width}
}
