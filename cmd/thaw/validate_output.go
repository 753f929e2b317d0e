package main

import (
	"fmt"

	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// verdicts say what the exit codes of thaw validate mean for the image.
var verdicts = map[exitCode]string{
	exitOK:      "valid",
	exitInvalid: "invalid",
	exitHost:    "not for this host",
}

// printFindings prints findings as the options ask.
func (a *app) printFindings(opts *validateOptions, name string, findings []validate.Finding) error {
	if a.json {
		return validate.JSON(a.streams.out, validate.NewReport(name, findings))
	}
	return a.printText(opts, name, findings)
}

// printText prints findings and a summary line.
func (a *app) printText(opts *validateOptions, name string, findings []validate.Finding) error {
	if err := validate.Text(a.streams.out, findings, validate.TextOptions{Color: a.streams.outColor()}); err != nil {
		return err
	}
	unread := ""
	if !opts.verify {
		unread = " (pages not read)"
	}
	_, err := fmt.Fprintf(a.streams.out, "%s: %s, %s%s\n", dump.Clean(name), verdicts[verdictCode(findings)], validate.Count(findings), unread)
	return err
}
