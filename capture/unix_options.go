package capture

import (
	"bytes"
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
)

// socketOption is an option of level SOL_SOCKET (include/uapi/asm-generic/socket.h)
// and the size of its value in bytes.
type socketOption struct{ name, size int }

// socketOptions are those that programs can set and read.
var socketOptions = []socketOption{
	{2, 4},   // SO_REUSEADDR
	{5, 4},   // SO_DONTROUTE
	{6, 4},   // SO_BROADCAST
	{7, 4},   // SO_SNDBUF
	{8, 4},   // SO_RCVBUF
	{9, 4},   // SO_KEEPALIVE
	{10, 4},  // SO_OOBINLINE
	{11, 4},  // SO_NO_CHECK
	{12, 4},  // SO_PRIORITY
	{13, 8},  // SO_LINGER
	{15, 4},  // SO_REUSEPORT
	{16, 4},  // SO_PASSCRED
	{18, 4},  // SO_RCVLOWAT
	{20, 16}, // SO_RCVTIMEO
	{21, 16}, // SO_SNDTIMEO
	{29, 4},  // SO_TIMESTAMP
	{34, 4},  // SO_PASSSEC
	{35, 4},  // SO_TIMESTAMPNS
	{36, 4},  // SO_MARK
	{40, 4},  // SO_RXQ_OVFL
	{42, 4},  // SO_PEEK_OFF
	{44, 4},  // SO_LOCK_FILTER
	{63, 4},  // SO_TIMESTAMP_NEW
	{64, 4},  // SO_TIMESTAMPNS_NEW
	{72, 4},  // SO_BUF_LOCK
	{76, 4},  // SO_PASSPIDFD
	{83, 4},  // SO_PASSRIGHTS
}

// readSocketOptions reads the options that differ from those of a new socket.
func (c *capturer) readSocketOptions(o *opened, u *format.UnixSocket) error {
	if n, err := sys.FilterLength(o.dup); err != nil || n > 0 {
		c.refuseUnix(c.unix.byInode[uint32(u.Inode)], "a filter is attached to it")
	}
	defaults, err := c.socketDefaults(u.Type)
	if err != nil {
		return err
	}
	values, err := optionValues(o.dup)
	if err != nil {
		return err
	}
	for i, v := range values {
		if !bytes.Equal(v, defaults[i]) {
			u.Options = append(u.Options, format.SocketOption{Level: solSocket, Name: int32(socketOptions[i].name), Value: v})
		}
	}
	return nil
}

// socketDefaults are the options of a new socket of a type.
func (c *capturer) socketDefaults(kind int32) ([][]byte, error) {
	if d := c.unix.defaults[kind]; d != nil {
		return d, nil
	}
	fd, err := sys.Socket(int(kind))
	if err != nil {
		return nil, err
	}
	defer func() { _ = sys.Close(fd) }()
	d, err := optionValues(fd)
	c.unix.defaults[kind] = d
	return d, err
}

// optionValues reads all options; those that this kernel does not know are nil.
func optionValues(fd int) ([][]byte, error) {
	values := make([][]byte, len(socketOptions))
	for i, opt := range socketOptions {
		v, err := sys.Getsockopt(fd, solSocket, opt.name, opt.size)
		switch {
		case sys.NoOption(err):
		case err != nil:
			return nil, fmt.Errorf("socket option %d: %w", opt.name, err)
		default:
			values[i] = v
		}
	}
	return values, nil
}
