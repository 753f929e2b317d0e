package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/thaw-cr/thaw/internal/dump"
)

// formatJSON is one entry of what formats --json prints.
type formatJSON struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	Reads  []string `json:"reads"`
	Writes []string `json:"writes"`
	Spec   string   `json:"spec,omitempty"`
}

func newFormatsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "formats",
		Short: "List the image formats and their versions",
		Long:  "Formats lists the image formats that are read and written, with their versions." + exitHelp(exitOK, exitUsage, exitIO),
		Args:  exactArgs(0, "none"),
		RunE:  runE(func(*cobra.Command, []string) error { return runFormats(a) }),
	}
}

func runFormats(a *app) error {
	list := []formatJSON{}
	table := dump.NewTable("FORMAT", "READS", "WRITES", "WHAT")
	for _, f := range a.registry.Formats() {
		i := f.Info()
		list = append(list, formatJSON{i.Name, i.Title, nonNil(i.Versions), nonNil(i.Writes), i.Spec})
		table.Add(i.Name, orDash(strings.Join(i.Versions, " ")), orDash(strings.Join(i.Writes, " ")), i.Title)
	}
	if a.json {
		return output(writeJSON(a.streams.out, list))
	}
	return output(table.Write(a.streams.out, a.printing()))
}

// nonNil makes a list that JSON prints as one even if it is empty.
func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
