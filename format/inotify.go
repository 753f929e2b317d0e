package format

// Inotify as of inotify(7).
type Inotify struct {
	Watches []InotifyWatch `json:"watches,omitempty"`
	// Events are the unread events as read(2) would give them.
	Events []byte `json:"events,omitempty"`
}

// InotifyWatch is one watch.
type InotifyWatch struct {
	Number int32   `json:"number"`
	File   FileRef `json:"file"`
	Mask   uint32  `json:"mask"`
}

// Fanotify as of fanotify(7).
type Fanotify struct {
	Flags      uint32         `json:"flags"`
	EventFlags uint32         `json:"event_flags,omitempty"`
	Marks      []FanotifyMark `json:"marks,omitempty"`
}

// FanotifyMark is one mark.
type FanotifyMark struct {
	File    FileRef `json:"file"`
	Flags   uint32  `json:"flags,omitempty"`
	Mask    uint64  `json:"mask"`
	Ignored uint64  `json:"ignored,omitempty"`
}
