// Ledger reads the events of `go test -json` and prints what a person wants to
// know of a run: a line for each package, the output of what failed, every
// skipped test with the reason it gave, and the sums. It exits with status 1 if
// anything failed, did not build, or the events stop in the middle.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of go test -json (go doc test2json; build events: go help
// buildjson).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build events
	Test       string
	Elapsed    float64
	Output     string
}

// name identifies a package (empty Test) or a test.
type name struct{ pkg, test string }

// ledger is what is known so far.
type ledger struct {
	out     io.Writer
	output  map[name][]string
	running map[name]bool
	passed  map[string]int
	skips   []skip
	sums    struct{ passed, failed, skipped int }
	broken  bool // a package failed, with or without a failing test
}

type skip struct {
	name
	reason string
}

func main() {
	ok, err := run(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ledger:", err)
	}
	if err != nil || !ok {
		os.Exit(1) //nolint:forbidigo // the one exit
	}
}

// run reads all events and says whether everything passed.
func run(in io.Reader, out io.Writer) (bool, error) {
	l := &ledger{out: out, output: map[name][]string{}, running: map[name]bool{}, passed: map[string]int{}}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			l.line(line)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return false, fmt.Errorf("read events: %w", err)
		}
	}
	l.finish()
	return !l.broken && l.sums.failed == 0, nil
}

// line takes one line; what is no event is talk of the go command itself.
func (l *ledger) line(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		l.broken = true
		fmt.Fprintf(l.out, "%s", line)
		return
	}
	n := name{e.Package, e.Test}
	switch e.Action {
	case "start", "run":
		l.running[n] = true
	case "output":
		l.output[n] = append(l.output[n], e.Output)
	case "build-output":
		fmt.Fprint(l.out, e.Output)
	case "build-fail":
		l.broken = true
	case "pass", "fail", "skip":
		l.end(n, e)
	}
}

// end settles one test or package.
func (l *ledger) end(n name, e event) {
	delete(l.running, n)
	switch {
	case n.test == "":
		l.endPackage(n, e)
	case e.Action == "pass":
		l.sums.passed++
		l.passed[n.pkg]++
	case e.Action == "skip":
		l.sums.skipped++
		l.skips = append(l.skips, skip{n, reason(l.output[n])})
	default:
		l.sums.failed++
		fmt.Fprintf(l.out, "FAIL %s %s (%.1fs)\n%s", n.pkg, n.test, e.Elapsed, said(l.output[n]))
	}
	delete(l.output, n)
}

func (l *ledger) endPackage(n name, e event) {
	switch {
	case e.Action == "fail":
		l.broken = true
		fmt.Fprintf(l.out, "FAIL %s (%.1fs)\n%s", n.pkg, e.Elapsed, said(l.output[n]))
	case e.Action == "skip":
		fmt.Fprintf(l.out, "none %s\n", n.pkg)
	default:
		fmt.Fprintf(l.out, "ok   %s (%.1fs, %d tests)\n", n.pkg, e.Elapsed, l.passed[n.pkg])
	}
}

// said is a test's output without the frame that go test puts around it.
func said(output []string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.Join(output, "")) {
		if t := strings.TrimSpace(line); !strings.HasPrefix(t, "=== ") && !strings.HasPrefix(t, "--- ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// reason is what a skipped test said, in one line.
func reason(output []string) string {
	words := strings.Fields(said(output))
	if len(words) == 0 {
		return "no reason given"
	}
	return strings.Join(words, " ")
}

// finish reports what never ended, the skips and the sums.
func (l *ledger) finish() {
	for n := range l.running {
		l.broken = true
		fmt.Fprintf(l.out, "FAIL %s %s: did not end\n%s", n.pkg, n.test, said(l.output[n]))
	}
	if len(l.skips) > 0 {
		fmt.Fprintf(l.out, "\nSkipped, and why:\n")
	}
	for _, s := range l.skips {
		fmt.Fprintf(l.out, "  %s %s: %s\n", s.pkg, s.test, s.reason)
	}
	fmt.Fprintf(l.out, "\n%d passed, %d failed, %d skipped\n", l.sums.passed, l.sums.failed, l.sums.skipped)
}
