// Package capture turns a living process tree into a [format.Image].
//
//	s, err := capture.Freeze(ctx, pid, capture.Options{})
//	img := s.Image()      // pages are read from the frozen tree on demand
//	err = write(img)
//	err = s.Kill()        // or s.Release(): the tree runs on as if nothing had been
//
// The tree is the process, all its descendants with all their threads, living
// and dead, and the members of sessions that it leads which other programs have
// adopted. All its tasks are seized (ptrace(2)) and stopped until no new one
// appears; then everything is read with /proc, ptrace, pidfd_getfd and
// process_vm_readv. What cannot be read from outside a task is asked by system
// calls that the task makes on our behalf before its registers are put back.
//
// Where the tree has a control group of version 2 of its own, that is frozen
// while the tasks are being seized, so that none makes new ones; a guard, a tiny
// process, lets it go on should this program be killed.
//
// A capture may be killed at any moment: the kernel lets the tasks go, and each
// goes on as if nothing had been. Those in injected calls find their way back by
// themselves: for as long as a process is queried a piece of code stands behind
// its vdso that puts registers and signal mask back. Three things remain: between
// the stop of a task and the next look at its registers, epoll_wait and the other
// calls that any stop interrupts (signal(7)) give EINTR; some hundred bytes stay
// behind the vdso, which later captures do not count to it; and a unix socket
// whose queue was being looked at may keep the place of that look (SO_PEEK_OFF).
//
// Of unix sockets sock_diag(7) tells names, peers and backlogs; their queues, with
// descriptors in flight, are read by looking (MSG_PEEK). What came through a
// connection that nobody has accepted yet can only be read by accepting it: that
// is done last, and only of a tree that will be killed ([Options].Final). The
// credentials of a message are known where the socket asks for them
// (SO_PASSCRED).
//
// State that cannot be captured is refused with findings of the family X1, all
// at once ([RefusedError]). After any error of Freeze the tree runs on as before.
//
// Linux on amd64 only; needs the right to trace the tree (CAP_SYS_PTRACE) and to
// open what it has mapped (CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN).
package capture
