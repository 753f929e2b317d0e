package live

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Variables that tell a copy of the test program what it is for.
const (
	envStage = "THAW_LIVE_STAGE" // stageInit, stageInside or nothing
	envCache = "THAW_LIVE_CACHE" // the directory of built programs
	envRepo  = "THAW_LIVE_REPO"  // the module's root

	stageInit   = "init"
	stageInside = "inside"
)

// Main is what a TestMain exits with. It runs the tests, or, in a process that
// a world consists of, that process's part.
func Main(run func() int) int {
	switch os.Getenv(envStage) {
	case stageInit:
		code, err := initMain()
		if err != nil {
			fmt.Fprintln(os.Stderr, "init of the world:", err)
			return 125
		}
		return code
	case stageInside:
		return run()
	}
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(os.Getenv(envCache)) //nolint:errcheck // a leftover in the temporary directory
	return run()
}

// MainInside is what the TestMain of benchmarks exits with: all of the program
// runs in one world, if it can have one.
func MainInside(run func() int) int {
	if os.Getenv(envStage) != "" || os.Geteuid() != 0 {
		return Main(run)
	}
	return Main(func() int {
		cmd, err := namespaceCommand(os.Args[1:], nil)
		if err == nil {
			cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
			err = cmd.Run()
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "no namespaces here:", err)
			return run()
		}
		return 0
	})
}

// Within says whether this is a world's inside.
func Within() bool { return os.Getenv(envStage) == stageInside }

// prepare makes the cache directory and tells all copies of it.
func prepare() error {
	cache, err := os.MkdirTemp("", "thaw-live-")
	if err != nil {
		return err
	}
	repo, err := moduleRoot()
	if err != nil {
		return err
	}
	return errors.Join(
		os.Chmod(cache, 0o755), //nolint:gosec // programs in it run as other users, too
		os.Mkdir(filepath.Join(cache, worldDir), 0o755),
		os.Setenv(envCache, cache), os.Setenv(envRepo, repo))
}

// moduleRoot is the directory of go.mod above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("no go.mod above %s", dir)
		}
	}
}

// worldDir, in the cache, is where each world mounts its own file system.
const worldDir = "world"

// namespaceCommand runs this program with args as init of new namespaces,
// which start its copy inside; env is added to the environment.
func namespaceCommand(args, env []string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(cleanEnv(), append(env, envStage+"="+stageInit)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	return cmd, nil
}

// cleanEnv is the environment without the stage.
func cleanEnv() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, envStage+"=") {
			env = append(env, e)
		}
	}
	return env
}

// initMain is process 1 of a world: it mounts, starts the copy inside, and
// reaps whatever is left to it until that copy ends.
func initMain() (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	if err := closeOnExec(); err != nil {
		return 0, err
	}
	if err := mountWorld(filepath.Join(os.Getenv(envCache), worldDir)); err != nil {
		return 0, err
	}
	inside, err := syscall.ForkExec(self, os.Args, &syscall.ProcAttr{
		Env:   append(cleanEnv(), envStage+"="+stageInside),
		Files: []uintptr{0, 1, 2},
	})
	if err != nil {
		return 0, os.NewSyscallError("fork", err)
	}
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WALL, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, os.NewSyscallError("wait4", err)
		case pid == inside && ws.Exited():
			return ws.ExitStatus(), nil
		case pid == inside:
			return 128 + int(ws.Signal()), nil
		}
	}
}

// closeOnExec keeps descriptors that our own caller left open out of the
// fixtures: they would be captured, too.
func closeOnExec() error {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range fds {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// mountWorld mounts a new /proc and a file system in memory; nothing of it is
// seen outside.
func mountWorld(dir string) error {
	mounts := []struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}{
		{"none", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""},
		{"proc", "/proc", "proc", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC, ""},
		{"tmpfs", dir, "tmpfs", 0, "mode=755,size=8g"},
	}
	for _, m := range mounts {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return &os.PathError{Op: "mount", Path: m.target, Err: err}
		}
	}
	return nil
}
