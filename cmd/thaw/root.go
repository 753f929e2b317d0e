package main

import (
	"github.com/spf13/cobra"
)

func newRootCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "thaw",
		Short: "Capture a living process tree, judge and show its image, bring it back",
		Long: `Thaw captures a living process tree into an image, judges and shows images,
and brings the tree back: same numbers, same memory, same open files.

IMAGE is a file, a directory or an archive, compressed or not, or - for standard
input. Data goes to standard output, talk to standard error; --json makes
documents of both, described in spec/.` +
			exitHelp(exitOK, exitInvalid, exitUsage, exitHost, exitFailed, exitIO, exitInterrupted),
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          runE(func(cmd *cobra.Command, _ []string) error { return cmd.Help() }),
	}
	cmd.SetIn(a.streams.in)
	cmd.SetOut(a.streams.out)
	cmd.SetErr(a.streams.err)
	cmd.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON documents")
	cmd.AddCommand(
		newCaptureCommand(a),
		newValidateCommand(a),
		newDumpCommand(a),
		newConvertCommand(a),
		newRestoreCommand(a),
		newSealCommand(a),
		newHostFactsCommand(a),
		newFormatsCommand(a),
		newExplainCommand(a),
		newPolicyCommand(a),
		newVersionCommand(a),
	)
	return cmd
}

// oneArgAtMost asks for an argument or none.
func oneArgAtMost(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usage("%d arguments given, wanted: %s, or none", len(args), name)
		}
		return nil
	}
}

// exactArgs asks for n arguments and names them if they are not there.
func exactArgs(n int, names string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0 && n > 0:
			return usage("no argument is given, wanted: %s", names)
		case len(args) != n:
			return usage("%d arguments given, wanted: %s", len(args), names)
		}
		return nil
	}
}
