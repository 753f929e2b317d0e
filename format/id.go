package format

import (
	"fmt"
	"strconv"
)

// PID is a task or process number in the image's outermost pid namespace.
// Zero means "none" or, for a parent, session or group, "outside the image's
// namespace", as the kernel prints it.
type PID int32

// FD is a file descriptor number.
type FD int32

// ObjectID names a shared object of an image. Ids are unique over all kinds of
// objects; zero means none.
type ObjectID uint32

// Addr is a virtual address, or a length in bytes where its field says so.
type Addr uint64

// String gives the address in hexadecimal with 0x.
func (a Addr) String() string { return "0x" + strconv.FormatUint(uint64(a), 16) }

// MarshalJSON writes the address as a hexadecimal string, because JSON numbers
// lose bits above 2^53.
func (a Addr) MarshalJSON() ([]byte, error) { return marshalHex(uint64(a)) }

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Addr) UnmarshalJSON(b []byte) error {
	v, err := unmarshalHex(b)
	*a = Addr(v)
	return err
}

func marshalHex(v uint64) ([]byte, error) {
	return []byte(`"0x` + strconv.FormatUint(v, 16) + `"`), nil
}

func unmarshalHex(b []byte) (uint64, error) {
	s, err := strconv.Unquote(string(b))
	if err != nil {
		return 0, fmt.Errorf("hexadecimal string wanted, not %.40q: %w", b, err)
	}
	v, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("hexadecimal string: %w", err)
	}
	return v, nil
}
