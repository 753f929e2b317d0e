package native

import (
	"context"
	"errors"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/thaw-cr/thaw/codec"
)

// maxFaults is after how many damaged chunks verify gives up.
const maxFaults = 100

// verify reads all page data and compares it with its digests. It goes on after
// a fault, up to maxFaults; the error joins them.
func (s *store) verify(ctx context.Context) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	largest := 0
	for i := range s.chunks {
		largest = max(largest, s.chunks[i].size())
	}
	var next atomic.Int64
	var mu sync.Mutex
	faults := map[int]error{}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(s.chunks)) {
		wg.Go(func() {
			buf := make([]byte, largest)
			for s.alive(ctx) == nil {
				i := int(next.Add(1)) - 1
				if i >= len(s.chunks) {
					return
				}
				if err := s.load(i, buf[:s.chunks[i].size()]); err != nil {
					mu.Lock()
					faults[i] = codec.InFile(err, s.file)
					if len(faults) >= maxFaults {
						next.Store(int64(len(s.chunks)))
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if err := s.alive(ctx); err != nil {
		return err
	}
	return joinFaults(faults)
}

func joinFaults(faults map[int]error) error {
	chunks := make([]int, 0, len(faults))
	for i := range faults {
		chunks = append(chunks, i)
	}
	sort.Ints(chunks)
	var errs []error
	for _, i := range chunks {
		errs = append(errs, faults[i])
	}
	return errors.Join(errs...)
}
