package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/validate"
)

// validateOptions say how much of an image is judged. What belongs to one judge
// stands in a struct of its own beside the judge, which is embedded here.
type validateOptions struct {
	// verify reads all pages against their digests.
	verify bool
}

// AddFlags declares the flags.
func (o *validateOptions) AddFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.verify, "verify", true, "read all pages and check them against their digests")
}

func newValidateCommand(a *app) *cobra.Command {
	var opts validateOptions
	cmd := &cobra.Command{
		Use:   "validate IMAGE",
		Short: "Judge an image and print every finding",
		Long: `Validate judges an image: its bytes, the tree and its state, and whether a plan
to restore it exists. All findings are printed, not the first; explain says what
a code means. An image with an error is invalid, warnings and notes are not
held against it. Nothing is asked of this host: restore --dry-run does that.` +
			exitHelp(exitOK, exitInvalid, exitUsage, exitIO, exitInterrupted),
		Example: "  thaw validate tree.thaw\n  thaw validate --json - < tree.thaw",
		Args:    exactArgs(1, "IMAGE"),
		RunE: runE(func(cmd *cobra.Command, args []string) error {
			return runValidate(cmd.Context(), a, &opts, args[0])
		}),
	}
	opts.AddFlags(cmd.Flags())
	return cmd
}

func runValidate(ctx context.Context, a *app, opts *validateOptions, name string) error {
	findings, err := a.judge(ctx, opts, name)
	if err != nil {
		return err
	}
	if err := a.printFindings(opts, name, findings); err != nil {
		return output(err)
	}
	if code := verdictCode(findings); code != exitOK {
		return &failure{code: code, err: fmt.Errorf("%s: %s", name, validate.Count(findings)), told: true}
	}
	return nil
}

// verdictCode is the exit code that findings lead to: an image that is wrong in
// itself is invalid, whatever the host says of it.
func verdictCode(findings []validate.Finding) exitCode {
	code := exitOK
	for i := range findings {
		switch f := &findings[i]; {
		case f.Severity != validate.Error:
		case aboutHost(f.Code):
			code = exitHost
		default:
			return exitInvalid
		}
	}
	return code
}

// aboutHost says whether a finding of a code is about a machine and not about
// the image.
func aboutHost(code string) bool { return len(code) > 1 && code[:2] == "X2" }
