// Package validate judges an image: a list of findings, each with a code of a
// catalogue that says what is wrong, why it matters and what to do.
//
// The main path:
//
//	for f := range validate.Run(ctx, img, validate.Options{Plan: true}) { … }
//	findings := validate.Image(ctx, img, validate.Options{Plan: true}) // all of them
//	findings = append(findings, validate.Unsupported(img)...)
//	report := validate.NewReport("tree.thaw", findings) // with a verdict
//	err := validate.Text(os.Stdout, findings, validate.TextOptions{}) // or JSON, SARIF
//	rule, ok := validate.Lookup("H008") // what thaw explain prints
//
// The families of codes:
//
//	F  framing: the bytes of a file do not follow its format
//	A  archive: what the image comes in, and what its container asks of a host
//	H  hierarchy: the tasks are not a tree that Linux can have
//	M  memory: address spaces, shared memory, pages
//	S  state: registers, signals, timers, credentials, scheduling
//	R  resources: references between objects, files, pipes, terminals
//	P  plan: no restore plan exists, or it does not give this tree
//	X  X1xx the engine cannot hold this state, X2xx this host cannot
//
// A [Sieve] leaves out findings that nobody wants told or that a [Baseline] knows,
// and counts them. That is for people and for gates; restore takes no sieve.
//
// All faults of an image are reported, not the first; of one code at most
// [MaxPerCode], then one finding with the number of the others. Every rule runs
// in time linear in the size of the image, none recurses, and no value of the
// model, however hostile, makes one panic.
//
// The package makes no system calls: what this machine can hold is found out by
// package restore, which reports it with the X2xx codes of this catalogue.
package validate

//go:generate go test . -update
