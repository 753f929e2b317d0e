package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/internal/legible"
	"github.com/thaw-cr/thaw/validate"
)

// exitCode is what the process ends with; the codes are interface.
type exitCode int

const (
	exitOK          exitCode = 0
	exitInvalid     exitCode = 1
	exitUsage       exitCode = 2
	exitHost        exitCode = 3
	exitFailed      exitCode = 4
	exitIO          exitCode = 5
	exitInterrupted exitCode = 130
)

// exitWords say what the codes mean, for help texts.
var exitWords = map[exitCode]string{
	exitOK:          "success",
	exitInvalid:     "the image is invalid",
	exitUsage:       "wrong usage",
	exitHost:        "this host cannot hold the image; nothing was created",
	exitFailed:      "the capture or restore failed; nothing is left behind",
	exitIO:          "input or output error",
	exitInterrupted: "interrupted",
}

// exitHelp is the section on exit status of a help text, indented so that manual
// pages keep its lines.
func exitHelp(codes ...exitCode) string {
	var b strings.Builder
	b.WriteString("\n\nExit status:\n\n")
	for _, c := range codes {
		fmt.Fprintf(&b, "    %-4d %s\n", c, exitWords[c])
	}
	return strings.TrimRight(b.String(), "\n")
}

// A failure is an error with the exit code it leads to.
type failure struct {
	code     exitCode
	err      error
	hint     string             // what to do instead; may be empty
	findings []validate.Finding // printed before the message
	told     bool               // stdout has said it all already
}

var _ error = (*failure)(nil)

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// fail makes a failure of an error.
func fail(code exitCode, err error) error { return &failure{code: code, err: err} }

// ioError makes a failure of an error in reading; an interruption stays one, and a
// failure the one that it is.
func ioError(err error) error {
	if _, ok := errors.AsType[*failure](err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	return fail(exitIO, err)
}

// usage makes a failure of wrong usage.
func usage(form string, args ...any) error { return fail(exitUsage, fmt.Errorf(form, args...)) }

// found makes a failure of findings, of which at least one is an error.
func found(code exitCode, what string, findings []validate.Finding) error {
	return &failure{code: code, err: fmt.Errorf("%s: %s", what, validate.Count(findings)), findings: findings}
}

// output makes a failure of an error in writing to stdout. That nobody reads on
// is a failure, but not worth a word.
func output(err error) error {
	if err == nil {
		return nil
	}
	return &failure{code: exitIO, err: err, told: errors.Is(err, syscall.EPIPE)}
}

// cobraFailure makes a failure of an error that cobra found: in the arguments, or
// in writing what completes them.
func cobraFailure(err error) *failure {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return &failure{code: exitIO, err: err, told: errors.Is(err, syscall.EPIPE)}
	}
	return &failure{code: exitUsage, err: err}
}

// status is the exit code of a restored root: it ends the command in silence.
type status int

func (s status) Error() string { return fmt.Sprintf("the root ended with status %d", int(s)) }

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// classify finds the exit code of an error of a command that is no failure yet:
// those of input and output are, so what is left comes from the engine.
func classify(ctx context.Context, err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return &failure{code: f.code, err: err, hint: f.hint, findings: f.findings, told: f.told}
	}
	if errors.Is(context.Cause(ctx), errInterrupted) {
		return &failure{code: exitInterrupted, err: errInterrupted}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &failure{code: exitFailed, err: err, hint: "--timeout gives it more time"}
	}
	if _, ok := errors.AsType[*codec.FormatError](err); ok || errors.Is(err, codec.ErrUnknownFormat) {
		return &failure{code: exitInvalid, err: err, findings: validate.FromError(err)}
	}
	return &failure{code: exitFailed, err: err}
}

// runE adapts a command's function to cobra, so that whatever comes out of it
// has an exit code. What cobra itself returns is wrong usage.
func runE(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if s, ok := errors.AsType[status](err); ok {
			return s
		}
		if err == nil {
			return nil
		}
		return classify(cmd.Context(), err)
	}
}

// errorJSON is the object that --json prints to stderr for an error.
type errorJSON struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Message  string             `json:"message"`
	Hint     string             `json:"hint,omitempty"`
	ExitCode int                `json:"exit_code"`
	Findings []validate.Finding `json:"findings,omitempty"`
}

// report prints an error once and gives the exit code.
func (a *app) report(cmd *cobra.Command, args []string, err error) exitCode {
	if err == nil {
		return exitOK
	}
	if s, ok := errors.AsType[status](err); ok {
		return exitCode(s)
	}
	f, ok := errors.AsType[*failure](err)
	if !ok { // cobra's own
		f = cobraFailure(err)
	}
	if f.told {
		return f.code
	}
	if f.code == exitUsage && f.hint == "" && cmd != nil {
		f.hint = "see " + cmd.CommandPath() + " --help"
	}
	if a.json || slices.Contains(args, "--json") {
		body := errorBody{Message: f.Error(), Hint: f.hint, ExitCode: int(f.code), Findings: f.findings}
		if writeJSON(a.streams.err, errorJSON{body}) == nil {
			return f.code
		}
	}
	if len(f.findings) > 0 {
		if err := validate.Text(a.streams.err, f.findings, validate.TextOptions{Color: a.streams.errColor()}); err != nil {
			return exitIO
		}
	}
	said := "thaw: " + oneLine(f.Error()) + "\n"
	if f.hint != "" {
		said += "  " + f.hint + "\n"
	}
	if _, err := io.WriteString(a.streams.err, said); err != nil {
		return exitIO
	}
	return f.code
}

// oneLine makes an error fit to be shown: errors quote names of images.
func oneLine(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = dump.Clean(lines[i])
	}
	return strings.Join(lines, "\n  ")
}

// writeJSON writes v as one indented document.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(legible.NewWriter(w))
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
