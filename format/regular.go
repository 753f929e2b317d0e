package format

// RegularFile is an open regular file; opened with O_PATH also a symbolic link,
// a fifo or a socket, as its mode says.
type RegularFile struct {
	File FileRef `json:"file"`
}

// DirectoryFile is an open directory.
type DirectoryFile struct {
	File FileRef `json:"file"`
}

// DeviceFile is an open character or block device that is not a terminal.
type DeviceFile struct {
	File FileRef `json:"file"`
	// Major and Minor of the device.
	Major uint32 `json:"major"`
	Minor uint32 `json:"minor"`
	Block bool   `json:"block,omitempty"`
}

// OtherFile is a kind of file the model knows only by name.
type OtherFile struct {
	// Link is what /proc/PID/fd showed.
	Link string `json:"link"`
}
