package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite golden and generated files")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"thaw": func() { os.Exit(realMain()) },
	})
}
