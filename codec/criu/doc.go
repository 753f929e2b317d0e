// Package criu reads and writes images of CRIU, Checkpoint/Restore In Userspace:
// directories of files, each of one kind of state, as criu dump(8) makes them.
//
//	inventory.img        what the image is, the writer's own namespaces
//	pstree.img           processes: pid, parent, group, session, threads
//	core-TID.img         a task: registers, signals, credentials, timers, …
//	ids-PID.img          what a process shares, and its namespaces
//	mm-PID.img           its memory areas
//	pagemap-PID.img      which pages are in which pages-N.img, or in the parent
//	pages-N.img          pages, nothing else
//	fdinfo-ID.img        descriptors
//	files.img            open files; older versions: reg-files.img, pipes.img, …
//	…                    sockets' and pipes' contents, mounts, networks, control groups
//
// A file begins with a magic number of its kind (version 1.0) or with one of a
// group and then that of its kind (1.1). Records follow: a length of four bytes, a
// protobuf message of that length and, for some kinds, raw data whose length the
// message tells. The table in kind.go has all kinds; spec/criu.md says what
// becomes of each in the model.
//
// # Main path
//
//	dir       every file is read and split into records, on all processors (dir.go)
//	decoder   makes the model of them, process by process (decode.go)
//	store     gives pages, also those of parent images (pages.go)
//	Encode    writes the files of a model (encode.go)
//
// Every file but those with pages is also kept as an attachment. Where the model
// is still what the attachments say, writing the image writes them again byte for
// byte, with all fields and files that this program does not know; otherwise the
// files are made anew of the model.
//
// # Security
//
// Sizes are checked against the bytes that are there and against codec.Limits
// before anything is allocated. Names of files are those of the table and never
// come out of an image.
package criu
