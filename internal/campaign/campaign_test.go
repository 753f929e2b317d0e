package campaign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const repository = "../.."

// envRole tells a copy of the test program what it is: a worker of a campaign, or
// one whose subject does what it must not.
const (
	envRole    = "THAW_CAMPAIGN_ROLE"
	roleWorker = "worker"
	roleFaulty = "faulty"
)

func TestMain(m *testing.M) {
	role := os.Getenv(envRole)
	if role == "" {
		os.Exit(m.Run())
	}
	run := faultyWorker
	if role == roleWorker {
		run = func(args []string) error { return Main(context.Background(), args, os.Stdin, os.Stdout, os.Stderr) }
	}
	err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// corpus is that of the repository alone.
func corpus(t testing.TB) *Corpus {
	t.Helper()
	return corpusOf(t, repository)
}

// small is a repository with few images, which loads sooner.
func small(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"native", "archive", filepath.Join("linuxcr", "v21")} {
		if err := os.CopyFS(filepath.Join(dir, "testdata", name), os.DirFS(filepath.Join(repository, "testdata", name))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// corpusOf is the corpus of a repository.
func corpusOf(t testing.TB, dir string) *Corpus {
	t.Helper()
	c, err := Load(t.Context(), dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCampaign is a short one: nothing that it damages makes thaw do what it must
// not, and what it restores is right or refused.
func TestCampaign(t *testing.T) {
	t.Setenv(envRole, roleWorker)
	args := []string{"-repo", repository, "-shared", "", "-cases", "2000", "-batch", "1000"}
	switch {
	case testing.Short():
		t.Log("skipped: restores, for -short")
	case os.Geteuid() != 0 || runtime.GOARCH != "amd64":
		t.Log("skipped: restores, which need root and x86-64")
	case namespaces() != nil:
		t.Logf("skipped: restores: %v", namespaces())
	default:
		args = append(args, "-restores", "10")
	}
	var out, talk bytes.Buffer
	err := Main(t.Context(), args, strings.NewReader(""), &out, &talk)
	t.Logf("%s\n%s", out.String(), talk.String())
	if err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "2000 cases of ") {
		t.Error("it did not do its cases")
	}
	if args[len(args)-1] == "10" && !strings.Contains(out.String(), "\n10 restored: ") {
		t.Error("it did not do its restores")
	}
}

// namespaces says whether worlds can be made here.
func namespaces() error {
	cmd := exec.Command("true")
	cmd.SysProcAttr = worldAttr(userNamespace)
	return cmd.Run()
}

// Numbers of cases that a faulty subject fails at.
const (
	panics, hangs, swells, lies, last = 7, 11, 13, 17, 20
)

// faultyWorker does the cases of a worker with a subject that fails.
func faultyWorker(args []string) error {
	c, err := Load(context.Background(), args[3], "")
	if err != nil {
		return err
	}
	c.examine = func(_ context.Context, _ *Image, way uint64) (Verdict, error) {
		switch way {
		case panics:
			go func() { panic("at the disco") }() // of which no recover knows
			select {}
		case hangs:
			for { //nolint:staticcheck // it is to hang
			}
		case swells:
			big := make([]byte, 200<<20)
			time.Sleep(20 * time.Millisecond)
			return Refused, os.WriteFile(os.DevNull, big[:1], 0)
		case lies:
			return Clean, &wrong{"a lie", errors.New("told")}
		}
		return Refused, nil
	}
	from, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return err
	}
	to, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	limits := DefaultLimits()
	limits.CPU = 2 * time.Second
	book, err := Work(context.Background(), c, from, to, args[2], limits)
	if err != nil {
		return err
	}
	return writeJSON(os.Stdout, book)
}

// TestFailuresAreFound: whatever a case does to its worker is booked on it, and
// all others are done.
func TestFailuresAreFound(t *testing.T) {
	t.Setenv(envRole, roleFaulty)
	dir := small(t)
	c := corpusOf(t, dir)
	run := &Campaign{
		Corpus: c, Workers: 1, Batch: last, Dir: t.TempDir(), Log: &bytes.Buffer{}, BatchLimit: time.Minute,
		Worker: func(ctx context.Context, from, to uint64, mark string) *exec.Cmd {
			return exec.CommandContext(ctx, os.Args[0], strconv.FormatUint(from, 10), strconv.FormatUint(to, 10), mark, dir)
		},
	}
	book, err := run.Run(t.Context(), last)
	if err != nil {
		t.Fatal(err)
	}
	want := []Failure{
		{Case: c.Case(panics), Kind: FailPanic},
		{Case: c.Case(hangs), Kind: FailHang},
		{Case: c.Case(swells), Kind: FailMemory},
		{Case: c.Case(lies), Kind: FailWrong},
	}
	sortFailures := cmpopts.SortSlices(func(a, b Failure) bool { return a.Case.Seed < b.Case.Seed })
	if d := cmp.Diff(want, book.Failed, cmpopts.IgnoreFields(Failure{}, "Text"), sortFailures); d != "" {
		t.Errorf("failures (-want +got):\n%s", d)
	}
	if book.Cases() != last {
		t.Errorf("%d cases, want %d", book.Cases(), last)
	}
}

// TestResume: a campaign that is interrupted and goes on finds what an undisturbed
// one does, and not in another corpus.
func TestResume(t *testing.T) {
	t.Setenv(envRole, roleWorker)
	dir := small(t)
	c := corpusOf(t, dir)
	run := &Campaign{
		Corpus: c, Workers: 2, Batch: 20, Dir: t.TempDir(), Log: &bytes.Buffer{}, BatchLimit: time.Minute,
		Worker: func(ctx context.Context, from, to uint64, mark string) *exec.Cmd {
			return exec.CommandContext(ctx, os.Args[0], "-repo", dir, "-shared", "", "-mark", mark,
				"-from", strconv.FormatUint(from, 10), "-to", strconv.FormatUint(to, 10))
		},
	}
	whole, err := run.Run(t.Context(), 60)
	if err != nil {
		t.Fatal(err)
	}
	run.Path = t.TempDir() + "/book.json"
	for _, to := range []uint64{30, 60} {
		if _, err := run.Run(t.Context(), to); err != nil {
			t.Fatal(err)
		}
	}
	parts, err := ReadBook(run.Path)
	if err != nil {
		t.Fatal(err)
	}
	measured := cmpopts.IgnoreFields(Book{}, "Seconds", "Slowest", "Largest")
	if d := cmp.Diff(whole, parts, measured); d != "" {
		t.Errorf("whole and in parts (-whole +parts):\n%s", d)
	}
	parts.Corpus = "another"
	if err := parts.Write(run.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Run(t.Context(), 90); !errors.Is(err, ErrOtherCorpus) {
		t.Errorf("another corpus: %v", err)
	}
}
