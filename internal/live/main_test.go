package live

import (
	"flag"
	"os"
	"testing"
)

// sideBySide worlds run at a time unless -parallel says otherwise: much of
// their time is sleep.
const sideBySide = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "test.parallel" })
	if !set {
		if err := flag.Set("test.parallel", sideBySide); err != nil {
			panic(err)
		}
	}
	os.Exit(Main(m.Run))
}
