package main

import (
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/thaw-cr/thaw/format"
)

// TestScript runs the scripts of testdata/script against the real command.
// Beside testscript's own commands they have "status N CMD…", which runs CMD
// and wants exit code N. Their directory holds images: good.thaw, zstd.thaw,
// bad.thaw (its root is not there), noted.thaw (a note and a warning), init.thaw (its root is task 1), hashed.thaw (it tells the
// digest of its program, of which node-a has another), cut.thaw (its end is missing), flip.thaw (one bit of a page is another), junk.thaw and empty.thaw, in cr those of
// testdata/linuxcr, in podman those of testdata/podman, in hostile those of
// testdata/archive, in criu those of testdata/criu and in seal those of
// testdata/seal. In nodes are the facts of three hosts: a can hold good.thaw, b
// cannot, of c next to nothing is known.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup:               func(env *testscript.Env) error { return writeImages(t, env.WorkDir) },
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, errors.New("unknown condition")
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": statusCmd, "mask": maskCmd},
	})
}

func writeImages(t *testing.T, dir string) error {
	good := encode(t, sampleImage())
	badImage := sampleImage()
	badImage.Root = 5
	notedImage := sampleImage()
	notedImage.Objects.Memories[0].VMAs[0].Prot |= format.ProtWrite
	notedImage.Tasks[2].StopSignal = 0
	initImage := sampleImage()
	initImage.Root = 1
	for i := range initImage.Tasks {
		task := &initImage.Tasks[i]
		for _, n := range []*format.PID{&task.TID, &task.TGID, &task.PPID, &task.PGID, &task.SID} {
			switch *n {
			case 1:
				*n = 0
			case 1000:
				*n = 1
			}
		}
	}
	hashedImage := sampleImage()
	for f := range hashedImage.Objects.FileRefs() {
		if f.Path == "/usr/bin/sample" {
			f.SHA256 = sumOf("another build of the same size")
		}
	}
	flipped := append([]byte(nil), good...)
	flipped[pageOffset(good)] ^= 1
	for name, content := range map[string][]byte{
		"good.thaw": good, "bad.thaw": encode(t, badImage), "noted.thaw": encode(t, notedImage), "init.thaw": encode(t, initImage), "hashed.thaw": encode(t, hashedImage), "cut.thaw": good[:len(good)-100],
		"flip.thaw": flipped, "empty.thaw": nil, "junk.thaw": []byte("this is no image\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	if err := writeNodes(dir); err != nil {
		return err
	}
	for from, to := range map[string]string{"../../testdata/podman": "podman", "../../testdata/archive": "hostile", "../../testdata/criu": "criu", "../../testdata/seal": "seal"} {
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(from)); err != nil {
			return err
		}
	}
	return copyImages(legacyImages, filepath.Join(dir, "cr"))
}

// sumOf is the SHA-256 of what is in a file.
func sumOf(contents string) []byte {
	sum := sha256.Sum256([]byte(contents))
	return sum[:]
}

// pageOffset finds the sample's first page, which says what it is.
func pageOffset(image []byte) int {
	return regexp.MustCompile(`page ` + strconv.Itoa(samplePage)).FindIndex(image)[0]
}

// statusCmd is "status N CMD…".
func statusCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`[0-9.]+ (KiB|MiB)`), "SIZE"},
	{regexp.MustCompile(`[0-9.]+ ms`), "TIME"},
	{regexp.MustCompile(`go1\.[0-9.]+`), "GO"},
	{regexp.MustCompile(` of [0-9a-f]{12}\+?`), ""},
}

// maskCmd is "mask FILE": it replaces what differs from run to run.
func maskCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mask file")
	}
	s := ts.ReadFile(args[0])
	for _, m := range masks {
		s = m.pattern.ReplaceAllString(s, m.with)
	}
	_, err := ts.Stdout().Write([]byte(s))
	ts.Check(err)
}
