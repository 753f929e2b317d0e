// Package plan decides how a process tree is built: which process creates
// which, when sessions and groups come to be, which helpers stand in for
// leaders and parents that are gone, and when each zombie dies.
//
//	p, err := plan.New(img, plan.Options{})       // pure: no system calls
//	got, err := plan.Simulate(p, img, opts, rng)  // a small kernel runs it
//	diffs := plan.Compare(img, got, opts)         // and the tree is the image's
//	fmt.Print(p)                                  // it prints itself
//
// A plan is a list of steps. Carried out one after the other in their order
// they build the tree; carried out in parallel they do so too, if every process
// keeps the order of its own steps and waits for the steps named in After.
//
// The steps come in three phases, each of which begins when the one before it
// has ended everywhere; After never names a step of an earlier phase:
//
//   - the tree, up to the reports of all tasks of the image;
//   - the deaths: OpDie, OpWitness, OpLeaveLead;
//   - the stops: OpStop, OpSeeStop. They come last, because a death can make a
//     group an orphan, whose stopped members the kernel kills.
//
// OpReap, OpWitness and OpSeeStop wait by themselves for what they are about.
// Helpers whose parent is outside the image are reaped by whoever started the
// seed, before the deaths begin. No plan waits for an OpExit, only for the
// OpReap that follows it, because only then have the orphans moved.
//
// A process whose parent is outside the image is adopted by the restorer, so
// it has SIGCHLD as its exit signal, as the kernel gives it to all adopted
// ones.
package plan
