package main

import (
	"runtime"
	"runtime/debug"
)

const (
	// firstCollection lets the heap grow to 24 MiB (the runtime's least heap of
	// 4 MiB is in proportion) before memory is collected the first time: most
	// commands end before that. Afterwards the usual pace holds.
	firstCollection = 600
	usualPace       = 100
)

// collectLate puts the first garbage collection off.
func collectLate() {
	debug.SetGCPercent(firstCollection)
	runtime.AddCleanup(new([64]byte), func(struct{}) { debug.SetGCPercent(usualPace) }, struct{}{})
}
