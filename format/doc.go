// Package format is the model of a checkpoint image: a frozen process tree
// with everything its tasks hold, independent of any file format.
//
// The main path:
//
//	img, err := codec.Open(ctx, source, codec.Limits{}) // bytes to model
//	findings := validate.Image(ctx, img, validate.Options{})
//	p, err := plan.New(img, plan.Options{})             // model to steps
//	err = restore.Run(ctx, img, restore.Options{})      // steps to a live tree
//
// An [Image] has tasks (threads, in the kernel's sense), the objects they share
// and a [PageSource] for the contents of memory. Sharing is expressed by two
// tasks naming the same [ObjectID]; nothing is shared by position or by guess.
//
// The package does no input or output, makes no system call and imports only
// the standard library. Values are plain data: the zero value of a field means
// "not there" or the kernel's default, as its comment says. Field tags give the
// names used both in JSON output and in the native format.
package format
