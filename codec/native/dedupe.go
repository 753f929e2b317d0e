package native

import "encoding/binary"

const (
	dedupeWays = 4
	// dedupeFirst and dedupeMost are numbers of buckets, powers of two. At its
	// most the table takes 6 MiB and remembers 262144 pages, 1 GiB.
	dedupeFirst = 1 << 10
	dedupeMost  = 1 << 16
)

// pageKey is half a page's SHA-256: as hard to forge as matters, half the table.
type pageKey [16]byte

type dedupeEntry struct {
	key pageKey
	// slot plus one; zero for an empty entry.
	slot uint64
}

// dedupe remembers where pages are stored. It forgets some when full, always the
// same for the same pages.
type dedupe struct {
	buckets [][dedupeWays]dedupeEntry
	n       int
}

func (d *dedupe) bucket(key *pageKey) *[dedupeWays]dedupeEntry {
	return &d.buckets[binary.LittleEndian.Uint64(key[:])&uint64(len(d.buckets)-1)]
}

// find gives the slot of a page that was added.
func (d *dedupe) find(key *pageKey) (slot uint64, ok bool) {
	if len(d.buckets) == 0 {
		return 0, false
	}
	b := d.bucket(key)
	for i := range b {
		if b[i].slot != 0 && b[i].key == *key {
			return b[i].slot - 1, true
		}
	}
	return 0, false
}

// add remembers a page that is not in the table.
func (d *dedupe) add(key *pageKey, slot uint64) {
	if d.n >= 2*len(d.buckets) && len(d.buckets) < dedupeMost {
		d.grow()
	}
	d.n++
	d.put(dedupeEntry{*key, slot + 1})
}

func (d *dedupe) put(e dedupeEntry) {
	b := d.bucket(&e.key)
	for i := range b {
		if b[i].slot == 0 {
			b[i] = e
			return
		}
	}
	b[e.slot%dedupeWays] = e
}

func (d *dedupe) grow() {
	old := d.buckets
	d.buckets = make([][dedupeWays]dedupeEntry, max(dedupeFirst, 2*len(old)))
	for i := range old {
		for _, e := range old[i] {
			if e.slot != 0 {
				d.put(e)
			}
		}
	}
}
