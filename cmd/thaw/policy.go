package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/policy"
)

// policyOptions name the policy that containers are judged by.
type policyOptions struct {
	// policyFile is a YAML document; empty for the strict policy.
	policyFile string
}

// addPolicyFlag declares the flag.
func (o *policyOptions) addPolicyFlag(f *pflag.FlagSet) {
	f.StringVar(&o.policyFile, "policy", "", "judge the container of a checkpoint by the policy in `FILE` instead of the strict one that thaw policy prints")
}

// usePolicy reads the policy, for all images that are opened from then on.
func (a *app) usePolicy(ctx context.Context, o policyOptions) error {
	if o.policyFile == "" {
		a.policyUsed = validate.PolicyUsed{BuiltIn: "strict", SHA256: digestOf(policy.StrictYAML)}
		return nil
	}
	p, document, err := a.readPolicy(ctx, o.policyFile)
	a.policy = p
	a.policyUsed = validate.PolicyUsed{File: o.policyFile, SHA256: digestOf(document)}
	return err
}

// digestOf is the SHA-256 of a document in hexadecimal.
func digestOf(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}

// readPolicy reads a policy and gives its document, too. One that is none is
// wrong usage.
func (a *app) readPolicy(ctx context.Context, name string) (*policy.Policy, []byte, error) {
	f, closeInput, err := a.openInput(ctx, name)
	if err != nil {
		return nil, nil, ioError(err)
	}
	document, err := io.ReadAll(io.LimitReader(newWaitingReader(ctx, f), policy.MaxDocument+1))
	if err = errors.Join(err, closeInput()); err != nil {
		return nil, nil, ioError(err)
	}
	p, err := validate.ParsePolicy(dump.Clean(name), document)
	if err != nil {
		return nil, nil, &failure{code: exitUsage, err: err, hint: "spec/policy.schema.json describes policies, and thaw policy prints one"}
	}
	return p, document, nil
}

// policyLimits are the bounds of reading that a policy sets.
func policyLimits(p *policy.Policy) codec.Limits {
	if p == nil { // the strict one has the defaults
		return codec.Limits{}
	}
	return codec.Limits{Spool: p.Limit(policy.ArchiveSize), Members: p.Limit(policy.Members), Ratio: p.Limit(policy.Ratio)}
}

func newPolicyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "policy [FILE]",
		Short: "Print the strict policy, or check one",
		Long: `Policy prints the policy by which validate, restore, convert and dump judge what the
checkpoint of a container would make an engine do to its host: a YAML document
with the severity of each rule, limits, and lists of what may and may not be.
One of your own needs to say only what is different; docs/gate.md tells how.

With FILE it reads that policy and says what is wrong with it.` + exitHelp(exitOK, exitUsage, exitIO),
		Example: "  thaw policy > mine.yaml\n  thaw policy mine.yaml\n  thaw validate --policy mine.yaml checkpoint.tar",
		Args:    oneArgAtMost("FILE"),
		RunE:    runE(func(cmd *cobra.Command, args []string) error { return runPolicy(cmd.Context(), a, args) }),
	}
}

func runPolicy(ctx context.Context, a *app, args []string) error {
	document := policy.StrictYAML
	if len(args) > 0 {
		var err error
		if _, document, err = a.readPolicy(ctx, args[0]); err != nil {
			return err
		}
	}
	switch {
	case a.json:
		v, err := policy.Value(document)
		if err != nil {
			return fail(exitUsage, err)
		}
		return output(writeJSON(a.streams.out, v))
	case len(args) > 0:
		_, err := fmt.Fprintf(a.streams.out, "%s: a policy\n", dump.Clean(args[0]))
		return output(err)
	}
	_, err := a.streams.out.Write(document)
	return output(err)
}
