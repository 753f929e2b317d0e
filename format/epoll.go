package format

// Epoll as of epoll_create(2).
type Epoll struct {
	Watches []EpollWatch `json:"watches,omitempty"`
}

// EpollWatch is one watched file.
type EpollWatch struct {
	// FD is the number under which the file was added; File is the description,
	// which may no longer be open under that number.
	FD     FD       `json:"fd"`
	File   ObjectID `json:"file"`
	Events uint32   `json:"events"`
	Data   uint64   `json:"data"`
}
