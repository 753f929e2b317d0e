// Package plan decides how a process tree is built: which process creates
// which, when sessions and groups come to be, which helpers stand in for
// leaders and parents that are gone, and when each zombie dies.
//
//	p, err := plan.New(img, plan.Options{})  // pure: no system calls
//	err = plan.Simulate(p, rng)              // a small kernel runs it
//	fmt.Print(p)                             // and it prints itself
//
// A plan is a list of steps. Carried out one after the other in their order
// they build the tree; carried out in parallel they do so too, if every process
// keeps the order of its own steps and waits for the steps named in After.
package plan
