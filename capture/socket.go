package capture

import (
	"fmt"

	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// socketFamilies are the codes of refused sockets by address family.
var socketFamilies = map[int]struct{ code, name string }{
	1: {validate.CodeUnixSocket, "a unix domain socket"}, 2: {validate.CodeInetSocket, "an IPv4 socket"},
	10: {validate.CodeInetSocket, "an IPv6 socket"}, 16: {validate.CodeNetlinkSocket, "a netlink socket"},
	17: {validate.CodePacketSocket, "a packet socket"},
}

// refuseSocket names the kind of socket that is refused.
func (c *capturer) refuseSocket(o *opened) error {
	if o.dup < 0 {
		c.refuseFile(o, validate.CodeOtherSocket, "a socket")
		return nil
	}
	family, err := sys.SocketFamily(o.dup)
	if err != nil {
		return err
	}
	f, ok := socketFamilies[family]
	if !ok {
		f.code, f.name = validate.CodeOtherSocket, fmt.Sprintf("a socket of family %d", family)
	}
	c.refuseFile(o, f.code, f.name)
	return nil
}
