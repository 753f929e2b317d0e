package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

func newExplainCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Say what a finding's code means, or list all codes",
		Long: `Explain says what the code of a finding means: what is wrong, why it matters,
an example and what to do. Without a code it lists them all.` + exitHelp(exitOK, exitUsage, exitIO),
		Example: "  thaw explain H008\n  thaw explain --json",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
			return completeCodes(prefix), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runE(func(_ *cobra.Command, args []string) error { return runExplain(a, args) }),
	}
}

func completeCodes(prefix string) []string {
	var codes []string
	for _, r := range validate.Rules() {
		if strings.HasPrefix(r.Code, strings.ToUpper(prefix)) {
			codes = append(codes, r.Code+"\t"+r.Title)
		}
	}
	return codes
}

func runExplain(a *app, args []string) error {
	if len(args) == 0 {
		return explainAll(a)
	}
	r, ok := validate.Lookup(strings.ToUpper(args[0]))
	if !ok {
		return &failure{
			code: exitUsage, err: fmt.Errorf("no rule has the code %.40q", args[0]),
			hint: "thaw explain lists all codes",
		}
	}
	if a.json {
		return output(writeJSON(a.streams.out, r))
	}
	return output(validate.Explain(a.streams.out, r))
}

func explainAll(a *app) error {
	rules := validate.Rules()
	if a.json {
		return output(writeJSON(a.streams.out, rules))
	}
	table := dump.NewTable("CODE", "SEVERITY", "TITLE")
	for _, r := range rules {
		table.Add(r.Code, string(r.Severity), r.Title)
	}
	return output(table.Write(a.streams.out, a.printing()))
}
