package simkernel

import "github.com/thaw-cr/thaw/format"

// Setsid makes the caller the leader of a new session and group
// (ksys_setsid). EPERM if it leads one already or a group of its number exists.
func (k *Kernel) Setsid(caller format.PID) error {
	p, err := k.running(caller)
	if err != nil {
		return err
	}
	if p.leader || len(k.groups.Get(p.pid)) > 0 {
		return EPERM
	}
	p.leader = true
	k.leaveGroup(p)
	k.leaveSession(p)
	k.joinGroup(p, p.pid)
	k.joinSession(p, p.pid)
	return nil
}

// Setpgid puts process pid, the caller or a child of it, into a group
// (setpgid(2)); zero stands for the caller's number and for pid.
func (k *Kernel) Setpgid(caller, pid, pgid format.PID) error {
	me, err := k.running(caller)
	if err != nil {
		return err
	}
	if pid == 0 {
		pid = me.pid
	}
	if pgid == 0 {
		pgid = pid
	}
	if pgid < 0 {
		return EINVAL
	}
	p := k.tasks.Get(pid)
	switch {
	case p == nil || p == k.outside:
		return ESRCH
	case p.pid != pid:
		return EINVAL
	case p.parent == me:
		if p.sid != me.sid {
			return EPERM
		}
	case p != me:
		return ESRCH
	}
	if p.leader || pgid != pid && !k.groupIn(pgid, me.sid) {
		return EPERM
	}
	k.leaveGroup(p)
	k.joinGroup(p, pgid)
	return nil
}

// groupIn says whether group id exists in session sid.
func (k *Kernel) groupIn(id, sid format.PID) bool {
	members := k.groups.Get(id)
	return len(members) > 0 && members[0].sid == sid
}

// SetSubreaper is prctl(PR_SET_CHILD_SUBREAPER).
func (k *Kernel) SetSubreaper(caller format.PID, on bool) error {
	p, err := k.running(caller)
	if err == nil {
		p.subreaper = on
	}
	return err
}

// Ignore sets the disposition of a signal to SIG_IGN, or back to the default.
// For SIGCHLD it means that children that die leave no zombies.
func (k *Kernel) Ignore(caller format.PID, sig format.Signal, on bool) error {
	p, err := k.running(caller)
	switch {
	case err != nil:
		return err
	case !sig.Valid() || sig == format.SIGKILL || sig == format.SIGSTOP:
		return EINVAL
	case on:
		p.ignores = p.ignores.With(sig)
	default:
		p.ignores &^= format.SignalSet(0).With(sig)
	}
	return nil
}

// Kill sends a signal to a process: its default action takes place at once,
// unless the process ignores it (prepare_signal, get_signal). One that would
// end a stopped process waits for SIGCONT; SIGKILL does not. The init of a
// namespace takes SIGSTOP and SIGCONT alone, as if they came from outside.
func (k *Kernel) Kill(pid format.PID, sig format.Signal) error {
	p := k.tasks.Get(pid)
	if p == nil || p == k.outside {
		return ESRCH
	}
	if !sig.Valid() {
		return EINVAL
	}
	k.deliver(p, sig)
	return nil
}

func (k *Kernel) deliver(p *proc, sig format.Signal) {
	if p.exiting || p == k.outside || p == k.init && sig != format.SIGSTOP && sig != format.SIGCONT {
		return
	}
	action := sig.DefaultAction()
	if action == format.ActionContinue {
		k.proceed(p)
		return
	}
	if p.ignores.Has(sig) {
		return
	}
	switch action {
	case format.ActionStop:
		// get_signal: only SIGSTOP stops a member of an orphaned group.
		if sig == format.SIGSTOP || !k.orphaned(p.pgid, nil) {
			k.halt(p, sig)
		}
	case format.ActionTerminate, format.ActionCore:
		if p.stopped && sig != format.SIGKILL {
			p.pending = p.pending.With(sig)
			return
		}
		k.exitGroup(p, format.SignalStatus(sig, false))
	case format.ActionIgnore, format.ActionContinue:
	}
}

// halt stops a process (do_signal_stop).
func (k *Kernel) halt(p *proc, sig format.Signal) {
	if !p.stopped {
		p.stopped, p.stopSignal, p.unreported = true, sig, true
	}
}

// proceed ends a stop; fatal signals that came meanwhile take effect.
func (k *Kernel) proceed(p *proc) {
	p.stopped, p.stopSignal, p.unreported = false, 0, false
	for sig := format.Signal(1); sig <= format.MaxSignal; sig++ {
		if p.pending.Has(sig) {
			p.pending = 0
			k.exitGroup(p, format.SignalStatus(sig, false))
			return
		}
	}
}

// orphaned is will_become_orphaned_pgrp: no living member but ignored has its
// parent in the same session and another group.
func (k *Kernel) orphaned(pgid format.PID, ignored *proc) bool {
	for _, p := range k.groups.Get(pgid) {
		if p == ignored || p.zombie || p.parent == nil || p.parent == k.outside {
			continue
		}
		if p.parent.pgid != pgid && p.parent.sid == p.sid {
			return false
		}
	}
	return true
}

// killOrphaned is kill_orphaned_pgrp: if the exit of p, or that of parent,
// whose child p was, cuts a group with stopped members off from its session,
// the members get SIGHUP and SIGCONT.
func (k *Kernel) killOrphaned(p, parent *proc) {
	ignored := p
	if parent == nil {
		parent = p.parent
	} else {
		ignored = nil
	}
	pgid := p.pgid
	if parent.pgid == pgid || parent.sid != p.sid || !k.orphaned(pgid, ignored) {
		return
	}
	stopped := false
	for _, q := range k.groups.Get(pgid) {
		stopped = stopped || q.stopped
	}
	if !stopped {
		return
	}
	for _, sig := range []format.Signal{format.SIGHUP, format.SIGCONT} {
		for _, q := range byNumber(k.groups.Get(pgid)) {
			k.deliver(q, sig)
		}
	}
}

// Group is the thread group of a living task.
func (k *Kernel) Group(tid format.PID) (format.PID, error) {
	p, err := k.alive(tid)
	if err != nil {
		return 0, err
	}
	return p.pid, nil
}
