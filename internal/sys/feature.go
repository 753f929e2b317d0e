package sys

import (
	"errors"
	"sync/atomic"
	"syscall"

	"github.com/thaw-cr/thaw/internal/abi"
)

// Support is the answer of a probe.
type Support int32

// The three answers. Unknown is asked again the next time.
const (
	Unknown Support = iota
	Supported
	Unsupported
)

// String says the answer in a word.
func (s Support) String() string { return [...]string{"unknown", "supported", "not supported"}[s] }

// A Feature is something that not every kernel has. Its answer is kept only
// when it is conclusive.
type Feature struct {
	// Name says what it is and Since the Linux version it came with.
	Name  string
	Since string
	probe func() error
	state atomic.Int32
}

// The features that capture and restore ask for.
var (
	FeaturePagemapScan = &Feature{Name: "ioctl PAGEMAP_SCAN", Since: "6.7", probe: probePagemapScan}
	FeaturePidfdThread = &Feature{Name: "PIDFD_THREAD", Since: "6.9", probe: probePidfdThread}
	FeatureGuardPages  = &Feature{Name: "PAGEMAP_SCAN of guard pages", Since: "6.15", probe: probeGuardPages}
)

// Probe asks the running kernel. The error says why an answer is Unknown.
func (f *Feature) Probe() (Support, error) {
	if s := Support(f.state.Load()); s != Unknown {
		return s, nil
	}
	err := f.probe()
	switch {
	case err == nil:
		f.state.Store(int32(Supported))
		return Supported, nil
	case errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.ENOTTY), errors.Is(err, syscall.EINVAL):
		f.state.Store(int32(Unsupported))
		return Unsupported, nil
	}
	return Unknown, err
}

func probePagemapScan() error { return probePages(abi.PageIsPresent) }

func probeGuardPages() error { return probePages(abi.PageIsGuard) }

func probePages(category uint64) error {
	fd, err := Open("/proc/self/pagemap", 0, 0)
	if err != nil {
		return err
	}
	_, _, err = pagemapIoctl(fd, 0x10000, 0x11000, PageQuery{All: category})
	return errors.Join(err, Close(fd))
}

func probePidfdThread() error {
	fd, err := PidfdOpen(syscall.Getpid(), PidfdThread)
	if err != nil {
		return err
	}
	return Close(fd)
}
