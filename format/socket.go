package format

// SocketOption is one getsockopt(2) value that differs from its default.
type SocketOption struct {
	Level int32  `json:"level"`
	Name  int32  `json:"name"`
	Value []byte `json:"value"`
}

// SocketCommon is what all sockets have.
type SocketCommon struct {
	// Type is SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_RAW 3, SOCK_SEQPACKET 5.
	Type     int32          `json:"type"`
	Protocol int32          `json:"protocol,omitempty"`
	Inode    uint64         `json:"inode,omitempty"`
	Options  []SocketOption `json:"options,omitempty"`
	// ShutRead and ShutWrite as of shutdown(2).
	ShutRead  bool `json:"shut_read,omitempty"`
	ShutWrite bool `json:"shut_write,omitempty"`
	// Backlog of a listening socket; Listening says that it is one.
	Listening bool     `json:"listening,omitempty"`
	Backlog   int32    `json:"backlog,omitempty"`
	Namespace ObjectID `json:"namespace,omitempty"`
}

// InetSocket as of ip(7) and ipv6(7).
type InetSocket struct {
	SocketCommon
	// Family is AF_INET 2 or AF_INET6 10.
	Family int32 `json:"family"`
	// Local and Remote are sockaddr_in or sockaddr_in6.
	Local  []byte `json:"local,omitempty"`
	Remote []byte `json:"remote,omitempty"`
	// State is the TCP state as in /proc/net/tcp.
	State uint8 `json:"state,omitempty"`
	// Receive and Send are the queues' bytes.
	Receive []byte    `json:"receive,omitempty"`
	Send    []byte    `json:"send,omitempty"`
	TCP     *TCPState `json:"tcp,omitempty"`
}

// TCPState is what TCP_REPAIR gives and takes (tcp(7)).
type TCPState struct {
	SendSeq    uint32 `json:"send_seq"`
	ReceiveSeq uint32 `json:"receive_seq"`
	Unsent     uint32 `json:"unsent,omitempty"`
	MSS        uint32 `json:"mss,omitempty"`
	// Options is the TCP_INFO option mask, SendScale and ReceiveScale the
	// window scales.
	Options      uint32 `json:"options,omitempty"`
	SendScale    uint8  `json:"send_scale,omitempty"`
	ReceiveScale uint8  `json:"receive_scale,omitempty"`
	Timestamp    uint32 `json:"timestamp,omitempty"`
	// Window is struct tcp_repair_window.
	Window []byte `json:"window,omitempty"`
}

// NetlinkSocket as of netlink(7).
type NetlinkSocket struct {
	SocketCommon
	Port      uint32   `json:"port,omitempty"`
	Groups    []uint32 `json:"groups,omitempty"`
	DstPort   uint32   `json:"dst_port,omitempty"`
	DstGroups uint32   `json:"dst_groups,omitempty"`
}

// PacketSocket as of packet(7).
type PacketSocket struct {
	SocketCommon
	Interface uint32 `json:"interface,omitempty"`
	// Version, Reserve, Timestamp and Loss as of the socket options.
	Version   uint32 `json:"version,omitempty"`
	Reserve   uint32 `json:"reserve,omitempty"`
	Timestamp uint32 `json:"timestamp,omitempty"`
	Loss      bool   `json:"loss,omitempty"`
}

// Pidfd as of pidfd_open(2).
type Pidfd struct {
	PID PID `json:"pid"`
	// Thread is PIDFD_THREAD.
	Thread bool `json:"thread,omitempty"`
}
