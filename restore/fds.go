package restore

import "github.com/thaw-cr/thaw/format"

// engineFDs are the descriptor numbers that husks have of the engine's, all
// above those of the image, so that one close_range removes them at the end.
type engineFDs struct {
	base   int // the lowest
	table  int // the table of records
	engine int // a pidfd of the engine
	pages  int // the page file
	tty    int // the caller's terminal, if any
	cores  int // a file system for core dumps of zombies
	boot   int // the program of the first husk
	free   int // from here on objects of the image
}

// minimumFD is the lowest number for the engine's descriptors; bigger than what
// the seed uses for a moment.
const minimumFD = 16

func newEngineFDs(img *format.Image) engineFDs {
	n := minimumFD
	for _, t := range img.Objects.FileTables {
		for _, e := range t.Entries {
			n = max(n, int(e.FD)+1)
		}
	}
	for _, f := range img.Objects.Files {
		if f.Epoll != nil {
			for _, w := range f.Epoll.Watches {
				n = max(n, int(w.FD)+1)
			}
		}
	}
	return engineFDs{base: n, table: n, engine: n + 1, pages: n + 2, tty: n + 3, cores: n + 4, boot: n + 5, free: n + 6}
}

// files is the list of descriptors the seed starts with.
func (e engineFDs) files(table, engine, pages, tty int) []uintptr {
	list := make([]uintptr, e.free)
	for i := range list {
		list[i] = ^uintptr(0)
	}
	list[e.table], list[e.engine] = uintptr(table), uintptr(engine)
	if pages >= 0 {
		list[e.pages] = uintptr(pages)
	}
	if tty >= 0 {
		list[e.tty] = uintptr(tty)
	}
	return list
}
