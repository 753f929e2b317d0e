// Command run feeds the corpus of malformed images to any command and tabulates
// what becomes of it:
//
//	go run ./internal/malformed/run -- thaw validate {}
//
// {} stands for the path of each vector, a file or a directory; it is put at the
// end if there is none. The exit code is 1 if the command crashed or hung on any
// of them, and 2 if the runner was used wrongly.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) //nolint:forbidigo // this is main
}

// Exit codes.
const (
	exitOK, exitBroken, exitUsage = 0, 1, 2
)

func run(args []string, out, errs io.Writer) int {
	o := options{}
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&o.corpus, "corpus", "testdata/malformed", "`folder` of the corpus")
	f.DurationVar(&o.timeout, "timeout", 10*time.Second, "time for each vector; more is a hang")
	f.IntVar(&o.memory, "memory", 4096, "address space of the command in `MiB`; 0 for no limit")
	f.StringVar(&o.formats, "formats", "", "only these formats, with commas between them")
	f.StringVar(&o.only, "only", "", "only vectors whose name matches the `regexp`")
	f.StringVar(&o.crash, "crash", defaultCrash, "`regexp` of what a command writes to stderr when it crashes")
	f.StringVar(&o.rejected, "rejected", "", "`regexp` of what a command that always succeeds writes when it refuses an image")
	f.BoolVar(&o.json, "json", false, "print JSON, with every outcome")
	f.BoolVar(&o.verbose, "v", false, "tell each outcome to stderr")
	f.Usage = func() {
		fmt.Fprintf(errs, "usage: run [flags] -- COMMAND [ARGUMENT | {}]...\n") //nolint:errcheck // nothing else can be told
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return exitUsage
	}
	o.command = f.Args()
	if len(o.command) == 0 {
		f.Usage()
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r, err := o.feed(ctx, errs)
	if err == nil {
		err = r.print(out, o.json)
	}
	if err != nil {
		fmt.Fprintf(errs, "run: %v\n", err) //nolint:errcheck // nothing else can be told
		return exitUsage
	}
	if r.Total.Crash+r.Total.Hang > 0 {
		return exitBroken
	}
	return exitOK
}

// options are the flags.
type options struct {
	corpus, formats, only, crash, rejected string
	timeout                                time.Duration
	memory                                 int
	json, verbose                          bool
	command                                []string
}

// defaultCrash are the words of runtimes and sanitizers.
const defaultCrash = `(?m)^panic: |^fatal error: |^runtime: (out of memory|goroutine stack exceeds)|AddressSanitizer|UndefinedBehaviorSanitizer|^thread '.*' panicked|^Segmentation fault|stack overflow|MemoryError`

func compile(expr string) (*regexp.Regexp, error) {
	if expr == "" {
		return nil, nil //nolint:nilnil // none
	}
	return regexp.Compile(expr)
}
