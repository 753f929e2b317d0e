// Package host says whether a machine can hold an image: the rules of family
// X2, as a pure function of the image and of facts about the machine.
//
//	m := host.NewMachine(facts, nil)           // facts of a file: host.Decode
//	c := host.NewChecker(img)                  // one for all machines
//	res, err := c.Check(ctx, m, host.Options{})
//	validate.Text(w, res.Findings, validate.TextOptions{})
//
// The package makes no system calls. What facts do not tell a [Source] may, and
// a [Machine] remembers its answers: package internal/hostfacts has the one that
// asks this machine. So the same rules serve a restore, which asks only what its
// image needs, and a file of facts that another machine wrote; and facts that
// were made by a check hold all that the check needs.
//
// What neither facts nor source can tell is unknown, and said as a finding:
// nothing passes in silence. With Options.Brief, as a restore has it, only what
// would make it fail is asked.
//
// Facts are untrusted input: Decode has bounds on everything, and no rule takes
// more than time linear in the image and the facts.
package host

//go:generate go test . -update
