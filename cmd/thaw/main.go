// Thaw captures a living process tree into an image, judges and shows images,
// and brings the tree back.
//
// Each command stands in a file of its own: newXCommand declares it, xOptions
// holds its flags, runX does it and is what tests call. What a command touches
// (streams, formats, the engine, signals) comes from an app, so that tests can
// bring their own. Data goes to stdout, talk to stderr; errors are printed in
// one place, and only main exits.
package main

//go:generate go test -run ^TestGenerated$ -update .

import (
	"context"
	"os"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/core"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/codec/linuxcr"
	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/policy"
)

func main() {
	paceCollections()
	os.Exit(realMain()) //nolint:forbidigo // the one exit
}

// realMain is main with an exit code, for tests that run the command as a
// process.
func realMain() int {
	return newApp(osStreams(), liveEngine{}).main(context.Background(), os.Args[1:])
}

// app is what commands need from the world.
type app struct {
	streams  streams
	registry *codec.Registry
	engine   engine
	signals  *signals
	// policy is what containers are judged by; nil is the strict one.
	policy *policy.Policy
	// policyUsed names it.
	policyUsed validate.PolicyUsed
	// json is the global flag --json.
	json bool
	// inputTaken says that an argument was standard input.
	inputTaken bool
	// access are the flags of commands that read images.
	access accessOptions
}

func newApp(s streams, e engine) *app {
	return &app{streams: s, registry: codec.NewRegistry(native.Format(), linuxcr.Format(), criu.Format(), core.Format()).With(envelopes()...), engine: e, signals: &signals{}}
}

// main runs one command line and gives the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	ctx, stop := a.signals.watch(ctx)
	defer stop()
	root := newRootCommand(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return int(a.report(cmd, args, err))
}
