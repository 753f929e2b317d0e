package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// dumpOptions say which parts to print; none means summary and tree.
type dumpOptions struct {
	tree, tasks, files, container, commands, records bool
	// memory is "map" for the ranges, or ADDR:LEN for bytes.
	memory string
	// task limits the output to one task; zero for all.
	task int32
	look lookOptions
	policyOptions
}

// AddFlags declares the flags.
func (o *dumpOptions) AddFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.tree, "tree", false, "print the tree of processes and threads")
	f.BoolVar(&o.tasks, "tasks", false, "print a table of all tasks")
	f.Var((*memoryFlag)(&o.memory), "memory", "print the memory of each process or, with ADDR:LEN, the bytes there")
	f.Lookup("memory").NoOptDefVal = memoryMap
	f.BoolVar(&o.commands, "commands", false, "print the command line and environment of each process")
	f.BoolVar(&o.files, "files", false, "print the open files of each process, and the digests of files that the image has")
	f.BoolVar(&o.container, "container", false, "print what is known of the container that the tree was in")
	f.BoolVar(&o.records, "records", false, "print the records of a linux-cr image as they stand in it")
	f.Int32Var(&o.task, "task", 0, "print all about one task, or its part of --memory, --commands and --search")
	o.look.AddFlags(f)
	o.addPolicyFlag(f)
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
archive tells of the container, --container prints. What is wrong with the archive
itself stands on standard error, and with --policy what that finds in the container.

What a process was called with, --commands prints, environment included: it may hold
secrets, as may memory.

` + lookHelp + `

With --records every record of a linux-cr image is listed in the order of the
stream, also of one that cannot be decoded, up to where nothing can be told.` + exitHelp(exitOK, exitInvalid, exitUsage, exitIO, exitInterrupted),
		Example: "  thaw dump tree.thaw\n  thaw dump --tree --files tree.thaw\n  thaw dump --task 1000 --json - < tree.thaw\n  thaw dump --task 1000 --memory=0x7ffd1000:256 tree.thaw\n  thaw dump --search password --kind heap,stack tree.thaw\n  thaw dump --records old.ckpt",
		Args:    opts.args,
		RunE: runE(func(cmd *cobra.Command, args []string) error {
			name := opts.image(args)
			if err := a.usePolicy(cmd.Context(), opts.policyOptions); err != nil {
				return err
			}
			switch {
			case opts.records:
				return a.dumpRecords(cmd.Context(), name)
			case opts.look.wanted() || opts.memory != "" && opts.memory != memoryMap:
				return runLook(cmd.Context(), a, opts, name)
			}
			return runDump(cmd.Context(), a, opts, name)
		}),
	}
	opts.AddFlags(cmd.Flags())
	a.access.AddFlags(cmd.Flags())
	for _, part := range []string{"tree", "tasks", "memory", "files", "container", "commands"} {
		cmd.MarkFlagsMutuallyExclusive("records", part)
		cmd.MarkFlagsMutuallyExclusive("search", part)
		cmd.MarkFlagsMutuallyExclusive("regex", part)
		if part != "memory" && part != "commands" {
			cmd.MarkFlagsMutuallyExclusive("task", part)
		}
	}
	cmd.MarkFlagsMutuallyExclusive("records", "task")
	cmd.MarkFlagsMutuallyExclusive("records", "search", "regex")
	return cmd
}

func runDump(ctx context.Context, a *app, opts dumpOptions, name string) (err error) {
	img, err := a.open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, img.Close(), a.mentionFaults(ctx, img)) }()
	if a.json {
		return dumpJSON(ctx, a, opts, img)
	}
	p := dump.New(a.streams.out, img.Image, a.printing())
	for _, part := range opts.parts(p) {
		if err := part(ctx); err != nil {
			return dumpError(name, err)
		}
	}
	return nil
}

// mentionFaults says on stderr what is wrong with what the image came in: what
// dump shows is without the members that are not to be trusted.
func (a *app) mentionFaults(ctx context.Context, img *opened) error {
	faults := validate.UnderPolicy(a.policy, validate.FromFaults(img.Faults))
	about := "what the image is in"
	if a.policy != nil { // which somebody wants to see at work
		faults = append(faults, validate.Containers(ctx, img.Image, a.policy)...)
		about = "what the image is in, and the container"
	}
	if len(faults) == 0 {
		return nil
	}
	if err := validate.Text(a.streams.err, faults, validate.TextOptions{Color: a.streams.errColor()}); err != nil {
		return output(err)
	}
	_, err := fmt.Fprintf(a.streams.err, "%s: %s about %s; thaw validate judges all of it\n", dump.Clean(img.name), validate.Count(faults), about)
	return output(err)
}

// parts lists what to print, in the order of printing.
func (o dumpOptions) parts(p *dump.Printer) []func(context.Context) error {
	plain := func(print func() error) func(context.Context) error {
		return func(context.Context) error { return print() }
	}
	task := format.PID(o.task)
	commands := func(ctx context.Context) error { return p.Commands(ctx, task) }
	memory := p.Memory
	if task != 0 {
		memory = func(ctx context.Context) error { return p.TaskMemory(ctx, task) }
	}
	if !o.tree && !o.tasks && o.memory == "" && !o.files && !o.container && !o.commands {
		if task != 0 {
			return []func(context.Context) error{func(ctx context.Context) error { return p.Task(ctx, task) }}
		}
		return []func(context.Context) error{p.Summary, plain(p.Line), plain(p.Tree)}
	}
	var parts []func(context.Context) error
	for _, part := range []struct {
		wanted bool
		print  func(context.Context) error
	}{{o.tree, plain(p.Tree)}, {o.tasks, plain(p.Tasks)}, {o.memory != "", memory}, {o.commands, commands}, {o.files, plain(p.Files)}, {o.container, plain(p.Containers)}} {
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

func dumpJSON(ctx context.Context, a *app, opts dumpOptions, from *opened) error {
	img := from.Image
	if opts.commands {
		return dumpError(from.name, dump.CommandsJSON(ctx, a.streams.out, img, format.PID(opts.task)))
	}
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
	case err == nil:
		return nil
	case errors.Is(err, dump.ErrNoTask), errors.Is(err, dump.ErrRange), errors.Is(err, dump.ErrPattern):
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
