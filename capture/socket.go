package capture

import (
	"fmt"

	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

const familyUnix = 1

// socketFamilies are the codes of refused sockets by address family.
var socketFamilies = map[int]struct{ code, name string }{
	2: {validate.CodeInetSocket, "an IPv4 socket"}, 10: {validate.CodeInetSocket, "an IPv6 socket"},
	16: {validate.CodeNetlinkSocket, "a netlink socket"}, 17: {validate.CodePacketSocket, "a packet socket"},
}

// readSocket reads a unix socket and names the kind of others, which are
// refused.
func (c *capturer) readSocket(o *opened) error {
	if !c.needDup(o) {
		return nil
	}
	family, err := sys.SocketFamily(o.dup)
	if err != nil {
		return err
	}
	if family == familyUnix {
		return c.readUnix(o)
	}
	f, ok := socketFamilies[family]
	if !ok {
		f.code, f.name = validate.CodeOtherSocket, fmt.Sprintf("a socket of family %d", family)
	}
	c.refuseFile(o, f.code, f.name)
	return nil
}
