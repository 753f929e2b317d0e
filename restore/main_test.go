package restore

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestMain runs the tests in a pid namespace of their own: all numbers are
// free there, and nothing survives them.
func TestMain(m *testing.M) {
	const inner = "THAW_TEST_INNER"
	if os.Getuid() != 0 || os.Getenv(inner) == "2" {
		os.Exit(m.Run())
	}
	if os.Getenv(inner) == "1" {
		os.Exit(asInit())
	}
	os.Exit(again(inner+"=1", syscall.CLONE_NEWPID|syscall.CLONE_NEWNS))
}

// again runs this program with the same arguments in new namespaces.
func again(env string, namespaces uintptr) int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), env)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return 0
}

// asInit is pid 1: it gives the namespace its own /proc and runs the tests as a
// child, so that orphans are not theirs.
func asInit() int {
	if err := errors.Join(
		syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
		syscall.Mount("proc", "/proc", "proc", 0, ""),
	); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return again("THAW_TEST_INNER=2", 0)
}
