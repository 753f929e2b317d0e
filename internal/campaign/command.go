package campaign

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// options are the flags of a campaign and of its workers.
type options struct {
	repo, shared, book, one, tell, join string
	cases, batch                        uint64
	workers, restores                   int
	// of workers.
	from, to uint64
	mark     string
	restorer bool
}

// Main is the program: it runs a campaign, or does one case, or is a worker of a
// campaign that runs the same program.
func Main(ctx context.Context, args []string, in io.Reader, out, talk io.Writer) error {
	var o options
	f := flag.NewFlagSet("campaign", flag.ContinueOnError)
	f.SetOutput(talk)
	f.StringVar(&o.repo, "repo", ".", "the repository, for its testdata")
	f.StringVar(&o.shared, "shared", "../shared/images", "a folder of real images, if there is one")
	f.StringVar(&o.book, "book", "", "file of results, to go on where a campaign was; none if empty")
	f.StringVar(&o.one, "case", "", "do this case alone and say what becomes of it")
	f.StringVar(&o.tell, "outcomes", "", "file for the outcome of each restore")
	f.StringVar(&o.join, "join", "", "print what these books, with commas between, say together, and keep it as -book")
	f.Uint64Var(&o.cases, "cases", 2000, "number of cases in all")
	f.Uint64Var(&o.batch, "batch", 2500, "cases of one worker process")
	f.IntVar(&o.workers, "workers", 2, "worker processes side by side")
	f.IntVar(&o.restores, "restores", 0, "how many of those without an error to restore")
	f.Uint64Var(&o.from, "from", 0, "of a worker: first case")
	f.Uint64Var(&o.to, "to", 0, "of a worker: the case behind the last")
	f.StringVar(&o.mark, "mark", "", "of a worker: file with the number of the case being done")
	f.BoolVar(&o.restorer, "restorer", false, "of a worker: restore the cases on standard input")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.join != "" {
		return join(strings.Split(o.join, ","), o.book, out)
	}
	c, err := Load(ctx, o.repo, o.shared)
	if err != nil {
		return err
	}
	switch {
	case o.mark != "":
		book, err := Work(ctx, c, o.from, o.to, o.mark, DefaultLimits())
		if err != nil {
			return err
		}
		return writeJSON(out, book)
	case o.restorer:
		var cases []Case
		if err := json.NewDecoder(in).Decode(&cases); err != nil {
			return err
		}
		return RestoreAll(ctx, c, cases, out)
	}
	return o.campaign(ctx, c, out, talk)
}

// join sums up books, for the records: without samples.
func join(names []string, to string, out io.Writer) error {
	sum := &Book{}
	for _, name := range names {
		b, err := ReadBook(name)
		if err != nil {
			return err
		}
		sum.Add(b)
		sum.Images = max(sum.Images, b.Images)
	}
	sum.Samples, sum.Next = nil, 0
	if to != "" {
		if err := sum.Write(to); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%s\n%s", sum.Table(), sum.Summary())
	return err
}

func writeJSON(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }

// worker makes the command of a worker: this program.
func (o *options) worker(self string) func(context.Context, ...string) *exec.Cmd {
	return func(ctx context.Context, args ...string) *exec.Cmd {
		return exec.CommandContext(ctx, self, append([]string{"-repo", o.repo, "-shared", o.shared}, args...)...)
	}
}

// campaign does all cases, restores some, and prints what was found.
func (o *options) campaign(ctx context.Context, c *Corpus, out, talk io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	worker := o.worker(self)
	restorer := &Restorer{
		Worker:  func(ctx context.Context) *exec.Cmd { return worker(ctx, "-restorer") },
		Silence: 2 * time.Minute, Batch: 100, Log: talk,
		User: func(k Case) bool {
			m := c.Image(k.Image)
			return m != nil && strings.HasPrefix(m.World, string(LinuxCR))
		},
	}
	if o.one != "" {
		return replay(ctx, c, o.one, restorer, o.restores > 0, out)
	}
	dir, err := os.MkdirTemp("", "thaw-campaign-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a leftover in the temporary directory
	run := &Campaign{
		Corpus: c, Workers: o.workers, Batch: o.batch, Path: o.book, Dir: dir, Log: talk, BatchLimit: time.Hour,
		Worker: func(ctx context.Context, from, to uint64, mark string) *exec.Cmd {
			return worker(ctx, "-mark", mark, "-from", strconv.FormatUint(from, 10), "-to", strconv.FormatUint(to, 10))
		},
	}
	book, err := run.Run(ctx, o.cases)
	if err != nil {
		return err
	}
	if err := o.restore(ctx, restorer, book); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s\n%s", book.Table(), book.Summary()); err != nil {
		return err
	}
	if len(book.Failed) > 0 {
		return fmt.Errorf("%d cases failed", len(book.Failed))
	}
	return nil
}

// restore restores samples, if asked for and not yet done.
func (o *options) restore(ctx context.Context, r *Restorer, book *Book) error {
	if book.Restores.Cases >= o.restores {
		return nil
	}
	if o.tell != "" {
		f, err := os.OpenFile(o.tell, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // the book counts
		enc := json.NewEncoder(f)
		r.Seen = func(x Outcome) { _ = enc.Encode(x) }
	}
	part, err := r.Run(ctx, Spread(book.Samples, o.restores))
	if err != nil {
		return err
	}
	book.Add(part)
	if o.book != "" {
		return book.Write(o.book)
	}
	return nil
}

// replay does one case in this process, and restores it if that is wanted.
func replay(ctx context.Context, c *Corpus, name string, r *Restorer, too bool, out io.Writer) error {
	k, err := ParseCase(name)
	if err != nil {
		return err
	}
	m, err := c.Mutate(k)
	if err != nil {
		return err
	}
	begin := time.Now()
	v, err := Examine(ctx, m, k.Seed)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s: %s in %v\n", k, v, time.Since(begin)); err != nil || !too {
		return err
	}
	r.Seen = func(o Outcome) { _ = json.NewEncoder(out).Encode(o) }
	book, err := r.Run(ctx, []Case{k})
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(out, book.Summary())
	return err
}
