package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

const corpusDir = "../../../testdata/malformed"

// TestOutcomes runs commands whose end is known.
func TestOutcomes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		args    []string
		want    outcome
		code    int
		details string
	}{
		{"accepted", []string{"--", "true"}, accepted, exitOK, ""},
		{"error", []string{"--", "false"}, failed, exitOK, "exit code 1"},
		{"path", []string{"--", "grep", "-q", "no image", "{}"}, accepted, exitOK, ""},
		{"path at the end", []string{"--", "grep", "-q", "no image"}, accepted, exitOK, ""},
		{"signal", []string{"--", "sh", "-c", "kill -SEGV $$"}, crash, exitBroken, "segmentation fault"},
		{"signal of a child", []string{"--", "sh", "-c", `sh -c 'kill -BUS $$'; exit $?`}, crash, exitBroken, "bus error"},
		{"panic", []string{"--", "sh", "-c", "echo 'panic: index out of range' >&2; exit 2"}, crash, exitBroken, "panic: index out of range"},
		{"own words", []string{"-crash", "^Traceback", "--", "sh", "-c", "echo Traceback; exit 1"}, crash, exitBroken, "Traceback"},
		{"hang", []string{"-timeout", "50ms", "--", "sh", "-c", "exec sleep 600"}, hang, exitBroken, "killed after 50ms"},
		{"memory", []string{"-memory", "512", "-rejected", "(?m)^524288$", "--", "sh", "-c", "ulimit -v"}, failed, exitOK, "524288"},
		{"no limit", []string{"-memory", "0", "-rejected", "(?m)^unlimited$", "--", "sh", "-c", "ulimit -v"}, failed, exitOK, "unlimited"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(append([]string{"-corpus", corpusDir, "-only", "^wrapped/text$", "-json"}, tt.args...), &out, &errs)
			var r report
			if err := json.Unmarshal(out.Bytes(), &r); err != nil {
				t.Fatalf("%v: %s", err, errs.String())
			}
			if code != tt.code || len(r.Results) != 1 || r.Results[0] != (result{"wrapped/text", tt.want, tt.details}) {
				t.Errorf("exit code %d, %+v", code, r.Results)
			}
		})
	}
}

func TestDirectoriesAndTable(t *testing.T) {
	var out, errs bytes.Buffer
	code := run([]string{"-corpus", corpusDir, "-formats", "criu", "-only", "tree-own-parent|criu-threads", "--", "test", "-f", "{}/pstree.img"}, &out, &errs)
	want := []string{"criu", "1", "0", "0", "0", "1", "0", "of", "0", "1", "of", "1"}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if code != exitOK || len(lines) != 3 || strings.Join(strings.Fields(lines[1]), " ") != strings.Join(want, " ") {
		t.Errorf("exit code %d:\n%s%s", code, out.String(), errs.String())
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		nil, {"-no-such-flag"}, {"-corpus", "/nowhere", "--", "true"}, {"-only", "(", "--", "true"}, {"-corpus", corpusDir, "-only", "^wrapped/text$", "-memory", "0", "--", "/no/such/command"},
	} {
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != exitUsage || errs.Len() == 0 {
			t.Errorf("%q: exit code %d, %s", args, code, errs.String())
		}
	}
}
