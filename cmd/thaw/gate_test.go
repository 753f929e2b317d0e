package main

import (
	"testing"
)

// TestGatePage runs the commands of docs/gate.md where the images of the scripts
// are and compares what they print with what the page says.
func TestGatePage(t *testing.T) {
	checkPage(t, "../../docs/gate.md", func(t *testing.T, script string) []string {
		t.Helper()
		dir := t.TempDir()
		if err := writeImages(t, dir); err != nil {
			t.Fatal(err)
		}
		return runShell(t, dir, script, "bash", "-s")
	}, func(s string) string { return s })
}
