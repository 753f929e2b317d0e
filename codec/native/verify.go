package native

import (
	"context"
	"errors"
	"hash/crc32"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/thaw-cr/thaw/codec"
)

// maxFaults is after how many damaged chunks reading them all is given up.
const maxFaults = 100

// verify reads all page data and compares it with its checksums and digests.
func (s *store) verify(ctx context.Context) error {
	largest := 0
	for i := range s.chunks {
		largest = max(largest, s.chunks[i].size())
	}
	return s.each(ctx, largest, func(i int, buf []byte) error { return s.load(i, buf[:s.chunks[i].size()]) })
}

// checkPiece is how much check reads at a time: what was copied is still in the
// processor's cache when it is summed.
const checkPiece = 256 << 10

// check reads all page data as it is stored and compares it with its checksums.
func (s *store) check(ctx context.Context) error {
	return s.each(ctx, checkPiece, s.sum)
}

// sum compares chunk i with its checksum, reading it through buf.
func (s *store) sum(i int, buf []byte) error {
	c := &s.chunks[i]
	var crc uint32
	for done := 0; done < int(c.stored); {
		p := buf[:min(len(buf), int(c.stored)-done)]
		if err := readAt(s.at, p, c.offset+int64(done), chunkName(i)); err != nil {
			return err
		}
		crc = crc32.Update(crc, castagnoli, p)
		done += len(p)
	}
	if crc != c.crc {
		return badChunk(chunkName(i), c)
	}
	return nil
}

// each calls do for all chunks from several goroutines, each of which has a buffer
// of size bytes. It goes on after a fault, up to maxFaults; the error joins them.
func (s *store) each(ctx context.Context, size int, do func(i int, buf []byte) error) error {
	if err := s.latch.Alive(ctx); err != nil {
		return err
	}
	var next atomic.Int64
	var mu sync.Mutex
	faults := map[int]error{}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(s.chunks)) {
		wg.Go(func() {
			buf := make([]byte, size)
			for s.latch.Alive(ctx) == nil {
				i := int(next.Add(1)) - 1
				if i >= len(s.chunks) {
					return
				}
				if err := do(i, buf); err != nil {
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
	if err := s.latch.Alive(ctx); err != nil {
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
