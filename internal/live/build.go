package live

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// A source is how a program is built: the command but for "-o FILE".
type source []string

// static are the fixtures without shared libraries.
var static = map[string]bool{"single": true, "scale": true, "floor": true}

func cSource(path string) source {
	s := source{"gcc", "-O1", "-g", "-pthread", path}
	name := filepath.Base(path)
	if static[name[:len(name)-len(".c")]] {
		s = append(s, "-static")
	}
	return s
}

func goSource(pkg string) source { return source{"go", "build", "-trimpath", pkg} }

// build builds a program once for all worlds of this run and returns its path.
// THAW names a thaw that is there already.
func (w *World) build(name string, src source) string {
	w.Helper()
	if have := os.Getenv("THAW"); name == "thaw" && have != "" {
		return have
	}
	path := filepath.Join(w.cache, name)
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	w.must(err)
	defer lock.Close() //nolint:errcheck // drops the lock
	w.must(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	if exists(path) {
		return path
	}
	args := append([]string{"-o", path + ".new"}, src[1:]...)
	if src[0] == "go" {
		args = append([]string{"build", "-o", path + ".new"}, src[2:]...)
	}
	cmd := exec.Command(src[0], args...)
	cmd.Dir = w.repo
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("build %s: %v\n%s", name, err, out)
	}
	w.must(os.Rename(path+".new", path))
	return path
}
