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
	// verify says what pages are held against.
	verify verifyFlag
	// modes are the ways to restore that a plan is asked for.
	modes []string
	policyOptions
	hostOptions
	reportOptions
}

// AddFlags declares the flags.
func (o *validateOptions) AddFlags(f *pflag.FlagSet) {
	o.verify = verifyDigests
	f.Var(&o.verify, "verify", "read all pages and check them against their digests, or checksums, which takes a tenth of the time and finds what accidents do; or none")
	f.Lookup("verify").NoOptDefVal = string(verifyDigests)
	f.StringSliceVar(&o.modes, "mode", nil, "ask for a plan to restore it this `WAY`: inplace, pidns, remap or all; repeatable (default the one that its numbers ask for)")
	o.addPolicyFlag(f)
	o.addHostFlags(f)
	o.reportOptions.AddFlags(f)
}

func newValidateCommand(a *app) *cobra.Command {
	var opts validateOptions
	cmd := &cobra.Command{
		Use:   "validate IMAGE",
		Short: "Judge an image and print every finding",
		Long: `Validate judges an image: its bytes, the tree and its state, and whether a plan
to restore it exists. All findings are printed, not the first; explain says what
a code means. An image with an error is invalid, warnings and notes are not
held against it.

With --host this host is asked too whether it can hold the image: all that a
restore would ask and more, and nothing is created. --host-facts asks the host
that a file of thaw host-facts describes; what that does not tell is said, as a
note. Of a directory of such files a table says which hosts can hold the image;
it is enough for exit status 0 that one can, or may as far as is known.

Findings can be left out, by --only, --ignore and --baseline. Errors that were
left out do not count for the exit code, but the image is not called valid then,
and restore still refuses it: it takes none of these flags. What keeps an image
from being read cannot be left out. --severity leaves out lines, no more.` +
			exitHelp(exitOK, exitInvalid, exitUsage, exitHost, exitIO, exitInterrupted),
		Example: "  thaw validate tree.thaw\n  thaw validate --json - < tree.thaw\n" +
			"  thaw validate --mode all --fail-on warning tree.thaw\n  thaw validate --sarif --baseline known.json tree.tar > tree.sarif",
		Args: opts.imageArg,
		RunE: runE(func(cmd *cobra.Command, args []string) error {
			return runValidate(cmd.Context(), a, &opts, args[0])
		}),
	}
	opts.AddFlags(cmd.Flags())
	a.access.AddFlags(cmd.Flags())
	completeValidate(cmd)
	return cmd
}

func runValidate(ctx context.Context, a *app, opts *validateOptions, name string) error {
	if err := a.usePolicy(ctx, opts.policyOptions); err != nil {
		return err
	}
	q, err := newInquiry(ctx, a, opts, name)
	if err != nil {
		return err
	}
	if err := q.ask(ctx); err != nil {
		return err
	}
	if err := q.keepBaseline(); err != nil {
		return err
	}
	r := q.report()
	if q.nodes != nil && r.Verdict != validate.Invalid {
		return q.printNodes()
	}
	if err := q.print(&r); err != nil {
		return output(err)
	}
	if code := verdicts[r.Verdict].code; code != exitOK {
		return &failure{code: code, err: fmt.Errorf("%s: %s", name, validate.Count(r.Findings)), told: true}
	}
	return nil
}
