package native

import "sync"

// cacheChunks is how many chunks, of a mebibyte each, are kept for reads of less
// than a chunk.
const cacheChunks = 8

// cache holds the chunks that were read last. Goroutines that want the same
// chunk load it once.
type cache struct {
	mu      sync.Mutex
	entries [cacheChunks]*cached
	clock   uint64
}

type cached struct {
	chunk int
	used  uint64
	once  sync.Once
	data  []byte
	err   error
}

// get gives the data of a chunk, loaded by load if it is not there. It may only
// be read.
func (c *cache) get(chunk int, load func() ([]byte, error)) ([]byte, error) {
	e := c.entry(chunk)
	e.once.Do(func() { e.data, e.err = load() })
	if e.err != nil {
		c.forget(e)
	}
	return e.data, e.err
}

// entry finds the entry of a chunk or puts a new one in the place of the one that
// was used longest ago.
func (c *cache) entry(chunk int) *cached {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	oldest := 0
	for i, e := range c.entries {
		switch {
		case e == nil:
			oldest = i
		case e.chunk == chunk:
			e.used = c.clock
			return e
		case c.entries[oldest] != nil && e.used < c.entries[oldest].used:
			oldest = i
		}
	}
	e := &cached{chunk: chunk, used: c.clock}
	c.entries[oldest] = e
	return e
}

func (c *cache) forget(e *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.entries {
		if c.entries[i] == e {
			c.entries[i] = nil
		}
	}
}

// drop forgets all.
func (c *cache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = [cacheChunks]*cached{}
}
