package format

// PipeEnd is one open end of a pipe or fifo; the description's access mode says
// which.
type PipeEnd struct {
	// Buffer is the PipeBuffer that all ends share.
	Buffer ObjectID `json:"buffer"`
}

// PipeBuffer is a pipe or fifo with what is in it.
type PipeBuffer struct {
	ID ObjectID `json:"id"`
	// Fifo is the file of a named pipe; without a path for a pipe.
	Fifo FileRef `json:"fifo,omitzero"`
	// Capacity in bytes (F_GETPIPE_SZ).
	Capacity uint32 `json:"capacity,omitempty"`
	// Data are the unread bytes.
	Data []byte `json:"data,omitempty"`
	// Packets are the lengths of the packets in Data, for a pipe in packet mode.
	Packets []uint32 `json:"packets,omitempty"`
}
