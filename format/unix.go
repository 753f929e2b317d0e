package format

// SocketMessage is one message in a receive queue. The data of a stream is cut
// where descriptors or credentials were sent with it: they come with the first
// byte of their message.
type SocketMessage struct {
	Data []byte `json:"data,omitempty"`
	// From is the sender's address as a sockaddr.
	From []byte `json:"from,omitempty"`
	// Files are descriptions in flight (SCM_RIGHTS).
	Files []ObjectID `json:"files,omitempty"`
	// Creds are the sender's, where they are known.
	Creds *PeerCredentials `json:"creds,omitempty"`
}

// PeerCredentials as of SO_PEERCRED and SCM_CREDENTIALS.
type PeerCredentials struct {
	PID PID    `json:"pid"`
	UID uint32 `json:"uid"`
	GID uint32 `json:"gid"`
}

// UnixSocket as of unix(7).
type UnixSocket struct {
	SocketCommon
	// Name is the bound name without the rest of the sockaddr: a path without
	// its final zero byte, or an abstract name after a zero byte.
	Name []byte `json:"name,omitempty"`
	// Dir is the directory a relative path was bound in.
	Dir string `json:"dir,omitempty"`
	// Root is the root directory of the task that bound a path, if not "/".
	Root string `json:"root,omitempty"`
	// Path is where the file that the name made is now, if it was renamed.
	Path string `json:"path,omitempty"`
	// Deleted says that the file was removed.
	Deleted bool `json:"deleted,omitempty"`
	// Mode and owner of the name in the file system; mode 0 if they are not
	// known.
	Mode uint32 `json:"mode,omitempty"`
	UID  uint32 `json:"uid,omitempty"`
	GID  uint32 `json:"gid,omitempty"`
	// Peer is the description connected to; PeerName its name where only that
	// is known.
	Peer     ObjectID `json:"peer,omitempty"`
	PeerName []byte   `json:"peer_name,omitempty"`
	// PeerGone says that the socket is connected to one that was closed.
	PeerGone bool `json:"peer_gone,omitempty"`
	// PeerCreds is what SO_PEERCRED gives: of a listening socket its own.
	PeerCreds *PeerCredentials `json:"peer_creds,omitempty"`
	// Error is what the next call fails with (errno): 104, ECONNRESET, if the
	// peer was closed before it had read everything.
	Error uint32          `json:"error,omitempty"`
	Queue []SocketMessage `json:"queue,omitempty"`
	// Pending are connections not yet accepted, in their order: the sockets
	// that accept(2) would give, which no descriptor leads to yet. Their peers
	// are the clients.
	Pending []ObjectID `json:"pending,omitempty"`
}

// NamesFile says whether the socket is bound to a path.
func (u *UnixSocket) NamesFile() bool { return len(u.Name) > 0 && u.Name[0] != 0 }
