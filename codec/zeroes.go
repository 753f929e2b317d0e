package codec

import "github.com/thaw-cr/thaw/format"

// mostZeroes is 256 MiB.
const mostZeroes = 1 << 16

// ZeroPages counts pages of zeroes that an encoder writes out, because its format
// has no shorter way to say them. An image says of any number of them in a few
// bytes, so that without a bound a small file would fill every disk. The zero value
// is ready for use.
type ZeroPages struct{ taken uint64 }

// Take says whether n more may be written: 65536 in all.
func (z *ZeroPages) Take(n uint64) bool {
	if n > mostZeroes-z.taken {
		return false
	}
	z.taken += n
	return true
}

// TooManyZeroes is the error of a format that can neither leave the zero pages of
// a run out nor write so many.
func TooManyZeroes(object format.ObjectID, r format.PageRun) error {
	return Errorf(TooLarge, "", 0, "object %d has %d zero pages from %s on over the contents of a file: more than %d are not written out",
		object, r.Count, r.First.Addr(), mostZeroes)
}
