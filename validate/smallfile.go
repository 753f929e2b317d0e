package validate

import "github.com/thaw-cr/thaw/format"

const (
	// maxEventfd is the highest count of an eventfd (eventfd(2)).
	maxEventfd = ^uint64(0) - 1
	// timerfdFlags are TFD_TIMER_ABSTIME and TFD_TIMER_CANCEL_ON_SET.
	timerfdFlags = 3
)

// checkSmallFile holds the rules about files whose state is a few numbers.
func checkSmallFile(c *checker, f *format.OpenFile) {
	switch {
	case f.Memfd != nil:
		if s := c.Shared(f.Memfd.Shared); s != nil && s.Kind != format.SharedMemfd {
			c.object("R040", f.ID, "shared memory %d is of kind %s", s.ID, s.Kind)
		}
	case f.Eventfd != nil:
		if f.Eventfd.Count > maxEventfd {
			c.object("R043", f.ID, "count %d", f.Eventfd.Count)
		}
	case f.Signalfd != nil:
		if f.Signalfd.Mask&unblockable != 0 {
			c.object("R044", f.ID, "signalfd for %s", f.Signalfd.Mask&unblockable)
		}
	case f.Timerfd != nil:
		checkTimerfd(c, f.ID, f.Timerfd)
	case f.Inotify != nil:
		checkInotify(c, f.ID, f.Inotify)
	case f.Fanotify != nil:
		checkFanotify(c, f.ID, f.Fanotify)
	case f.Pidfd != nil:
		checkPidfd(c, f.ID, f.Pidfd)
	}
}

func checkTimerfd(c *checker, id format.ObjectID, t *format.Timerfd) {
	switch t.Clock {
	case 0, 1, 7, 8, 9:
	default:
		c.object("R045", id, "clock %d", t.Clock)
	}
	if t.Remaining > maxTime || t.Interval > maxTime || t.SetFlags&^timerfdFlags != 0 {
		c.object("R046", id, "%d ns remaining, interval %d ns, flags %#x", t.Remaining, t.Interval, t.SetFlags)
	}
}
