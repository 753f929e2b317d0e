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
// calls that the task makes on our behalf, one instruction at a time, before
// its registers are put back.
//
// State that cannot be captured is refused with findings of the family X1, all
// at once ([RefusedError]). After any error the tree runs on as before.
//
// Linux on amd64 only; needs the right to trace the tree (CAP_SYS_PTRACE) and to
// open what it has mapped (CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN).
package capture
