package sys

import "golang.org/x/sys/unix"

// SpliceNonblock is SPLICE_F_NONBLOCK.
const SpliceNonblock = 2

// Tee copies up to n bytes from one pipe to another without taking them; zero
// means that the writers are gone, EAGAIN that there is nothing or no room.
func Tee(from, to, n int) (int, error) {
	var got int64
	err := retry(func() (err error) {
		got, err = unix.Tee(from, to, n, SpliceNonblock)
		return err
	})
	return int(max(got, 0)), fdError("tee", from, err)
}

// Splice moves up to n bytes from one pipe or file to another.
func Splice(from, to, n int) (int, error) {
	var got int64
	err := retry(func() (err error) {
		got, err = unix.Splice(from, nil, to, nil, n, SpliceNonblock)
		return err
	})
	return int(max(got, 0)), fdError("splice", from, err)
}
