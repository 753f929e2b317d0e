package main

import (
	"strings"
	"testing"
)

// told is what the go command says, and what is printed of it.
type told struct {
	name   string
	events string
	want   string
	ok     bool
}

func (tt *told) check(t *testing.T) {
	t.Helper()
	var out strings.Builder
	ok, err := run(strings.NewReader(tt.events), &out)
	if err != nil {
		t.Fatal(err)
	}
	if ok != tt.ok {
		t.Errorf("ok = %v, want %v", ok, tt.ok)
	}
	if got := out.String(); got != tt.want {
		t.Errorf("printed\n%s\nwant\n%s", got, tt.want)
	}
}

func TestRun(t *testing.T) {
	tests := []told{
		{
			name: "pass and skip",
			events: `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:9: needs root\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Elapsed":0.5}
`,
			want: "ok   p (0.5s, 1 tests)\n\nSkipped, and why:\n  p TestB: b_test.go:9: needs root\n\n1 passed, 0 failed, 1 skipped\n",
			ok:   true,
		},
		{
			name: "a failing test shows its output",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: got 1\n"}
{"Action":"fail","Package":"p","Test":"TestA","Elapsed":0.1}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"fail","Package":"p","Elapsed":0.2}
`,
			want: "FAIL p TestA (0.1s)\n    a_test.go:3: got 1\nFAIL p (0.2s)\nFAIL\n\n0 passed, 1 failed, 0 skipped\n",
		},
		{
			name: "a package that does not build",
			events: `{"ImportPath":"p","Action":"build-output","Output":"# p\n./a.go:3:1: syntax error\n"}
{"ImportPath":"p","Action":"build-fail"}
`,
			want: "# p\n./a.go:3:1: syntax error\n\n0 passed, 0 failed, 0 skipped\n",
		},
		{
			name:   "events that stop in the middle",
			events: `{"Action":"run","Package":"p","Test":"TestA"}` + "\n",
			want:   "FAIL p TestA: did not end\n\n0 passed, 0 failed, 0 skipped\n",
		},
		{
			name:   "talk of the go command",
			events: "no required module provides package q",
			want:   "no required module provides package q\n0 passed, 0 failed, 0 skipped\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.check)
	}
}
