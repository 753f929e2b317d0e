package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// reportOptions say which findings are told, and how.
type reportOptions struct {
	// only and ignore are codes or beginnings of codes.
	only, ignore []string
	// severity is the least that is told, failOn the least that is refused.
	severity, failOn string
	// baseline and newBaseline are files of known findings, to read and to write.
	baseline, newBaseline string
	sarif                 bool
}

// AddFlags declares the flags.
func (o *reportOptions) AddFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.only, "only", nil, "tell findings with these `CODES` or families only, like H or M011,X2; repeatable")
	f.StringSliceVar(&o.ignore, "ignore", nil, "leave out findings with these `CODES` or families; repeatable")
	f.StringVar(&o.severity, "severity", "note", "print findings of this `SEVERITY` and above: error, warning or note")
	f.StringVar(&o.failOn, "fail-on", "error", "refuse the image (exit code 1) for findings of this `SEVERITY` and above")
	f.StringVar(&o.baseline, "baseline", "", "leave out the findings that `FILE` holds; those that occur no more are told on stderr")
	f.StringVar(&o.newBaseline, "write-baseline", "", "write the findings to `FILE` as known ones instead of telling them")
	f.BoolVar(&o.sarif, "sarif", false, "print a SARIF 2.1.0 log")
}

// completeValidate completes the values of flags in shells.
func completeValidate(cmd *cobra.Command) {
	list := func(complete func(string) []string) cobra.CompletionFunc {
		return func(_ *cobra.Command, _ []string, given string) ([]string, cobra.ShellCompDirective) {
			return completeLast(given, complete), cobra.ShellCompDirectiveNoFileComp
		}
	}
	severities := []string{string(validate.Error), string(validate.Warning), string(validate.Note)}
	modes := []string{"all"}
	for _, m := range validate.Modes() {
		modes = append(modes, string(m))
	}
	for flag, complete := range map[string]cobra.CompletionFunc{
		"only": list(completeFamiliesAndCodes), "ignore": list(completeFamiliesAndCodes),
		"mode":     list(func(prefix string) []string { return withPrefix(modes, prefix) }),
		"severity": cobra.FixedCompletions(severities, cobra.ShellCompDirectiveNoFileComp),
		"fail-on":  cobra.FixedCompletions(severities, cobra.ShellCompDirectiveNoFileComp),
	} {
		if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err) // a flag that is not declared above
		}
	}
}

// completeLast completes the last part of a list with commas.
func completeLast(given string, complete func(string) []string) []string {
	at := strings.LastIndexByte(given, ',') + 1
	found := complete(given[at:])
	for i := range found {
		found[i] = given[:at] + found[i]
	}
	return found
}

func withPrefix(list []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !strings.HasPrefix(s, prefix) })
}

// sieve makes the sieve that the options ask for.
func (o *reportOptions) sieve(ctx context.Context, a *app) (s validate.Sieve, err error) {
	if o.sarif && a.json {
		return s, usage("--json and --sarif are two forms of the same: choose one")
	}
	for _, list := range []struct {
		flag      string
		from, out *[]string
	}{{"--only", &o.only, &s.Only}, {"--ignore", &o.ignore, &s.Ignore}} {
		if *list.out, err = validate.CheckSelectors(*list.from); err != nil {
			return s, &failure{code: exitUsage, err: fmt.Errorf("%s: %w", list.flag, err), hint: "thaw explain lists all codes"}
		}
	}
	if s.MinSeverity, err = severityFlag("--severity", o.severity); err != nil {
		return s, err
	}
	if _, err = severityFlag("--fail-on", o.failOn); err != nil {
		return s, err
	}
	if o.baseline != "" {
		s.Baseline, err = a.readBaseline(ctx, o.baseline)
	}
	return s, err
}

func severityFlag(flag, value string) (validate.Severity, error) {
	s := validate.Severity(value)
	if !s.AtLeast(validate.Note) {
		return "", usage("%s: no severity is called %.40q, wanted: error, warning or note", flag, value)
	}
	return s, nil
}

func (a *app) readBaseline(ctx context.Context, name string) (*validate.Baseline, error) {
	file, err := openFile(ctx, name)
	if err != nil {
		return nil, ioError(err)
	}
	b, err := validate.ReadBaseline(newWaitingReader(ctx, file))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, ioError(fmt.Errorf("%s: %w", name, err))
	}
	return b, nil
}

// keepBaseline writes the findings to a file if that was asked for; they are
// known then. Those of an image that cannot be read are not.
func (q *inquiry) keepBaseline() error {
	name := q.opts.newBaseline
	if name == "" || q.unreadable {
		return nil
	}
	t, err := createTarget(name, q.app.streams.out)
	if err != nil {
		return fail(exitIO, err)
	}
	defer t.discard()
	known := q.sieve.Learn(q.findings)
	q.findings = nil
	if err := known.Write(t); err != nil {
		return fail(exitIO, err)
	}
	if err := t.finish(false); err != nil {
		return fail(exitIO, err)
	}
	_, err = fmt.Fprintf(q.app.streams.err, "%s written to %s\n", dump.Count(known.Len(), "known finding", "known findings"), dump.Clean(name))
	return output(err)
}

// report is what is to be told of the inquiry.
func (q *inquiry) report() validate.Report {
	r := validate.NewReport(q.name, q.findings)
	r.ToolVersion, r.Format, r.FormatVersion = version, q.format, q.version
	r.Policy = q.app.policyUsed
	r.LeftOut, r.PagesRead, r.Modes = q.sieve.LeftOut, q.pagesRead, q.results
	if !q.unreadable {
		r.Gone = q.sieve.Gone()
	}
	r.Verdict = r.Judge(validate.Severity(q.opts.failOn))
	return r
}

// verdicts say what the verdicts are called and which exit codes they lead to.
var verdicts = map[validate.Verdict]struct {
	words string
	code  exitCode
}{
	validate.Valid:    {"valid", exitOK},
	validate.Accepted: {"accepted", exitOK},
	validate.Invalid:  {"invalid", exitInvalid},
	validate.Refused:  {"refused", exitInvalid},
	validate.Unfit:    {"not for this host", exitHost},
}

// print prints the report as the options ask.
func (q *inquiry) print(r *validate.Report) error {
	if q.app.json {
		return validate.JSON(q.app.streams.out, *r)
	}
	if err := q.printGone(r.Gone); err != nil {
		return err
	}
	if q.opts.sarif {
		return validate.SARIF(q.app.streams.out, *r)
	}
	return q.printText(r)
}

// printText prints findings and a summary line.
func (q *inquiry) printText(r *validate.Report) error {
	out := q.app.streams.out
	if err := validate.Text(out, r.Findings, validate.TextOptions{Color: q.app.streams.outColor()}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s: %s, %s%s\n", dump.Clean(q.name), verdicts[r.Verdict].words, r.Counts, q.remarks(r))
	return err
}

// remarks say what the summary has not seen.
func (q *inquiry) remarks(r *validate.Report) string {
	var parts []string
	if !r.PagesRead && !q.unreadable {
		parts = append(parts, "pages not read")
	}
	if left := r.LeftOut.Total(); left != (validate.Counts{}) {
		parts = append(parts, left.String()+" left out")
		if r.Verdict == validate.Accepted {
			parts = append(parts, "restore refuses it")
		}
	}
	if q.sealedBy != "" {
		parts = append(parts, sealedWords(q.sealedBy))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

// maxGone is how many findings that are gone are named.
const maxGone = 20

// printGone tells the findings of the baseline that occur no more.
func (q *inquiry) printGone(gone []validate.Finding) error {
	var b strings.Builder
	for _, f := range gone[:min(len(gone), maxGone)] {
		fmt.Fprintf(&b, "note: known in %s, but not found: %s %s: %s\n",
			dump.Clean(q.opts.baseline), dump.Clean(f.Code), dump.Clean(f.Subject.String()), dump.Clean(f.Message))
	}
	if more := len(gone) - maxGone; more > 0 {
		fmt.Fprintf(&b, "note: and %d more\n", more)
	}
	_, err := q.app.streams.err.Write([]byte(b.String()))
	return err
}
