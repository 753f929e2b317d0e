package simkernel

import "github.com/thaw-cr/thaw/format"

// ExitThread ends one task (exit(2)). If it is the last of its process, the
// process ends with the status; a leader whose threads live on stays as a dead
// leader.
func (k *Kernel) ExitThread(tid format.PID, status format.WaitStatus) error {
	p, err := k.running(tid)
	if err != nil {
		return err
	}
	if p.living() == 1 {
		k.exitGroup(p, status)
		return nil
	}
	if tid == p.pid {
		p.alive, p.status = false, status
	} else {
		delete(p.threads, tid)
		k.tasks.Delete(tid)
	}
	return nil
}

// ExitGroup ends a process (exit_group(2), or a signal).
func (k *Kernel) ExitGroup(tid format.PID, status format.WaitStatus) error {
	p, err := k.running(tid)
	if err != nil {
		return err
	}
	k.exitGroup(p, status)
	return nil
}

// exitGroup has p end as soon as the exit that goes on, if any, is done: a
// process that another's exit kills comes to its own exit later.
func (k *Kernel) exitGroup(p *proc, status format.WaitStatus) {
	if p.exiting {
		return
	}
	p.exiting = true
	if p.alive {
		p.status = status
	}
	k.dying = append(k.dying, p)
	if len(k.dying) > 1 {
		return
	}
	for len(k.dying) > 0 {
		k.finish(k.dying[0])
		k.dying = k.dying[1:]
	}
}

// finish is exit_notify of a process's last thread: children go to the reaper,
// groups may be orphaned, the parent is told.
func (k *Kernel) finish(p *proc) {
	p.stopped, p.unreported, p.stopSignal, p.pending = false, false, 0, 0
	for tid := range p.threads {
		k.tasks.Delete(tid)
	}
	p.alive, p.threads = false, nil
	reaper := k.reaperOf(p)
	// forget_original_parent: first all are given away, then each is looked at.
	orphans := byNumber(p.children)
	p.children = nil
	for _, c := range orphans {
		c.parent, c.exit = reaper, format.SIGCHLD
		reaper.addChild(c)
	}
	for _, c := range orphans {
		if c.zombie && k.tellParent(c) {
			continue
		}
		k.killOrphaned(c, p)
	}
	k.killOrphaned(p, nil)
	p.zombie = true
	p.objects = [Classes]format.ObjectID{}
	k.tellParent(p)
}

// reaperOf is find_new_reaper: the nearest living subreaper above, or init.
func (k *Kernel) reaperOf(p *proc) *proc {
	for a := p.parent; a != nil && a != k.init && a != k.outside; a = a.parent {
		if a.subreaper && a.living() > 0 {
			return a
		}
	}
	if p == k.init {
		return k.outside
	}
	return k.init
}

// tellParent is do_notify_parent: a parent that ignores SIGCHLD, and an
// outside that reaps, let the child go at once. It says whether that happened.
func (k *Kernel) tellParent(p *proc) bool {
	ignored := p.exit == format.SIGCHLD && p.parent.ignores.Has(format.SIGCHLD)
	gone := ignored || k.OutsideReaps && p.parent == k.outside
	if gone {
		k.release(p)
	}
	return gone
}

// release frees a zombie (release_task).
func (k *Kernel) release(p *proc) {
	p.parent.dropChild(p)
	k.tasks.Delete(p.pid)
	k.leaveGroup(p)
	k.leaveSession(p)
}

// Wait reaps zombie pid, a child of the caller (wait4 with __WALL). EAGAIN if it
// is not dead yet, ECHILD if it is no child.
func (k *Kernel) Wait(caller, pid format.PID) (format.WaitStatus, error) {
	p, err := k.child(caller, pid)
	if err != nil {
		return 0, err
	}
	k.release(p)
	return p.status, nil
}

// Peek is Wait with WNOWAIT: the zombie stays.
func (k *Kernel) Peek(caller, pid format.PID) (format.WaitStatus, error) {
	p, err := k.child(caller, pid)
	if err != nil {
		return 0, err
	}
	return p.status, nil
}

func (k *Kernel) child(caller, pid format.PID) (*proc, error) {
	me, err := k.running(caller)
	if err != nil {
		return nil, err
	}
	p := k.tasks.Get(pid)
	if p == nil || p.parent != me || p.pid != pid {
		return nil, ECHILD
	}
	if !p.zombie {
		return nil, EAGAIN
	}
	return p, nil
}

// WaitStopped takes note of the stop of child pid (WUNTRACED). EAGAIN if there
// is none, or it was noted before; ECHILD if the child is dead, as for a wait
// without WEXITED.
func (k *Kernel) WaitStopped(caller, pid format.PID) (format.Signal, error) {
	me, err := k.running(caller)
	if err != nil {
		return 0, err
	}
	p := k.tasks.Get(pid)
	switch {
	case p == nil || p.parent != me || p.pid != pid || p.zombie:
		return 0, ECHILD
	case !p.stopped || !p.unreported:
		return 0, EAGAIN
	}
	p.unreported = false
	return p.stopSignal, nil
}
