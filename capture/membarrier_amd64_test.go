package capture

import (
	"slices"
	"syscall"
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// TestAskMembarriers: kernels that tell, those before Linux 6.3, and one that has
// no membarrier(2); ready are the barriers that it does.
func TestAskMembarriers(t *testing.T) {
	const private, sync, rseq, global = format.MembarrierPrivate, format.MembarrierSyncCore, format.MembarrierRseq, format.MembarrierGlobal
	refuses := func(e syscall.Errno) func() (int64, error) {
		return func() (int64, error) { return 0, &sys.Error{Call: "membarrier", Err: e} }
	}
	says := func(v format.Membarriers) func() (int64, error) {
		return func() (int64, error) { return int64(v), nil }
	}
	for _, tt := range []struct {
		name  string
		get   func() (int64, error)
		ready []uint64
		lacks []uint64
		want  format.Membarriers
		told  bool
		fails bool
	}{
		{name: "nothing", get: says(0), told: true},
		{name: "plain and global", get: says(private | global), want: private | global, told: true},
		{name: "plain implied", get: says(private | sync), ready: []uint64{abi.MembarrierSyncCore}, want: sync, told: true},
		{name: "plain and rseq", get: says(private | rseq | global), ready: []uint64{abi.MembarrierPrivate}, want: private | rseq | global, told: true},
		{name: "a kind to come", get: says(private | 1<<12), want: private | 1<<12, told: true},
		{name: "old, nothing", get: refuses(sys.EINVAL)},
		{
			name: "old, all", get: refuses(sys.EINVAL),
			ready: []uint64{abi.MembarrierPrivate, abi.MembarrierSyncCore, abi.MembarrierRseq}, want: private | sync | rseq,
		},
		{name: "old, without rseq", get: refuses(sys.EINVAL), ready: []uint64{abi.MembarrierPrivate}, lacks: []uint64{abi.MembarrierRseq}, want: private},
		{name: "no such call", get: refuses(sys.ENOSYS), told: true},
		{name: "gone", get: refuses(sys.ESRCH), fails: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, told, err := askMembarriers(func(command uint64) (int64, error) {
				if command == abi.MembarrierGet {
					return tt.get()
				}
				switch {
				case slices.Contains(tt.ready, command):
					return 0, nil
				case slices.Contains(tt.lacks, command):
					return refuses(sys.EINVAL)()
				}
				return refuses(sys.EPERM)()
			})
			if got != tt.want || told != tt.told || (err != nil) != tt.fails {
				t.Errorf("got %#x, %t, %v; want %#x, %t, failure %t", uint32(got), told, err, uint32(tt.want), tt.told, tt.fails)
			}
		})
	}
}
