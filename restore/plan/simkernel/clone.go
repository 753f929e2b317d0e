package simkernel

import "github.com/thaw-cr/thaw/format"

// CloneArgs are those of clone3(2).
type CloneArgs struct {
	// PID is the number wanted (set_tid); zero lets the kernel choose.
	PID format.PID
	// Parent is CLONE_PARENT: the child's parent is the caller's, and so is its
	// exit signal.
	Parent bool
	// Thread is CLONE_THREAD.
	Thread bool
	// ExitSignal of a process; zero for none.
	ExitSignal format.Signal
	// Share says what is shared; threads share memory and handlers anyway.
	Share [Classes]bool
}

// Clone makes a process or a thread, as copy_process does. It fails with
// EEXIST if the number is in use in any way, and with EINVAL for an exit signal
// with Parent or Thread, for Parent by the init of a namespace and for handlers
// shared without memory.
func (k *Kernel) Clone(caller format.PID, a CloneArgs) (format.PID, error) {
	p, err := k.running(caller)
	if err != nil {
		return 0, err
	}
	fixed := a.Parent || a.Thread
	if fixed && a.ExitSignal != 0 || a.ExitSignal > format.MaxSignal ||
		a.Parent && p == k.init || a.Share[Handlers] && !a.Share[Memory] && !a.Thread {
		return 0, EINVAL
	}
	pid, err := k.allocate(a.PID)
	if err != nil {
		return 0, err
	}
	if a.Thread {
		p.addThread(pid)
		k.tasks.Set(pid, p)
		return pid, nil
	}
	child := &proc{pid: pid, parent: p, exit: a.ExitSignal, alive: true, ignores: p.ignores}
	if a.Parent {
		child.parent, child.exit = p.parent, p.exit
	}
	for class, share := range a.Share {
		child.objects[class] = p.objects[class]
		if !share {
			k.lastObject++
			child.objects[class] = k.lastObject
		}
	}
	child.parent.addChild(child)
	k.tasks.Set(pid, child)
	k.joinGroup(child, p.pgid)
	k.joinSession(child, p.sid)
	return pid, nil
}

// running finds the process of a task that can make calls.
func (k *Kernel) running(tid format.PID) (*proc, error) {
	p, err := k.alive(tid)
	if err == nil && p.stopped {
		return nil, EAGAIN
	}
	return p, err
}
