package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/thaw-cr/thaw/internal/malformed"
)

// feeder runs a command on vectors.
type feeder struct {
	options
	crashed, refused, chosen *regexp.Regexp
}

// feeder compiles what the options say.
func (o *options) feeder() (*feeder, error) {
	f := &feeder{options: *o}
	for _, e := range []struct {
		expr string
		to   **regexp.Regexp
	}{{o.crash, &f.crashed}, {o.rejected, &f.refused}, {o.only, &f.chosen}} {
		var err error
		if *e.to, err = compile(e.expr); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// feed runs the command on all vectors that were asked for.
func (o *options) feed(ctx context.Context, log io.Writer) (*report, error) {
	f, err := o.feeder()
	if err != nil {
		return nil, err
	}
	corpus, err := malformed.Open(os.DirFS(o.corpus))
	if err != nil {
		return nil, err
	}
	r := &report{Command: o.command, Timeout: o.timeout.String(), MemoryMiB: o.memory}
	for _, bases := range []bool{true, false} {
		list := corpus.Vectors()
		if bases {
			list = corpus.BaseVectors()
		}
		for v, err := range list {
			if err == nil {
				err = f.tell(ctx, v, bases, r, log)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// tell runs the command on a vector, if it was asked for, and adds what comes of
// it to the report.
func (f *feeder) tell(ctx context.Context, v *malformed.Vector, base bool, r *report, log io.Writer) error {
	if !f.wants(v) {
		return nil
	}
	res, err := f.one(ctx, v)
	if err != nil {
		return err
	}
	if f.verbose {
		fmt.Fprintf(log, "%-8s %s %s\n", res.Outcome, v.Name, res.Detail) //nolint:errcheck // talk
	}
	r.add(v, res, base)
	return nil
}

func (f *feeder) wants(v *malformed.Vector) bool {
	return (f.formats == "" || slices.Contains(strings.Split(f.formats, ","), v.Format)) &&
		(f.chosen == nil || f.chosen.MatchString(v.Name))
}

// one runs the command on one vector, in a folder of its own.
func (f *feeder) one(ctx context.Context, v *malformed.Vector) (result, error) {
	dir, err := os.MkdirTemp("", "malformed-*")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	path, err := v.Write(dir)
	if err != nil {
		return result{}, err
	}
	res, err := f.exec(ctx, path)
	res.Name = v.Name
	return res, err
}

// limited runs its arguments from the second on with a limit of the address
// space in KiB, which is its first: sh(1) has the limit everywhere, and it holds
// for what the command starts.
const limited = `ulimit -v "$1" && shift && exec "$@"`

// maxTold is how much of what a command writes to stderr is looked at.
const maxTold = 1 << 20

// exec runs the command on a path.
func (f *feeder) exec(ctx context.Context, path string) (result, error) {
	args := slices.Clone(f.command)
	if !slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, "{}") }) {
		args = append(args, "{}")
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{}", path)
	}
	if f.memory > 0 {
		args = append([]string{"sh", "-c", limited, "sh", strconv.Itoa(f.memory << 10)}, args...)
	}
	timed, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	told := &head{limit: maxTold}
	cmd := exec.CommandContext(timed, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = told, told, os.TempDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return result{}, ctx.Err()
	case timed.Err() != nil:
		return result{Outcome: hang, Detail: "killed after " + f.timeout.String()}, nil
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited && !errors.Is(err, exec.ErrWaitDelay) {
		return result{}, err
	}
	return f.judge(cmd.ProcessState, told.Bytes()), nil
}

// judge says what an exit status and the last words mean.
func (f *feeder) judge(s *os.ProcessState, told []byte) result {
	status, _ := s.Sys().(syscall.WaitStatus)
	const shellSignal = 128
	switch code := s.ExitCode(); {
	case status.Signaled():
		return result{Outcome: crash, Detail: status.Signal().String()}
	case code > shellSignal && code <= shellSignal+64:
		return result{Outcome: crash, Detail: syscall.Signal(code - shellSignal).String()}
	case f.crashed != nil && f.crashed.Match(told):
		return result{Outcome: crash, Detail: line(f.crashed, told)}
	case code != 0:
		return result{Outcome: failed, Detail: fmt.Sprintf("exit code %d", code)}
	case f.refused != nil && f.refused.Match(told):
		return result{Outcome: failed, Detail: line(f.refused, told)}
	}
	return result{Outcome: accepted}
}

// line is the line that an expression is found in.
func line(expr *regexp.Regexp, text []byte) string {
	at := expr.FindIndex(text)
	rest := text[at[0]:]
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	return string(rest[:min(len(rest), 200)])
}

// head keeps the first bytes written to it.
type head struct {
	bytes.Buffer
	limit int
}

// Write takes what there is room for.
func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), max(0, h.limit-h.Len()))])
	return len(p), nil
}
