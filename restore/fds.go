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
	more   int // further page files, maxPageFiles of them
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
	return engineFDs{base: n, table: n, engine: n + 1, pages: n + 2, tty: n + 3, cores: n + 4, boot: n + 5, more: n + 6, free: n + 6 + maxPageFiles}
}

// files is the list of descriptors the seed starts with. Of pages the first is the
// page file; none, if there are no pages.
func (e engineFDs) files(table, engine, tty int, pages []uintptr) []uintptr {
	list := make([]uintptr, e.free)
	for i := range list {
		list[i] = ^uintptr(0)
	}
	list[e.table], list[e.engine] = uintptr(table), uintptr(engine)
	for i, fd := range pages {
		list[e.pageFile(i)] = fd
	}
	if tty >= 0 {
		list[e.tty] = uintptr(tty)
	}
	return list
}

// pageFile is the number of a page file.
func (e engineFDs) pageFile(i int) int {
	if i == 0 {
		return e.pages
	}
	return e.more + i - 1
}
