package sys

import "golang.org/x/sys/unix"

// spliceNonblock is SPLICE_F_NONBLOCK.
const spliceNonblock = 2

// Tee copies up to n bytes from one pipe to another without taking them; zero
// means that the writers are gone, EAGAIN that there is nothing or no room.
func Tee(from, to, n int) (int, error) {
	var got int64
	err := retry(func() (err error) {
		got, err = unix.Tee(from, to, n, spliceNonblock)
		return err
	})
	return int(max(got, 0)), fdError("tee", from, err)
}
