package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// validateOptions say how much of an image is judged.
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
			return runValidate(cmd.Context(), a, opts, args[0])
		}),
	}
	opts.AddFlags(cmd.Flags())
	return cmd
}

func runValidate(ctx context.Context, a *app, opts validateOptions, name string) error {
	findings, err := a.judge(ctx, opts, name)
	if err != nil {
		return err
	}
	if a.json {
		err = validate.JSON(a.streams.out, validate.NewReport(name, findings))
	} else {
		err = a.printFindings(opts, name, findings)
	}
	switch {
	case err != nil:
		return output(err)
	case validate.HasErrors(findings):
		return &failure{code: exitInvalid, err: fmt.Errorf("%s is invalid", name), told: true}
	}
	return nil
}

// judge finds all that can be found. An error is one of reading, not of the
// image.
func (a *app) judge(ctx context.Context, opts validateOptions, name string) (findings []validate.Finding, err error) {
	img, err := a.open(ctx, name)
	if err != nil {
		return findingsOf(err)
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	findings = img.findings(ctx)
	if err := ctx.Err(); err != nil { // what was found is not all
		return nil, err
	}
	if opts.verify {
		bad, err := findingsOf(a.readPages(ctx, img, img.Verify))
		if err != nil {
			return nil, err
		}
		findings = append(findings, bad...)
	}
	return findings, nil
}

// findingsOf takes the findings out of an error about a bad image; other errors
// stay errors.
func findingsOf(err error) ([]validate.Finding, error) {
	if f, ok := errors.AsType[*failure](err); ok && len(f.findings) > 0 {
		return f.findings, nil
	}
	return nil, err
}

// printFindings prints findings and a summary line.
func (a *app) printFindings(opts validateOptions, name string, findings []validate.Finding) error {
	if err := validate.Text(a.streams.out, findings, validate.TextOptions{Color: a.streams.outColor()}); err != nil {
		return err
	}
	verdict := "valid"
	if validate.HasErrors(findings) {
		verdict = "invalid"
	}
	unread := ""
	if !opts.verify {
		unread = " (pages not read)"
	}
	_, err := fmt.Fprintf(a.streams.out, "%s: %s, %s%s\n", dump.Clean(name), verdict, validate.Count(findings), unread)
	return err
}
