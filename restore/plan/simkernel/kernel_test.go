package simkernel

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/thaw-cr/thaw/format"
)

// ids are what a snapshot says of a task, as far as these tests ask.
type ids struct {
	TID, TGID, PPID, PGID, SID format.PID
	State                      format.State
	Exit                       format.Signal
}

func idTable(k *Kernel) []ids {
	var list []ids
	for _, t := range k.Snapshot().Tasks {
		list = append(list, ids{t.TID, t.TGID, t.PPID, t.PGID, t.SID, t.State, t.ExitSignal})
	}
	return list
}

const chld = format.SIGCHLD

func fork(k *Kernel, by, pid format.PID) error {
	_, err := k.Clone(by, CloneArgs{PID: pid, ExitSignal: chld})
	return err
}

func thread(k *Kernel, by, tid format.PID) error {
	_, err := k.Clone(by, CloneArgs{PID: tid, Thread: true})
	return err
}

// history is a short program, run by process 5, and the tasks it leaves.
type history struct {
	name string
	run  func(k *Kernel) error
	want []ids
}

func (c *history) check(t *testing.T) {
	t.Helper()
	k := New()
	if _, err := k.Start(5); err != nil {
		t.Fatal(err)
	}
	if err := c.run(k); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(c.want, idTable(k), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("tasks (-want +got):\n%s", d)
	}
}

// TestHistories runs short programs whose outcome is known from the manual pages
// and the kernel's source; TestReal covers what needs no threads.
func TestHistories(t *testing.T) {
	for _, c := range []history{
		{"dead leader", func(k *Kernel) error {
			return errors.Join(thread(k, 5, 6), k.ExitThread(5, 0))
		}, []ids{{5, 5, 0, 0, 0, format.DeadLeader, chld}, {6, 5, 0, 0, 0, format.Running, 0}}},
		{"last thread after its leader", func(k *Kernel) error {
			return errors.Join(thread(k, 5, 6), k.ExitThread(5, 0x300), k.ExitThread(6, 0x400))
		}, []ids{{5, 5, 0, 0, 0, format.Zombie, chld}}},
		{"children of a dead leader stay", func(k *Kernel) error {
			return errors.Join(thread(k, 5, 6), fork(k, 5, 7), k.ExitThread(5, 0), fork(k, 6, 8))
		}, []ids{
			{5, 5, 0, 0, 0, format.DeadLeader, chld},
			{6, 5, 0, 0, 0, format.Running, 0},
			{7, 7, 5, 0, 0, format.Running, chld},
			{8, 8, 5, 0, 0, format.Running, chld},
		}},
		{"a dead leader's threads adopt", func(k *Kernel) error {
			return errors.Join(
				thread(k, 5, 6), k.SetSubreaper(5, true), fork(k, 5, 7), fork(k, 7, 8), k.ExitThread(5, 0), k.ExitGroup(7, 0),
			)
		}, []ids{
			{5, 5, 0, 0, 0, format.DeadLeader, chld},
			{6, 5, 0, 0, 0, format.Running, 0},
			{7, 7, 5, 0, 0, format.Zombie, chld},
			{8, 8, 5, 0, 0, format.Running, chld},
		}},
		{"a sibling made by a thread", func(k *Kernel) error {
			err := errors.Join(fork(k, 5, 6), thread(k, 6, 7))
			_, more := k.Clone(7, CloneArgs{PID: 8, Parent: true})
			return errors.Join(err, more)
		}, []ids{
			{5, 5, 0, 0, 0, format.Running, chld},
			{6, 6, 5, 0, 0, format.Running, chld},
			{7, 6, 5, 0, 0, format.Running, 0},
			{8, 8, 5, 0, 0, format.Running, chld},
		}},
		{"a parent that ignores SIGCHLD", func(k *Kernel) error {
			return errors.Join(k.Ignore(5, chld, true), fork(k, 5, 6), k.ExitGroup(6, 0))
		}, []ids{{5, 5, 0, 0, 0, format.Running, chld}}},
		{"zero for one's own numbers", func(k *Kernel) error {
			return errors.Join(fork(k, 5, 6), fork(k, 5, 7), k.Setpgid(5, 6, 0), k.Setpgid(5, 7, 6), k.Setpgid(7, 0, 0))
		}, []ids{
			{5, 5, 0, 0, 0, format.Running, chld},
			{6, 6, 5, 6, 0, format.Running, chld},
			{7, 7, 5, 7, 0, format.Running, chld},
		}},
		{"a session outlives its leader", func(k *Kernel) error {
			_, err := k.Wait(Outside, 9)
			return errors.Join(fork(k, 5, 6), k.Setsid(6), fork(k, 6, 7), k.ExitGroup(6, 0), wait(k, 5, 6), expect(err, ECHILD))
		}, []ids{{5, 5, 0, 0, 0, format.Running, chld}, {7, 7, 0, 6, 6, format.Running, chld}}},
		{"numbers in use", func(k *Kernel) error {
			err := errors.Join(fork(k, 5, 6), k.Setsid(6), fork(k, 6, 7), k.ExitGroup(6, 0), wait(k, 5, 6))
			return errors.Join(err, expect(fork(k, 5, 6), EEXIST), expect(thread(k, 5, 7), EEXIST))
		}, []ids{{5, 5, 0, 0, 0, format.Running, chld}, {7, 7, 0, 6, 6, format.Running, chld}}},
	} {
		t.Run(c.name, c.check)
	}
}

func wait(k *Kernel, by, pid format.PID) error {
	_, err := k.Wait(by, pid)
	return err
}

// expect is nil if err is want.
func expect(err error, want Errno) error {
	if errors.Is(err, want) {
		return nil
	}
	return errors.Join(errors.New("not "+string(want)), err)
}
