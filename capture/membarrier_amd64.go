package capture

import (
	"errors"
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// barriers are the commands of membarrier(2) that are refused with EPERM to who
// has not registered for them, and otherwise change nothing: a barrier more.
var barriers = []struct {
	registered format.Membarriers
	command    uint64
}{
	{format.MembarrierPrivate, abi.MembarrierPrivate},
	{format.MembarrierSyncCore, abi.MembarrierSyncCore},
	{format.MembarrierRseq, abi.MembarrierRseq},
}

// queryMembarriers asks what the address space has registered for.
func (c *capturer) queryMembarriers(in *injection) error {
	got, told, err := askMembarriers(func(command uint64) (int64, error) {
		return in.call(abi.SysMembarrier, command, 0, 0)
	})
	if err != nil {
		return err
	}
	if !told {
		c.warnOnce(in.t.tid, "before Linux 6.3 the kernel does not tell whether barriers of other processes reach this one "+
			"(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED): that is not kept")
	}
	if unknown := got &^ format.AllMembarriers; unknown != 0 {
		c.warnOnce(in.t.tid, fmt.Sprintf("registrations %#x of membarrier are not known, and not kept", uint32(unknown)))
	}
	in.t.proc.mem.model.Membarriers = got & format.AllMembarriers
	return nil
}

// askMembarriers asks by a call that takes a command. The kernel tells since
// Linux 6.3, and says that who registered for one of the other private barriers
// did so for the plain one as well, which it refuses to him; so this is tried.
// Older kernels are asked for each; they do not tell of the global one.
func askMembarriers(call func(command uint64) (int64, error)) (set format.Membarriers, told bool, err error) {
	got, err := call(abi.MembarrierGet)
	var doubtful format.Membarriers
	switch {
	case errors.Is(err, sys.ENOSYS): // a kernel without CONFIG_MEMBARRIER
		return 0, true, nil
	case errors.Is(err, sys.EINVAL):
		doubtful = format.AllMembarriers
	case err != nil:
		return 0, false, err
	default:
		set, told = format.Membarriers(got), true
		if set&(format.MembarrierSyncCore|format.MembarrierRseq) != 0 {
			doubtful = set & format.MembarrierPrivate
		}
	}
	for _, b := range barriers {
		if doubtful&b.registered == 0 {
			continue
		}
		switch _, err := call(b.command); {
		case err == nil:
			set |= b.registered
		case errors.Is(err, sys.EPERM), errors.Is(err, sys.EINVAL): // not registered for, or not there at all
			set &^= b.registered
		default:
			return 0, false, err
		}
	}
	return set, told, nil
}
