package malformed

import "math"

// wrongLengths are what a 32-bit length can be in place of n.
var wrongLengths = []struct {
	name string
	of   func(n uint32) uint32
}{
	{"zero", func(uint32) uint32 { return 0 }},
	{"one", func(uint32) uint32 { return 1 }},
	{"one-less", func(n uint32) uint32 { return n - 1 }},
	{"one-more", func(n uint32) uint32 { return n + 1 }},
	{"max-less-one", func(uint32) uint32 { return math.MaxUint32 - 1 }},
	{"max", func(uint32) uint32 { return math.MaxUint32 }},
}
