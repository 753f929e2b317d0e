package capture

import (
	"context"
	"os"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// killedCapture as the first argument makes the test binary capture the process
// of the second, and die at the step that the third one counts; told none, it
// says how many there are.
const killedCapture = "killed-capture"

func beKilledCapture(args []string) {
	last, steps := number(args[1]), 0
	s, err := Freeze(context.Background(), format.PID(number(args[0])), Options{step: func() {
		if steps++; steps == last {
			_ = sys.Kill(os.Getpid(), abi.SIGKILL)
			select {}
		}
	}})
	if err == nil {
		err = s.Release()
	}
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(itoa(steps))
}

func number(s string) (n int) {
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}
