package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
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
	// mostPercent makes the runtime's least heap ours, growthPercent is how much a
	// large heap grows between collections: an image of many tasks is nothing but
	// live memory, beside which as much garbage again would stand.
	mostPercent   = leastHeap * 100 / runtimeHeap
	growthPercent = 35
)

// paceCollections sets the pace of garbage collection, and anew after each.
func paceCollections() {
	debug.SetGCPercent(mostPercent)
	afterCollection(func() { debug.SetGCPercent(pace(liveHeap())) })
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
// are in use.
func pace(live uint64) int {
	if live >= leastHeap {
		return growthPercent
	}
	return int(min(max((leastHeap-live)*100/max(live, 1), growthPercent), mostPercent))
}
