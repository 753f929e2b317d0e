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
an example and what to do. The letter of a family, like H or X2, lists the
family's codes. Without a code it lists them all.` + exitHelp(exitOK, exitUsage, exitIO),
		Example: "  thaw explain H008\n  thaw explain X2\n  thaw explain --json",
		Args:    oneArgAtMost("CODE"),
		ValidArgsFunction: func(_ *cobra.Command, given []string, prefix string) ([]string, cobra.ShellCompDirective) {
			if len(given) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completeFamiliesAndCodes(prefix), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runE(func(_ *cobra.Command, args []string) error { return runExplain(a, args) }),
	}
}

// completeFamiliesAndCodes completes a code: families first, until one is chosen.
func completeFamiliesAndCodes(prefix string) []string {
	prefix = strings.ToUpper(prefix)
	var found []string
	for _, f := range validate.Families() {
		if strings.HasPrefix(f.Letter, prefix) {
			found = append(found, f.Letter+"\t"+f.Title)
		}
	}
	if prefix == "" {
		return found
	}
	for _, r := range validate.Rules() {
		if strings.HasPrefix(r.Code, prefix) {
			found = append(found, r.Code+"\t"+r.Title)
		}
	}
	return found
}

// familyJSON is what explain --json prints for a family.
type familyJSON struct {
	validate.Family
	Rules []validate.Rule `json:"rules"`
}

func runExplain(a *app, args []string) error {
	if len(args) == 0 {
		return explainAll(a)
	}
	code := strings.ToUpper(args[0])
	if r, ok := validate.Lookup(code); ok {
		if a.json {
			return output(writeJSON(a.streams.out, r))
		}
		return output(validate.Explain(a.streams.out, r))
	}
	for _, f := range validate.Families() {
		if f.Letter == code {
			return explainFamily(a, f)
		}
	}
	return &failure{
		code: exitUsage, err: fmt.Errorf("no rule has the code %.40q, and no family the letter", args[0]),
		hint: "thaw explain lists all codes; the families are " + strings.Join(letters(), ", "),
	}
}

func letters() []string {
	var list []string
	for _, f := range validate.Families() {
		list = append(list, f.Letter)
	}
	return list
}

func explainFamily(a *app, f validate.Family) error {
	rules := f.Rules()
	if a.json {
		return output(writeJSON(a.streams.out, familyJSON{f, rules}))
	}
	if _, err := fmt.Fprintf(a.streams.out, "%s: %s. %s\n\n", f.Letter, f.Title, f.About); err != nil {
		return output(err)
	}
	return explainTable(a, rules)
}

func explainAll(a *app) error {
	rules := validate.Rules()
	if a.json {
		return output(writeJSON(a.streams.out, rules))
	}
	return explainTable(a, rules)
}

func explainTable(a *app, rules []validate.Rule) error {
	table := dump.NewTable("CODE", "SEVERITY", "SINCE", "TITLE")
	for _, r := range rules {
		table.Add(r.Code, string(r.Severity), r.Since, r.Title)
	}
	return output(table.Write(a.streams.out, a.printing()))
}
