package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version of thaw, which images carry as the tool's version.
const version = "0.1.0"

// versionJSON is what version --json prints.
type versionJSON struct {
	Version string `json:"version"`
	// Revision is the commit it was built from, where the build knew it.
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print thaw's version",
		Long:  "Version prints thaw's version and what it was built with." + exitHelp(exitOK, exitUsage, exitIO),
		Args:  exactArgs(0, "none"),
		RunE:  runE(func(*cobra.Command, []string) error { return runVersion(a) }),
	}
}

func runVersion(a *app) error {
	v := versionJSON{Version: version, Revision: revision(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if a.json {
		return output(writeJSON(a.streams.out, v))
	}
	from := ""
	if v.Revision != "" {
		from = " of " + v.Revision
	}
	_, err := fmt.Fprintf(a.streams.out, "thaw %s%s (%s %s/%s)\n", v.Version, from, v.Go, v.OS, v.Arch)
	return output(err)
}

// revision is the commit that the Go command recorded, with "+" if the tree had
// changes; empty if it recorded none.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	commit, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changed
}
