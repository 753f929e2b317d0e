package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore"
	"github.com/thaw-cr/thaw/validate"
)

// Outcome is how the restore of a mutant ended.
type Outcome struct {
	Case Case `json:"case"`
	// Tree says that a tree ran. If it did not, Error says why.
	Tree  bool   `json:"tree,omitempty"`
	Error string `json:"error,omitempty"`
	// Wrong lists what must not be: a tree that is not the image's, processes,
	// mounts, files or System V objects that are left.
	Wrong []string `json:"wrong,omitempty"`
	// Own says that the tree got a pid namespace of its own; otherwise it was
	// restored into the worker's.
	Own bool `json:"own,omitempty"`
	// TimedOut says that the engine gave up after its time.
	TimedOut bool `json:"timed_out,omitempty"`
}

// Bounds of one restore: what the engine is given, how long a tree may take to stop
// or to go, and from where on this process's threads have their numbers.
const (
	restoreTime = 20 * time.Second
	settleTime  = 5 * time.Second
	settlePoll  = 2 * time.Millisecond
	ownNumbers  = 30_000
)

// RestoreAll restores cases, one after the other, and writes for each a line with
// its name before, and one with its outcome after. The calling process must be the
// first of a pid namespace and a mount namespace of its own.
func RestoreAll(ctx context.Context, c *Corpus, cases []Case, out io.Writer) error {
	if os.Getpid() != 1 {
		return errors.New("restores need a pid namespace of their own")
	}
	if err := enterWorlds(); err != nil {
		return err
	}
	// Images have small numbers: threads of ours must not take them.
	last := []byte(strconv.Itoa(ownNumbers))
	if err := errors.Join(os.Setenv("TMPDIR", temporary), os.WriteFile("/proc/sys/kernel/ns_last_pid", last, 0)); err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	for _, k := range cases {
		if err := enc.Encode(Outcome{Case: k}); err != nil {
			return err
		}
		o, err := c.restore(ctx, k)
		if err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		if err := enc.Encode(o); err != nil {
			return err
		}
	}
	return nil
}

// restore restores one mutant, compares and kills it. An error is one of the
// surroundings.
func (c *Corpus) restore(ctx context.Context, k Case) (Outcome, error) {
	o := Outcome{Case: k}
	m, err := c.Mutate(k)
	if err != nil {
		return o, err
	}
	paths, err := c.prepare(m)
	if err != nil {
		return o, err
	}
	before, err := lookAround()
	if err != nil {
		return o, err
	}
	res, img, err := o.run(ctx, m, paths)
	if err != nil {
		o.Error = err.Error()
		o.TimedOut = strings.Contains(o.Error, "not done within")
	} else {
		o.Tree = true
		o.awaitStops(img)
		killRest()
	}
	if res != nil {
		err = res.Close()
	} else {
		err = nil
	}
	if err != nil {
		o.Wrong = append(o.Wrong, "close: "+err.Error())
	}
	if list := awaitNone(); len(list) > 0 {
		o.Wrong = append(o.Wrong, fmt.Sprintf("processes are left: %v", list))
		killRest()
	}
	after, err := lookAround()
	o.Wrong = append(o.Wrong, after.since(before, o.Tree)...)
	return o, err
}

// run does what the command does: open, validate, check, restore into a pid
// namespace. While all tasks still stand, it compares them with the image.
func (o *Outcome) run(ctx context.Context, m *Image, paths []format.PathMap) (*restore.Result, *format.Image, error) {
	src := m.Source()
	var file *os.File
	if m.Dir == nil {
		name := filepath.Join(worldRun, "image")
		if err := os.WriteFile(name, m.File, 0o600); err != nil {
			return nil, nil, err
		}
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, nil, err
		}
		defer file.Close() //nolint:errcheck // only read
		src.At = file
	}
	f, err := Registry().Open(ctx, src, codec.Limits{})
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	img := f.Image
	if p := &img.Provenance; p.Format == "" {
		p.Format, p.FormatVersion = f.Format, f.Version
	}
	findings := append(validate.FromFaults(f.Faults), validate.Image(ctx, img, validate.Options{Plan: true})...)
	if validate.HasErrors(findings) {
		return nil, nil, &restore.RefusedError{Findings: findings}
	}
	format.MapPaths(img, paths)
	if _, raw := img.Pages.(format.RawPages); !raw || len(f.Wrappers) > 0 {
		file = nil
	}
	if file != nil {
		if err := f.Check(ctx); err != nil {
			return nil, nil, err
		}
	}
	o.Own = img.Root == 1 || o.Case.Seed/sampleEvery%2 == 0
	opts := restore.Options{PIDNamespace: o.Own, Timeout: restoreTime}
	opts.Progress = func(p restore.Progress) {
		if p.Stage != restore.StageRelease {
			return
		}
		list, err := tasks(o.below())
		if err != nil {
			o.Wrong = append(o.Wrong, err.Error())
			return
		}
		o.Wrong = append(o.Wrong, compare(img, list)...)
	}
	res, err := restore.Run(ctx, restore.Request{Image: img, File: file, Options: opts})
	return res, img, err
}

// below is how many namespaces below ours the tree's own is.
func (o *Outcome) below() int {
	if o.Own {
		return 1
	}
	return 0
}

// awaitStops waits until the tasks that were stopped are so again, or gone: what
// runs beside them may continue or end them, but does not do so at once.
func (o *Outcome) awaitStops(img *format.Image) {
	var stopped []int
	for i := range img.Tasks {
		if img.Tasks[i].State == format.Stopped {
			stopped = append(stopped, int(img.Tasks[i].TID))
		}
	}
	for end := time.Now().Add(settleTime); len(stopped) > 0; time.Sleep(settlePoll) {
		list, err := tasks(o.below())
		if err != nil {
			o.Wrong = append(o.Wrong, err.Error())
			return
		}
		var running []int
		for _, s := range list {
			if slices.Contains(stopped, s.tid) && !strings.ContainsRune("TtZX", rune(s.state)) {
				running = append(running, s.tid)
			}
		}
		stopped = running
		if len(stopped) > 0 && time.Now().After(end) {
			o.Wrong = append(o.Wrong, fmt.Sprintf("tasks %v were stopped and run", stopped))
			return
		}
	}
}

// others lists the processes of this namespace but the first.
func others() []int {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var list []int
	for _, d := range dirs {
		var pid int
		if _, err := fmt.Sscan(filepath.Base(d), &pid); err == nil && pid != os.Getpid() {
			list = append(list, pid)
		}
	}
	return list
}

// killRest kills all processes of this namespace but the first.
func killRest() {
	for _, pid := range others() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // gone is as good
	}
}

// awaitNone reaps what has died and waits until this process is alone. It gives
// what does not go.
func awaitNone() []int {
	for end := time.Now().Add(settleTime); ; time.Sleep(settlePoll) {
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG|syscall.WALL, nil); err != nil || pid <= 0 {
				break
			}
		}
		list := others()
		if len(list) == 0 || time.Now().After(end) {
			return list
		}
	}
}

// outcomes reads what RestoreAll wrote; begun is the case that has no outcome, if
// there is one.
func outcomes(b []byte) (done []Outcome, begun *Case, err error) {
	for dec := json.NewDecoder(bytes.NewReader(b)); ; {
		var o Outcome
		if err := dec.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return done, begun, nil
			}
			return done, begun, err
		}
		if begun == nil {
			begun = &o.Case
			continue
		}
		done, begun = append(done, o), nil
	}
}
