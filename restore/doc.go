// Package restore brings an image's process tree back to life.
//
// The main path of [Run]:
//
//	plan.New            which process makes which, in what order
//	newBuilder … build  programs for all tasks in a table of records
//	husk.Start          the seed: the first process, which makes all others
//	engine.await        all present, hand-over in saved order, all done
//	finisher            registers, masks and restart state by ptrace
//	verify              the frozen tree is compared with the image
//	commit              from here on the tree outlives its engine
//	release             every task detached in one sweep
//
// The protocol: first the whole tree is made, zombies included, and every task
// reports in and waits. When all are there the coordinator, the image's first
// task, lets them begin; the state of each is restored in the saved order, one
// handing over to the next. What no order depends on, memory and files, may
// overlap. Zombies restore the bare minimum and end. Nothing of the tree runs
// before the last is done and the tree has been verified.
//
// Unix sockets are made by the processes that SO_PEERCRED names, as far as the
// image has them, and in the name of their users; what nobody is told the maker
// of one process of each group does. The groups of whoever made them
// (SO_PEERGROUPS) and security labels (SO_PEERSEC) are those of the engine.
// Their files are made anew where a dead socket, or nobody, has one.
//
// All or nothing: on any failure, time-out or cancelled context every process
// that was made is killed and reaped before Run returns, and the error names
// the step and the task. If the engine itself is killed, husks notice soon
// and exit, and traced tasks are killed by the kernel; after the commit the
// kernel lets them run, all of them, as the engine would have.
//
// The package does not judge an image: callers validate it first. What is found
// wrong about this host is reported as findings by [Preflight].
package restore
