package capture

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/procfs"
)

// TestMain keeps descriptors that the test was started with, which may lead
// outside, from the programs that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == goProgram {
		beGoProgram()
		return
	}
	if len(os.Args) == 4 && os.Args[1] == killedCapture {
		beKilledCapture(os.Args[2:])
		return
	}
	fds, err := procfs.FDs(os.Getpid())
	if err != nil {
		panic(err)
	}
	for _, fd := range fds {
		if fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	os.Exit(m.Run())
}
