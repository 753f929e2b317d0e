package criu

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
)

const sockRaw = 3 // SOCK_RAW, the type of netlink sockets

func (d *decoder) netlink(e *entryOf, o *format.OpenFile) error {
	v := e.GetNlsk()
	if v == nil {
		return lacks(e)
	}
	d.checkSocket(e, v.GetOpts(), v.NsId)
	o.Kind, o.Flags, o.Owner = format.FileNetlink, v.GetFlags(), owner(v.GetFown())
	o.Netlink = &format.NetlinkSocket{
		SocketCommon: format.SocketCommon{
			Type: sockRaw, Protocol: int32(v.GetProtocol()), Inode: uint64(v.GetIno()), Options: options(v.GetOpts()),
			Namespace: d.netNamespace(v.GetNsId()),
		},
		Port: v.GetPortid(), Groups: slices.Clone(v.GetGroups()), DstPort: v.GetDstPortid(), DstGroups: v.GetDstGroup(),
	}
	return nil
}

func (d *decoder) packet(e *entryOf, o *format.OpenFile) error {
	v := e.GetPsk()
	if v == nil {
		return lacks(e)
	}
	d.checkSocket(e, v.GetOpts(), v.NsId)
	o.Kind, o.Flags, o.Owner = format.FilePacket, v.GetFlags(), owner(v.GetFown())
	o.Packet = &format.PacketSocket{
		SocketCommon: format.SocketCommon{
			Type: int32(v.GetType()), Protocol: int32(v.GetProtocol()), Options: options(v.GetOpts()), Namespace: d.netNamespace(v.GetNsId()),
		},
		Interface: v.GetIfindex(), Version: v.GetVersion(), Reserve: v.GetReserve(), Timestamp: v.GetTimestamp(), Loss: v.GetLoss(),
	}
	return nil
}
