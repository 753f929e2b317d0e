package main

import (
	"regexp"
	"testing"

	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/validate"
)

// foreign is what speaks of other programs' flags, or of thaw and no command.
var foreign = regexp.MustCompile(`--sparse of tar|release of thaw`)

var (
	namedCommand = regexp.MustCompile(`\bthaw ([a-z][a-z-]*)([^;.]*)`)
	namedFlag    = regexp.MustCompile(`--([a-z][a-z-]*)`)
)

// TestHintsNameWhatThereIs: what the catalogue tells people to do can be done:
// commands and flags in it are there, and a flag that stands behind a command is
// one of that command.
func TestHintsNameWhatThereIs(t *testing.T) {
	flags := map[string]map[string]bool{}
	all := map[string]bool{}
	for _, c := range commands(t) {
		flags[c.Name()] = map[string]bool{}
		note := func(f *pflag.Flag) { flags[c.Name()][f.Name], all[f.Name] = !f.Hidden, !f.Hidden }
		c.LocalFlags().VisitAll(note)
		c.InheritedFlags().VisitAll(note)
	}
	for _, r := range validate.Rules() {
		for _, text := range []string{r.Fix, r.Why, r.Title} {
			own := foreign.ReplaceAllString(text, "")
			for _, m := range namedFlag.FindAllStringSubmatch(own, -1) {
				if !all[m[1]] {
					t.Errorf("%s: no command has --%s: %s", r.Code, m[1], text)
				}
			}
			for _, m := range namedCommand.FindAllStringSubmatch(own, -1) {
				if flags[m[1]] == nil {
					t.Errorf("%s: there is no command thaw %s: %s", r.Code, m[1], text)
				}
				for _, f := range namedFlag.FindAllStringSubmatch(m[2], -1) {
					if !flags[m[1]][f[1]] {
						t.Errorf("%s: thaw %s has no --%s: %s", r.Code, m[1], f[1], text)
					}
				}
			}
		}
	}
}
