package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// RestoreTally counts restores by how they ended.
type RestoreTally struct {
	Cases int `json:"cases"`
	// Trees ran, were compared and killed; Errors left nothing behind. TimedOut
	// are those of them where the engine ran out of time.
	Trees int `json:"trees"`
	// Own are the trees that got a pid namespace of their own.
	Own      int `json:"own"`
	Errors   int `json:"errors"`
	TimedOut int `json:"timed_out"`
}

func (t *RestoreTally) add(o RestoreTally) {
	t.Cases += o.Cases
	t.Trees += o.Trees
	t.Own += o.Own
	t.Errors += o.Errors
	t.TimedOut += o.TimedOut
}

// String says the numbers in words.
func (t RestoreTally) String() string {
	return fmt.Sprintf("%d restored: %d trees as the image says, %d of them in a pid namespace of their own; %d clean errors, %d of them after the time-out",
		t.Cases, t.Trees, t.Own, t.Errors, t.TimedOut)
}

// A Restorer restores mutants in workers.
type Restorer struct {
	// Worker makes the command of a worker, which reads cases as JSON and does
	// RestoreAll; the namespaces are added here.
	Worker func(ctx context.Context) *exec.Cmd
	// Silence is how long a worker may say nothing.
	Silence time.Duration
	// Batch is how many cases one worker does.
	Batch int
	Log   io.Writer
	// User says which cases need a user namespace: images of linux-cr are of a
	// root with all capabilities, which ours need not be; those of CRIU have
	// priorities that only a true root sets.
	User func(Case) bool
	// Seen, if set, gets every outcome.
	Seen func(Outcome)
}

// Run restores cases and gives the tally and the failures.
func (r *Restorer) Run(ctx context.Context, cases []Case) (*Book, error) {
	b := &Book{}
	var plain, user []Case
	for _, k := range cases {
		if r.User(k) {
			user = append(user, k)
		} else {
			plain = append(plain, k)
		}
	}
	err := r.run(ctx, b, plain, 0)
	if err == nil {
		err = r.run(ctx, b, user, userNamespace)
	}
	return b, err
}

// run restores cases in workers with one kind of namespaces.
func (r *Restorer) run(ctx context.Context, b *Book, cases []Case, namespaces uintptr) error {
	for len(cases) > 0 {
		n := min(r.Batch, len(cases))
		done, bad, err := r.work(ctx, cases[:n], namespaces)
		if err != nil {
			return err
		}
		for _, o := range done {
			r.book(b, o)
		}
		cases = cases[len(done):]
		if bad != nil {
			b.Failed = append(b.Failed, *bad)
			b.Restores.Cases++
			cases = cases[1:]
		}
		fmt.Fprintf(r.Log, "%s %s; %d failures\n", time.Now().UTC().Format("15:04:05"), b.Restores, len(b.Failed)) //nolint:errcheck // talk
	}
	return nil
}

func (r *Restorer) book(b *Book, o Outcome) {
	t := RestoreTally{Cases: 1}
	switch {
	case len(o.Wrong) > 0:
		b.Failed = append(b.Failed, Failure{o.Case, FailRestore, strings.Join(append(o.Wrong, o.Error), "\n")})
	case o.Tree:
		t.Trees = 1
		if o.Own {
			t.Own = 1
		}
	default:
		t.Errors = 1
	}
	if o.TimedOut {
		t.TimedOut = 1
	}
	b.Restores.add(t)
	if r.Seen != nil {
		r.Seen(o)
	}
}

// work runs one worker; bad is the case that ended it.
func (r *Restorer) work(ctx context.Context, cases []Case, namespaces uintptr) (done []Outcome, bad *Failure, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	in, err := json.Marshal(cases)
	if err != nil {
		return nil, nil, err
	}
	cmd := r.Worker(ctx)
	cmd.SysProcAttr = worldAttr(namespaces)
	// A tree that keeps what the worker prints open is killed with it.
	cmd.WaitDelay = time.Second
	quiet := time.AfterFunc(r.Silence, func() { cancel(errSilent) })
	defer quiet.Stop()
	out := &listener{heard: func() { quiet.Reset(r.Silence) }}
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), out, &errs
	err = cmd.Run()
	done, begun, badJSON := outcomes(out.b.Bytes())
	if err == nil || badJSON != nil {
		return done, nil, badJSON
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errSilent) {
		return nil, nil, cause
	}
	if begun == nil {
		return nil, nil, fmt.Errorf("restoring worker: %w: %s", err, tail(errs.String()))
	}
	kind := FailPanic
	if errors.Is(context.Cause(ctx), errSilent) {
		kind = FailHang
	}
	return done, &Failure{*begun, kind, fmt.Sprintf("restore: %v: %s", err, tail(errs.String()))}, nil
}

// userNamespace asks for a root that has all capabilities, users and groups.
const userNamespace = syscall.CLONE_NEWUSER

// worldAttr are the namespaces of a worker that restores.
func worldAttr(more uintptr) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Cloneflags: more | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	if more&userNamespace != 0 {
		all := []syscall.SysProcIDMap{{Size: 65536}}
		a.UidMappings, a.GidMappings, a.GidMappingsEnableSetgroups = all, all, true
	}
	return a
}

var errSilent = errors.New("the worker says nothing")

// A listener keeps what is written and tells that something is.
type listener struct {
	mu    sync.Mutex
	b     bytes.Buffer
	heard func()
}

func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard()
	return l.b.Write(p)
}

// Spread chooses n of the samples so that every mutator of every image has its
// part.
func Spread(samples []Case, n int) []Case {
	type kind struct{ image, mutator string }
	var order []kind
	by := map[kind][]Case{}
	for _, k := range samples {
		of := kind{k.Image, k.Mutator}
		if by[of] == nil {
			order = append(order, of)
		}
		by[of] = append(by[of], k)
	}
	var out []Case
	for len(out) < n {
		before := len(out)
		for _, of := range order {
			if len(by[of]) > 0 && len(out) < n {
				out = append(out, by[of][0])
				by[of] = by[of][1:]
			}
		}
		if len(out) == before {
			break
		}
	}
	return out
}
