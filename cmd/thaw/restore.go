package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// restoreOptions say how the tree comes back.
type restoreOptions struct {
	dryRun, pidns, remap, detach, mapMemory, shellJob, verify bool
	// checkPages reads all pages against their checksums first.
	checkPages bool

	policyOptions
	paths pathOptions
	// pidFile gets the root's number; empty for none.
	pidFile string
	// force lists codes of findings about this host that are not to stop it.
	force []string
	// timeout until the tree runs; zero for none.
	timeout time.Duration
	// meter shows how far reading pages is; not a flag.
	meter *meter
}

// AddFlags declares the flags.
func (o *restoreOptions) AddFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.dryRun, "dry-run", false, "check the image and this host, print the plan and create nothing")
	f.BoolVar(&o.pidns, "pidns", false, "restore into a pid namespace of its own")
	f.BoolVar(&o.detach, "detach", false, "leave the tree running and exit instead of waiting for its root")
	f.StringVar(&o.pidFile, "pidfile", "", "write the root's number to `FILE`")
	f.StringSliceVar(&o.force, "force", nil, "go on in spite of findings with the X2 code `CODE`, without what they speak of; repeatable")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "give up if the tree does not run after this time, 0 for never")
	f.BoolVar(&o.mapMemory, "map-memory", false, "map memory from the image, which must stay as it is, instead of reading it; not for programs in Go or with jemalloc")
	f.BoolVar(&o.checkPages, "check-pages", true, "check all pages against their checksums first; not with --map-memory")
	f.BoolVar(&o.shellJob, "shell-job", false, "join this session and terminal where the image's own are gone")
	f.BoolVar(&o.verify, "verify", true, "compare the restored tree with the image before it runs")
	o.addPolicyFlag(f)
	o.paths.AddFlags(f)
	f.BoolVar(&o.remap, "remap", false, "")
	_ = f.MarkHidden("remap")
}

// restoreJSON is what restore --json prints once the tree runs.
type restoreJSON struct {
	Image        string  `json:"image"`
	Root         int     `json:"root"`
	Tasks        int     `json:"tasks"`
	PagesChecked bool    `json:"pages_checked"`
	Milliseconds float64 `json:"milliseconds"`
	// SealedBy is the fingerprint of the key that sealed the image, if that was
	// asked for.
	SealedBy string `json:"sealed_by,omitempty"`
	// Warnings say what the tree has not got back, and does not need to run.
	Warnings []validate.Finding `json:"warnings,omitempty"`
}

func newRestoreCommand(a *app) *cobra.Command {
	var opts restoreOptions
	cmd := &cobra.Command{
		Use:   "restore IMAGE",
		Short: "Bring the tree of an image back to life",
		Long: `Restore brings the tree of an image back to life and lets it run on, all of it
or nothing: an invalid image or an unfit host is refused before anything is
created, and after any failure nothing is left. Pages are checked too, unless
they are mapped.

It then waits for the root process, passes signals on to it, and exits with its
status, 128 and the number of the signal if one killed it; with --detach it
exits as soon as the tree runs. Interrupted before that, it takes down what it
made.

Files are looked for where the image has them. With --map-path and --root they
are looked for in other places; the tree sees those as the places of its files.
Below --root symbolic links are followed as the tree will, never out of it.
Names that sockets are bound to stay as they are.

With --map-memory memory comes from the image when it is touched. Where a program
drops such memory (MADV_DONTNEED), the image's contents come back, not zeroes.
Programs whose allocators count on zeroes there, as those of Go and jemalloc do,
go wrong: restore them without it.` + exitHelp(exitOK, exitInvalid, exitUsage, exitHost, exitFailed, exitIO, exitInterrupted),
		Example: "  thaw restore tree.thaw\n  thaw restore --detach --pidfile root.pid tree.thaw\n  thaw restore --dry-run tree.thaw\n" +
			"  thaw restore --pidns --map-path /usr/lib=/srv/old/lib old.ckpt",
		Args: exactArgs(1, "IMAGE"),
		RunE: runE(func(cmd *cobra.Command, args []string) error {
			return runRestore(cmd.Context(), a, opts, args[0])
		}),
	}
	opts.AddFlags(cmd.Flags())
	a.access.AddFlags(cmd.Flags())
	return cmd
}

func runRestore(ctx context.Context, a *app, opts restoreOptions, name string) (err error) {
	if opts.remap {
		return &failure{
			code: exitUsage, err: errors.New("--remap is not there yet: a tree gets its own numbers"),
			hint: "--pidns restores them where they are surely free",
		}
	}
	if err := a.usePolicy(ctx, opts.policyOptions); err != nil {
		return err
	}
	if opts.mapMemory && len(a.access.keys) > 0 {
		return usage("--map-memory leaves memory in a file that can change after its seal was checked: not with --key")
	}
	maps, err := opts.paths.maps()
	if err != nil {
		return err
	}
	begin := time.Now()
	img, err := a.open(ctx, name)
	if err != nil {
		return err
	}
	format.MapPaths(img.Image, maps)
	closed := false
	closeImage := func() {
		if !closed {
			closed = true
			err = errors.Join(err, img.Close())
		}
	}
	defer closeImage()
	if img.mappable() {
		opts.checkPages = opts.checkPages && !opts.mapMemory // which is there to not read them
	} else {
		opts.checkPages = true // by reading them
	}
	if err := a.admit(ctx, opts, img); err != nil {
		return err
	}
	if opts.dryRun {
		return a.rehearse(ctx, opts, img)
	}
	defer a.signals.forwardTo(nil)
	tree, err := a.revive(ctx, opts, img)
	if err != nil {
		return err
	}
	said := restoreJSON{Image: name, Root: tree.pid(), Tasks: len(img.Image.Tasks), PagesChecked: opts.checkPages, Milliseconds: milliseconds(time.Since(begin)), SealedBy: img.sealedBy, Warnings: tree.warnings()}
	closeImage() // while the root runs, for days perhaps, the image is not needed
	if err := a.sayRestored(opts, said); err != nil || opts.detach {
		return err
	}
	return a.attend(ctx, tree)
}

// admit refuses an invalid image.
func (a *app) admit(ctx context.Context, opts restoreOptions, img *opened) error {
	findings := img.findings(ctx)
	if err := ctx.Err(); err != nil { // what was found is not all
		return err
	}
	if validate.HasErrors(findings) {
		return found(exitInvalid, img.name+" is invalid", findings)
	}
	if opts.checkPages && img.mappable() {
		return a.readPages(ctx, img, img.Check)
	}
	return nil
}

// rehearse asks whether this host can hold the image and prints the plan.
func (a *app) rehearse(ctx context.Context, opts restoreOptions, img *opened) error {
	findings, err := a.engine.preflight(ctx, img.Image, opts)
	if err != nil {
		return err
	}
	if validate.HasErrors(findings) {
		return found(exitHost, "this host cannot hold "+img.name, findings)
	}
	p, err := a.engine.plan(img.Image, opts)
	if err != nil {
		return err
	}
	if a.json {
		return output(writeJSON(a.streams.out, p))
	}
	_, err = fmt.Fprint(a.streams.out, p)
	return output(err)
}

// revive restores the tree, passes signals on to it from now on if the command
// stays with it, and writes the pid file, all or nothing.
func (a *app) revive(ctx context.Context, opts restoreOptions, img *opened) (restored, error) {
	var pidFile *target
	if opts.pidFile != "" {
		var err error
		if pidFile, err = createTarget(opts.pidFile, a.streams.out); err != nil {
			return nil, fail(exitIO, err)
		}
		defer pidFile.discard()
	}
	opts.meter = a.meter("reading pages", a.pageBytes(ctx, img.Image))
	tree, err := a.engine.restore(ctx, img.Image, img.file, opts)
	opts.meter.stop()
	if err == nil && !opts.detach { // before anybody is told that it runs
		a.signals.forwardTo(func(s syscall.Signal) {
			_ = tree.signal(s) // a root that is gone needs no signal
		})
	}
	if err != nil || pidFile == nil {
		return tree, err
	}
	_, err = fmt.Fprintln(pidFile, tree.pid())
	if err == nil {
		err = pidFile.finish(false)
	}
	if err != nil {
		return nil, fail(exitIO, fmt.Errorf("the tree runs, but its number is not written: %w", err))
	}
	return tree, nil
}

func (a *app) sayRestored(opts restoreOptions, s restoreJSON) error {
	if a.json {
		return output(writeJSON(a.streams.out, s))
	}
	var notes []format.Warning
	for i := range s.Warnings {
		f := &s.Warnings[i]
		notes = append(notes, format.Warning{Task: f.Subject.Task, Message: f.Code + ": " + f.Message})
	}
	if err := dump.Notes(a.streams.err, notes, maxNotes); err != nil {
		return output(err)
	}
	if opts.detach {
		unchecked := ""
		if !s.PagesChecked {
			unchecked = " (pages not checked)"
		}
		_, err := fmt.Fprintf(a.streams.err, "restored %d: %s in %.0f ms%s\n", s.Root, dump.Count(s.Tasks, "task", "tasks"), s.Milliseconds, unchecked)
		return output(err)
	}
	return nil
}

// attend waits for the root, which gets the command's signals, and ends as it
// ends.
func (a *app) attend(ctx context.Context, tree restored) error {
	end, err := tree.wait(context.WithoutCancel(ctx))
	if err != nil {
		return fail(exitFailed, fmt.Errorf("wait for the root: %w", err))
	}
	if code := exitStatus(end); code != 0 {
		return status(code)
	}
	return nil
}

// exitStatus is what a shell makes of a wait status.
func exitStatus(s format.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return int(s.ExitCode())
}
