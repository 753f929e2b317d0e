package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
)

// lookHelp is what the help says of reading and searching memory.
const lookHelp = `With --memory ADDR:LEN the bytes at an address are printed as hexdump does, with a
line for what the image does not hold; LEN may end in K, M, G or T. --task says whose
memory is meant. With --raw they are written as they are, zeroes standing for what the
image does not hold; a range that is not mapped throughout is refused. With --json
they come in pieces, in base64 (spec/memory.schema.json).

With --search or --regex all memory in the image is searched, that of each process
once and what processes share once: a line for each match, with task, address, range
and the bytes around it (spec/search.schema.json with --json). --kind takes kinds of
ranges as --memory prints them, --prot a protection such as rw- or r-xp, with ? for
either. Memory that the image does not hold, as that of files which are as they were,
is not searched, and zero pages only next to others. Expressions are those of Go's
package regexp over bytes that may be no text; ^ and $ need (?m). Matches of up to
4096 bytes are found wherever they lie. That nothing is found is no failure: the exit
code is 0, as 1 says that an image is invalid.`

// memoryMap is the value of --memory without one.
const memoryMap = "map"

// memoryFlag is --memory: a range, or nothing.
type memoryFlag string

func (m *memoryFlag) String() string { return string(*m) }

func (m *memoryFlag) Set(s string) error {
	*m = memoryFlag(s)
	return nil
}

// Type is what help texts call the value.
func (m *memoryFlag) Type() string { return "ADDR:LEN" }

// lookOptions say what to read or search memory for.
type lookOptions struct {
	raw           bool
	search, regex string
	kinds         []string
	prot          string
	limit         int
	// set says that a flag was given.
	set func(name string) bool
}

// defaultLimit is how many matches are printed unless --limit says otherwise.
const defaultLimit = 1000

// AddFlags declares the flags.
func (o *lookOptions) AddFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.raw, "raw", false, "with --memory ADDR:LEN: write the bytes as they are")
	f.StringVar(&o.search, "search", "", "search memory for `TEXT`")
	f.StringVar(&o.regex, "regex", "", "search memory for a regular `EXPRESSION`")
	f.StringSliceVar(&o.kinds, "kind", nil, "search only these `KINDS` of memory: anon, file, shared, stack, heap, vdso, vvar, vsyscall")
	f.StringVar(&o.prot, "prot", "", "search only memory with this `PROTECTION`, as rw- or r?xp")
	f.IntVar(&o.limit, "limit", defaultLimit, "stop after so many matches; 0 for never")
	o.set = f.Changed
}

// wanted says that there is something to search for.
func (o *lookOptions) wanted() bool { return o.set("search") || o.set("regex") }

// args checks the arguments: IMAGE, and the range of --memory where it stands apart.
func (o *dumpOptions) args(cmd *cobra.Command, args []string) error {
	at := o.rangeArg(args)
	ranged := at >= 0 || o.memory != "" && o.memory != memoryMap
	switch {
	case at >= 0:
	case len(args) == 2 && o.memory == memoryMap:
		return usage("neither %.60q nor %.60q is ADDR:LEN, as in 0x7ffd1000:256", args[0], args[1])
	default:
		if err := exactArgs(1, "IMAGE")(cmd, args); err != nil {
			return err
		}
	}
	for _, flag := range []string{"kind", "prot", "limit"} {
		if o.look.set(flag) && !o.look.wanted() {
			return usage("--%s goes with --search or --regex", flag)
		}
	}
	switch {
	case o.look.limit < 0:
		return usage("--limit %d: 0 and more can be asked for", o.look.limit)
	case o.look.raw && !ranged:
		return usage("--raw goes with --memory ADDR:LEN")
	case ranged && (o.tree || o.tasks || o.files || o.container || o.commands):
		return usage("--memory ADDR:LEN prints nothing else")
	}
	return nil
}

// image is the image among the arguments; a range that stands apart becomes the
// value of --memory.
func (o *dumpOptions) image(args []string) string {
	at := o.rangeArg(args)
	if at < 0 {
		return args[0]
	}
	o.memory = args[at]
	return args[1-at]
}

// rangeArg finds the range among two arguments after --memory without a value:
// flags cannot tell "--memory ADDR:LEN IMAGE" from "--memory IMAGE".
func (o *dumpOptions) rangeArg(args []string) int {
	if o.memory != memoryMap || len(args) != 2 {
		return -1
	}
	for i, arg := range args {
		if _, err := dump.ParseRange(arg); err == nil {
			return i
		}
	}
	return -1
}

// runLook reads or searches memory.
func runLook(ctx context.Context, a *app, opts dumpOptions, name string) (err error) {
	look, err := a.looker(opts)
	if err != nil {
		return err
	}
	img, err := a.open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, img.Close(), a.mentionFaults(ctx, img)) }()
	return dumpError(name, look(ctx, img.Image))
}

// looker makes what is asked for of the flags, before anything is opened.
func (a *app) looker(opts dumpOptions) (func(context.Context, *format.Image) error, error) {
	task := format.PID(opts.task)
	if opts.look.wanted() {
		s, err := opts.look.searching(task)
		if err != nil {
			return nil, fail(exitUsage, err)
		}
		return func(ctx context.Context, img *format.Image) error { return a.search(ctx, img, s) }, nil
	}
	r, err := dump.ParseRange(opts.memory)
	switch {
	case err != nil:
		return nil, fail(exitUsage, err)
	case opts.look.raw && a.json:
		return nil, usage("--raw and --json exclude each other")
	case opts.look.raw && a.streams.outTerm:
		return nil, usage("--raw does not write to a terminal: redirect it to a file or a pipe")
	}
	return func(ctx context.Context, img *format.Image) error {
		v, err := dump.NewViewer(img, task)
		if err != nil {
			return err
		}
		return a.view(ctx, v, r, opts.look.raw)
	}, nil
}

// view prints a range of memory.
func (a *app) view(ctx context.Context, v *dump.Viewer, r dump.Range, raw bool) error {
	out := bufio.NewWriterSize(a.streams.out, 64<<10)
	var err error
	switch {
	case raw:
		err = v.Raw(ctx, out, r, func(what string) error { return a.say("%s", what) })
	case a.json:
		err = v.JSON(ctx, out, r)
	default:
		err = v.Hex(ctx, out, r)
	}
	return errors.Join(err, out.Flush())
}

// say tells the user something beside the data.
func (a *app) say(form string, args ...any) error {
	_, err := fmt.Fprintf(a.streams.err, form+"\n", args...)
	return err
}

// searching makes a search of the flags.
func (o *lookOptions) searching(task format.PID) (dump.Search, error) {
	s := dump.Search{Task: task, Limit: o.limit}
	if o.set("search") && o.set("regex") {
		return s, fmt.Errorf("%w: --search and --regex exclude each other", dump.ErrPattern)
	}
	var err error
	if s.Filter, err = dump.NewFilter(o.kinds, o.prot); err != nil {
		return s, err
	}
	if o.set("regex") {
		s.Pattern, err = dump.Regexp(o.regex)
		return s, err
	}
	s.Pattern, err = dump.Text(o.search)
	return s, err
}

// search prints what a search finds. On a terminal progress is shown until
// something is found, as the two would overwrite each other.
func (a *app) search(ctx context.Context, img *format.Image, s dump.Search) error {
	total, err := dump.Extent(ctx, img)
	if err != nil {
		return err
	}
	meter := a.meter("searching memory", int64(min(total, 1<<62)))
	defer func() { meter.stop() }()
	s.Progress = func(n int) { meter.add(n) }
	out := dump.NewMatchText(a.streams.out, a.printing())
	if a.json {
		out = dump.NewMatchJSON(a.streams.out)
	}
	sum, err := s.Run(ctx, img, func(m dump.Match) error {
		if a.streams.outTerm {
			meter.stop()
			meter = nil
		}
		return out.Match(m)
	})
	if errors.Is(err, dump.ErrNoTask) {
		return err
	}
	if err = errors.Join(err, out.End(sum)); err != nil || a.json {
		return err
	}
	switch {
	case sum.Stopped:
		return a.say("stopped after %s; --limit 0 shows all", dump.Count(sum.Matches, "match", "matches"))
	case sum.Matches == 0:
		return a.say("nothing found in %s of memory", dump.Bytes(sum.Searched))
	}
	return nil
}
