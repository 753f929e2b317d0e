package format

// SysVKey identifies a System V IPC object.
type SysVKey struct {
	// Key is zero for IPC_PRIVATE; Number is what shmget, semget or msgget gave.
	Key    int32  `json:"key"`
	Number int32  `json:"number"`
	UID    uint32 `json:"uid"`
	GID    uint32 `json:"gid"`
	CUID   uint32 `json:"cuid"`
	CGID   uint32 `json:"cgid"`
	// Mode is the permissions; with 0o1000 a segment that goes with its last
	// attachment, with 0o2000 one that is locked (SHM_DEST, SHM_LOCKED).
	Mode uint32 `json:"mode"`
	// Namespace is the ipc namespace; zero for the host's.
	Namespace ObjectID `json:"namespace,omitempty"`
}

// SysVSemaphores is a semaphore set (semget(2)).
type SysVSemaphores struct {
	ID     ObjectID `json:"id"`
	Key    SysVKey  `json:"key"`
	Values []uint16 `json:"values"`
	// Undo are the adjustments to make when processes exit.
	Undo []SysVUndo `json:"undo,omitempty"`
}

// SysVUndo is one process's adjustment of one semaphore.
type SysVUndo struct {
	Process   PID   `json:"process"`
	Semaphore int32 `json:"semaphore"`
	Adjust    int16 `json:"adjust"`
}

// SysVMessages is a message queue (msgget(2)).
type SysVMessages struct {
	ID       ObjectID      `json:"id"`
	Key      SysVKey       `json:"key"`
	MaxBytes uint64        `json:"max_bytes,omitempty"`
	Messages []SysVMessage `json:"messages,omitempty"`
}

// SysVMessage is one queued message.
type SysVMessage struct {
	Type int64  `json:"type"`
	Data []byte `json:"data,omitempty"`
}
