// Package husk is the small process image that restore runs inside other
// processes: an interpreter of system call records, written in assembly, with
// nothing mapped but itself and a table of records shared with the engine.
//
// The main path:
//
//	t, err := husk.NewTable(base, size)      // a shared memory table
//	p := t.Program("task 100")               // programs are lists of records
//	p.Call("set umask", sysUmask, 0o22).Any()
//	s, err := husk.Start(t, p, attr)         // one process executes the first
//	err = t.Wait(ctx, word, n)               // progress shows in shared words
//
// A husk has no stack, no libc and no Go runtime: it loads the arguments of a
// record into registers, makes the system call, compares the result with what
// the record allows, stores it where the record says and goes to the next. A
// record that fails stops its husk for good and tells the engine which it was.
// Processes and threads made by clone3 records go on in programs of their own.
//
// Every wait has a time-out after which the husk looks whether the engine still
// lives (through a pidfd) and exits if not, so that a killed engine leaves
// nothing behind.
//
// Where there is no husk for the architecture, Start fails with
// ErrNotSupported.
package husk
