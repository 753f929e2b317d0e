package capture

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/format"
)

func TestSmoke(t *testing.T) {
	cmd := exec.Command("sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	s, err := Freeze(context.Background(), format.PID(cmd.Process.Pid), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Release(); err != nil {
		t.Fatal(err)
	}
	s, err = Freeze(context.Background(), format.PID(cmd.Process.Pid), Options{})
	if err != nil {
		t.Fatal(err)
	}
	task := s.Image().Tasks[0]
	t.Logf("%+v %+v", task.Restart, task.Registers.AMD64.OrigAX)
	go cmd.Wait()
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
}
