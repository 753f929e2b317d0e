package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

const (
	// leastHeap is what the heap may grow to before memory is collected, however
	// little of it is in use: most commands end before that, and one that reads a
	// thousand small images one after the other collects a few dozen times
	// instead of hundreds.
	leastHeap = 24 << 20
	// runtimeHeap is the least heap of Go's runtime at 100 percent, which is in
	// proportion.
	runtimeHeap = 4 << 20
	// growthPercent is how much a large heap grows between collections: an image of
	// many tasks is nothing but live memory, beside which as much garbage again would
	// stand.
	growthPercent = 35
	// heapPerByte is how much an image's model and what is made to judge it take for
	// each byte of its metadata: until then a collection finds next to nothing.
	heapPerByte = 5
	// mostMetadata is what is expected of an image at most: what is longer has pages.
	mostMetadata = 64 << 20
)

// expected is the metadata of the image being judged, bytes.
var expected atomic.Int64

// paceCollections sets the pace of garbage collection, and anew after each.
func paceCollections() {
	setPace()
	afterCollection(setPace)
}

// expectMetadata says that an image of so many bytes is about to be judged, or
// that this is over, with zero.
func expectMetadata(bytes int64) {
	expected.Store(min(bytes, mostMetadata))
	setPace()
}

func setPace() {
	debug.SetGCPercent(pace(liveHeap(), leastHeap+heapPerByte*uint64(expected.Load())))
}

// afterCollection calls f after every collection that follows.
func afterCollection(f func()) {
	runtime.AddCleanup(new([64]byte), func(f func()) {
		f()
		afterCollection(f)
	}, f)
}

// liveHeap is what the last collection left, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// pace is the growth in percent at which to collect a heap of which live bytes
// are in use and which may be of least bytes.
func pace(live, least uint64) int {
	if live >= least {
		return growthPercent
	}
	return int(min(max((least-live)*100/max(live, 1), growthPercent), least*100/runtimeHeap))
}
