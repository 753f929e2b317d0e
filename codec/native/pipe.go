package native

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync"

	"github.com/thaw-cr/thaw/format"
)

// pageSum is what hashing finds of one page.
type pageSum struct {
	zero   bool
	digest [digestSize]byte
}

var zeroPage [pageSize]byte

// sumPages hashes the pages of p.
func sumPages(p []byte, sums []pageSum) {
	for i := range sums {
		page := p[i*pageSize:][:pageSize]
		if sums[i].zero = bytes.Equal(page, zeroPage[:]); !sums[i].zero {
			sums[i].digest = sha256.Sum256(page)
		}
	}
}

// job is a piece of one run on its way from the source to the file.
type job struct {
	object format.ObjectID
	first  format.PageNum
	// zero is the number of pages of a zero run; otherwise pages are in buf.
	zero uint64
	buf  []byte
	sums []pageSum
	// done gets a value when the sums are there.
	done chan struct{}
}

// pipeline moves pages: the caller's goroutine reads them, several hash them, one
// writes them in order.
type pipeline struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	w      *pageWriter
	// free are jobs not in use, hash those to be hashed, write all in order.
	free, hash, write chan *job
	made, most        int
	wg                sync.WaitGroup
}

// pipe gives all pages of img to w.
func pipe(ctx context.Context, img *format.Image, w *pageWriter) error {
	workers := min(runtime.GOMAXPROCS(0), 8)
	most := workers + 3
	p := &pipeline{w: w, most: most, free: make(chan *job, most), hash: make(chan *job, most), write: make(chan *job, most)}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	defer p.cancel(nil)
	for range workers {
		p.wg.Go(func() {
			for j := range p.hash {
				sumPages(j.buf, j.sums)
				j.done <- struct{}{}
			}
		})
	}
	p.wg.Go(p.writeAll)
	if err := p.readAll(img); err != nil {
		p.cancel(err)
	}
	close(p.hash)
	close(p.write)
	p.wg.Wait()
	return context.Cause(p.ctx)
}

// writeAll writes jobs in order. After an error it goes on taking them, so that
// nobody waits for it.
func (p *pipeline) writeAll() {
	for j := range p.write {
		if j.zero == 0 {
			<-j.done
		}
		if p.ctx.Err() == nil {
			if err := p.writeJob(j); err != nil {
				p.cancel(err)
			}
		}
		p.free <- j
	}
}

func (p *pipeline) writeJob(j *job) error {
	if j.zero != 0 {
		return p.w.zeroRun(j.object, j.first, j.zero)
	}
	return p.w.block(j.object, j.first, j.buf, j.sums)
}

// readAll reads the pages of all objects.
func (p *pipeline) readAll(img *format.Image) error {
	seen := map[format.ObjectID]bool{}
	for _, id := range pageObjects(img) {
		if seen[id] {
			continue
		}
		seen[id] = true
		var end format.PageNum
		for r, err := range img.Pages.Runs(p.ctx, id) {
			if err != nil {
				return fmt.Errorf("page runs of object %d: %w", id, err)
			}
			if r.First < end || r.First > maxPage || r.Count == 0 || r.Count > maxPage {
				return fmt.Errorf("page runs of object %d: run of %d pages at page %#x is empty, out of order or too high", id, r.Count, uint64(r.First))
			}
			end = r.End()
			if err := p.readRun(img.Pages, id, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// readRun reads one run in pieces.
func (p *pipeline) readRun(src format.PageSource, id format.ObjectID, r format.PageRun) error {
	for r.Count > 0 {
		j, err := p.job()
		if err != nil {
			return err
		}
		n := min(r.Count, chunkPages)
		if r.Zero {
			n = r.Count
			j.zero = n
		}
		j.object, j.first = id, r.First
		if !r.Zero {
			if err := p.fill(src, j, int(n)); err != nil {
				return err
			}
		}
		p.write <- j
		r.First += format.PageNum(n)
		r.Count -= n
	}
	return nil
}

// fill reads n pages into j and has them hashed.
func (p *pipeline) fill(src format.PageSource, j *job, n int) error {
	if cap(j.sums) < n {
		j.buf = make([]byte, n*pageSize)
		j.sums = make([]pageSum, n)
	}
	j.zero, j.buf, j.sums = 0, j.buf[:n*pageSize], j.sums[:n]
	if err := src.ReadPages(p.ctx, j.object, j.first, j.buf); err != nil {
		return fmt.Errorf("read pages of object %d at %s: %w", j.object, j.first.Addr(), err)
	}
	p.hash <- j
	return nil
}

// job gives a job that is not in use.
func (p *pipeline) job() (*job, error) {
	if err := p.ctx.Err(); err != nil {
		return nil, context.Cause(p.ctx)
	}
	select {
	case j := <-p.free:
		return j, nil
	default:
	}
	if p.made < p.most {
		p.made++
		return &job{done: make(chan struct{}, 1)}, nil
	}
	return <-p.free, nil
}
