package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/capture"
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// captureFormat is the format that images are written in.
const captureFormat = "thaw"

// captureOptions say where the image goes and what becomes of the tree.
type captureOptions struct {
	// output is a file's name, or - for stdout.
	output       string
	leaveRunning bool
	// compress is none or zstd.
	compress string
	// timeout for the whole capture; zero for none.
	timeout time.Duration
	// sync asks that the image be on the disk itself before the tree is killed.
	sync bool
	// hashFiles asks for the digests of what is in files.
	hashFiles bool
}

// AddFlags declares the flags.
func (o *captureOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.output, "output", "o", "", "write the image to `FILE`, or - for standard output")
	f.BoolVar(&o.leaveRunning, "leave-running", false, "let the tree run on instead of killing it")
	f.StringVar(&o.compress, "compress", "none", "none or zstd; pages can only be mapped from an image with none")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "give up after this time, 0 for never")
	f.BoolVar(&o.hashFiles, "hash-files", false, "record the SHA-256 of the files that the tree executes, has mapped or open and cannot write to")
	f.BoolVar(&o.sync, "sync", false, "flush the image to the disk before the tree is killed")
}

// captureJSON is what capture --json prints.
type captureJSON struct {
	Image        string     `json:"image"`
	Root         format.PID `json:"root"`
	Processes    int        `json:"processes"`
	Zombies      int        `json:"zombies"`
	Tasks        int        `json:"tasks"`
	Bytes        int64      `json:"bytes"`
	LeftRunning  bool       `json:"left_running"`
	Milliseconds float64    `json:"milliseconds"`
	// HashedFiles is how many files' digests the image holds.
	HashedFiles int `json:"hashed_files,omitempty"`
	// Warnings say what the image does not hold.
	Warnings []format.Warning `json:"warnings,omitempty"`
}

func newCaptureCommand(a *app) *cobra.Command {
	var opts captureOptions
	cmd := &cobra.Command{
		Use:   "capture PID -o FILE",
		Short: "Write a living process tree to an image and end it",
		Long: `Capture freezes a process and all its descendants, writes them to an image, and
kills them once the image is whole. With --leave-running they run on. After any
failure they run on exactly as before, and no file is left.

What came through connections to unix sockets that nobody has accepted yet can be
read only by accepting them. That is done last, and not with --leave-running,
which refuses such a tree; should writing the image fail after that, they are
reset.

With --hash-files the image tells what was in the programs, libraries and other
files that the tree has mapped or open, so that validate --host and restore refuse
files with other contents. They are read before the tree is stopped, which takes
about a second for each GiB. Files that the tree can write to are left out: they
change after the capture.

A tree that holds what an image cannot is refused, with findings that say what
and where.` + exitHelp(exitOK, exitUsage, exitFailed, exitIO, exitInterrupted),
		Example: "  thaw capture 1000 -o tree.thaw\n  thaw capture 1000 --leave-running --compress zstd -o - | ssh host 'cat > tree.thaw'",
		Args:    exactArgs(1, "PID"),
		RunE: runE(func(cmd *cobra.Command, args []string) error {
			return runCapture(cmd.Context(), a, opts, args[0])
		}),
	}
	opts.AddFlags(cmd.Flags())
	return cmd
}

// check refuses options that do not go together.
func (o *captureOptions) check(a *app) error {
	switch {
	case o.output == "":
		return usage("where the image goes is not said: -o FILE, or -o - for standard output")
	case o.output == "-" && a.streams.outTerm:
		return usage("an image does not go to a terminal: -o FILE")
	case o.output == "-" && a.json:
		return usage("--json and -o - both write to standard output")
	case o.compress != string(codec.None) && o.compress != string(codec.Zstd):
		return usage("--compress %q: none or zstd", o.compress)
	}
	return nil
}

func runCapture(ctx context.Context, a *app, opts captureOptions, arg string) error {
	if err := opts.check(a); err != nil {
		return err
	}
	pid, err := strconv.ParseInt(arg, 10, 32)
	if err != nil || pid <= 0 {
		return usage("%.40q is not the number of a process", arg)
	}
	begin := time.Now()
	if opts.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opts.timeout)
		defer cancel()
	}
	target, err := createTarget(opts.output, a.streams.out)
	if err != nil {
		return fail(exitIO, err)
	}
	defer target.discard()
	tree, err := a.freeze(ctx, format.PID(pid), opts)
	if err != nil {
		return fmt.Errorf("capture %d: %w", pid, err)
	}
	size, err := a.writeTree(ctx, opts, tree, target)
	if err != nil {
		return errors.Join(err, release(tree))
	}
	said := summarize(opts, tree.Image(), size, begin)
	if opts.leaveRunning {
		err = release(tree)
	} else {
		err = a.kill(tree)
	}
	if err != nil {
		return err
	}
	return a.sayCaptured(said)
}

// freeze stops the tree and shows how far reading its files is.
func (a *app) freeze(ctx context.Context, pid format.PID, opts captureOptions) (frozen, error) {
	m := a.meter("reading files", 0)
	defer m.stop()
	return a.engine.freeze(ctx, pid, freezeOptions{final: !opts.leaveRunning, hashFiles: opts.hashFiles, hashed: m.setOf})
}

// kill ends the tree. That a parent outside it does not take note of that is
// worth saying, but no failure.
func (a *app) kill(tree frozen) error {
	err := tree.Kill()
	if left, ok := errors.AsType[*capture.UnreapedError](err); ok {
		_, err = fmt.Fprintf(a.streams.err, "thaw: %v\n", left)
		return output(err)
	}
	if err != nil {
		return fail(exitFailed, fmt.Errorf("the image is whole, but the tree is not dead: %w", err))
	}
	return nil
}

func release(tree frozen) error {
	if err := tree.Release(); err != nil {
		return fail(exitFailed, fmt.Errorf("the tree may stand still: %w", err))
	}
	return nil
}

// writeTree checks the frozen tree's image and writes it to its final name.
func (a *app) writeTree(ctx context.Context, opts captureOptions, tree frozen, target *target) (int64, error) {
	img := tree.Image()
	findings := validate.Image(ctx, img, validate.Options{Plan: true})
	if err := ctx.Err(); err != nil { // what was found is not all
		return 0, err
	}
	if validate.HasErrors(findings) {
		return 0, found(exitFailed, "the tree would not make a valid image", findings)
	}
	m := a.meter("writing the image", a.pageBytes(ctx, img))
	defer m.stop()
	w := &countingWriter{w: target, meter: m}
	how := codec.Compression(opts.compress)
	err := a.registry.Encode(ctx, w, img, captureFormat, codec.EncodeOptions{Metadata: how, Pages: how})
	if w.err != nil {
		return 0, fail(exitIO, w.err)
	}
	if err != nil {
		return 0, err
	}
	if err := target.finish(opts.sync); err != nil {
		return 0, fail(exitIO, err)
	}
	return w.n, nil
}

// pageBytes is about how much there is to write; it is found out only if
// someone watches.
func (a *app) pageBytes(ctx context.Context, img *format.Image) int64 {
	if !a.streams.errTerm || img.Pages == nil {
		return 0
	}
	var pages uint64
	count := func(id format.ObjectID) {
		for run, err := range img.Pages.Runs(ctx, id) {
			if err == nil && !run.Zero {
				pages += run.Count
			}
		}
	}
	for i := range img.Objects.Memories {
		count(img.Objects.Memories[i].ID)
	}
	for i := range img.Objects.Shared {
		count(img.Objects.Shared[i].ID)
	}
	for i := range img.Objects.Deleted {
		count(img.Objects.Deleted[i].ID)
	}
	return int64(pages) * format.PageSize
}

func summarize(opts captureOptions, img *format.Image, size int64, begin time.Time) captureJSON {
	s := captureJSON{
		Image: opts.output, Root: img.Root, Tasks: len(img.Tasks), Bytes: size, LeftRunning: opts.leaveRunning,
		HashedFiles: len(img.Objects.Digested()), Warnings: img.Warnings,
	}
	for i := range img.Tasks {
		t := &img.Tasks[i]
		switch {
		case !t.Leader():
		case t.State == format.Zombie:
			s.Zombies++
		default:
			s.Processes++
		}
	}
	s.Milliseconds = milliseconds(time.Since(begin))
	return s
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (a *app) sayCaptured(s captureJSON) error {
	if a.json {
		return output(writeJSON(a.streams.out, s))
	}
	what := []string{dump.Count(s.Processes, "process", "processes")}
	if s.Zombies > 0 {
		what = append(what, dump.Count(s.Zombies, "zombie", "zombies"))
	}
	what = append(what, dump.Count(s.Tasks, "task", "tasks"))
	if s.HashedFiles > 0 {
		what = append(what, "digests of "+dump.Count(s.HashedFiles, "file", "files"))
	}
	after := ""
	if s.LeftRunning {
		after = "; it runs on"
	}
	_, err := fmt.Fprintf(a.streams.err, "captured %d: %s, %s in %.0f ms%s\n", s.Root, strings.Join(what, ", "),
		dump.Bytes(uint64(s.Bytes)), s.Milliseconds, after)
	if err != nil {
		return output(err)
	}
	return output(dump.Notes(a.streams.err, s.Warnings, maxNotes))
}

// maxNotes is how many notes are printed; a dump's summary prints all.
const maxNotes = 20
