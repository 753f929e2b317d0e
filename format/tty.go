package format

// Terminal is a terminal device or one pseudo-terminal pair.
type Terminal struct {
	ID ObjectID `json:"id"`
	// Path as the slave was opened; Index of /dev/pts.
	Path  string `json:"path,omitempty"`
	Index uint32 `json:"index,omitempty"`
	Major uint32 `json:"major"`
	Minor uint32 `json:"minor"`
	// Inherited says that the other side is outside the image: the tree borrows
	// the terminal from whoever restores it.
	Inherited bool `json:"inherited,omitempty"`
	// Session and Group as of TIOCGSID and TIOCGPGRP; zero for none.
	Session PID `json:"session,omitempty"`
	Group   PID `json:"group,omitempty"`
	// Settings is struct termios2 (44 bytes on amd64), Rows and Columns the
	// window.
	Settings []byte `json:"settings,omitempty"`
	Rows     uint16 `json:"rows,omitempty"`
	Columns  uint16 `json:"columns,omitempty"`
	Locked   bool   `json:"locked,omitempty"`
	Packet   bool   `json:"packet,omitempty"`
	// Input and Output are unread bytes on the way to the slave and the master.
	Input  []byte `json:"input,omitempty"`
	Output []byte `json:"output,omitempty"`
}

// TTYFile is an open terminal.
type TTYFile struct {
	Terminal ObjectID `json:"terminal"`
	Master   bool     `json:"master,omitempty"`
	File     FileRef  `json:"file,omitzero"`
}
