package hostfacts

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate/host"
)

// probes ask for features by their names; nil says that it is there.
var probes = map[string]func() error{
	host.FeatureSetTID:        sys.ProbeSetTID,
	host.FeatureCloseRange:    sys.ProbeCloseRange,
	host.FeatureMemfd:         sys.ProbeMemfd,
	host.FeatureMMMap:         sys.ProbeMMMap,
	host.FeatureRseq:          sys.ProbeRseq,
	host.FeatureMseal:         sys.ProbeMseal,
	host.FeatureMDWE:          func() error { return prctl(abi.PrGetMDWE) },
	host.FeatureMerge:         func() error { return prctl(abi.PrGetMemoryMerge) },
	host.FeatureTHPAdvised:    probeTHPAdvised,
	host.FeatureGuard:         probeGuard,
	host.FeatureNoCPUID:       probeNoCPUID,
	host.FeatureBarrierGlobal: membarrier(format.MembarrierGlobal),
	host.FeatureBarrier:       membarrier(format.MembarrierPrivate),
	host.FeatureBarrierSync:   membarrier(format.MembarrierSyncCore),
	host.FeatureBarrierRseq:   membarrier(format.MembarrierRseq),
	host.FeaturePidfdGetfd:    sys.ProbePidfdGetfd,
	host.FeatureTimerfdTicks:  sys.ProbeTimerTicks,
	host.FeatureFsopen:        sys.ProbeFsopen,
	host.FeaturePIDNamespace:  namespace("pid"),
	host.FeatureUTSNamespace:  namespace("uts"),
	host.FeatureIPCNamespace:  namespace("ipc"),
	host.FeatureUserNamespace: namespace("user"),
}

// noQuestion says that a feature is none that can be asked for.
const noQuestion = "there is no way to ask"

// Feature asks the kernel for a feature.
func (*Source) Feature(name string) host.Answer {
	probe := probes[name]
	if probe == nil {
		var level, option int
		if n, err := fmt.Sscanf(name, "socket option %d:%d", &level, &option); n != 2 || err != nil {
			return host.Answer{Is: host.Unknown, Why: noQuestion}
		}
		probe = func() error { return sys.ProbeSocketOption(level, option) }
	}
	return answer(probe())
}

// lacking are the errors of kernels that do not have what they were asked for.
var lacking = []error{
	syscall.ENOSYS, syscall.EINVAL, syscall.ENOTTY, syscall.E2BIG, syscall.ENODEV, syscall.ENOPROTOOPT, syscall.EOPNOTSUPP,
	os.ErrNotExist,
}

// answer makes one of three answers of a probe's error.
func answer(err error) host.Answer {
	if err == nil {
		return host.Answer{Is: host.Yes}
	}
	for _, e := range lacking {
		if errors.Is(err, e) {
			return host.Answer{Is: host.No, Why: err.Error()}
		}
	}
	return host.Answer{Is: host.Unknown, Why: err.Error()}
}

func prctl(op int) error {
	_, err := sys.Prctl(op, 0, 0, 0, 0)
	return err
}

func probeNoCPUID() error {
	const allowed = 1 // as it is
	_, err := sys.ArchPrctl(abi.ArchSetCPUID, allowed)
	return err
}

// probeTHPAdvised sets the attribute for this program and takes it back.
func probeTHPAdvised() error {
	was, err := sys.Prctl(abi.PrGetThpDisable, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	if _, err := sys.Prctl(abi.PrSetThpDisable, 1, abi.THPExceptAdvised, 0, 0); err != nil {
		return err
	}
	_, err = sys.Prctl(abi.PrSetThpDisable, uint64(was&1), uint64(was&abi.THPExceptAdvised), 0, 0)
	return err
}

// probeGuard guards a page of this program that is unmapped again.
func probeGuard() error {
	page, err := syscall.Mmap(-1, 0, os.Getpagesize(), syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return err
	}
	return errors.Join(syscall.Madvise(page, abi.MadvGuard), syscall.Munmap(page))
}

// membarrier asks whether the kernel takes registrations of a kind.
func membarrier(kind format.Membarriers) func() error {
	return func() error {
		has, err := sys.Membarriers()
		if err == nil && has&int(kind) == 0 {
			return syscall.EINVAL
		}
		return err
	}
}

func namespace(kind string) func() error {
	return func() error {
		_, err := os.Lstat("/proc/self/ns/" + kind)
		return err
	}
}
