// Demo shows thaw at work on a small tree of its own: demo THAW starts the tree,
// captures it with the given thaw, validates and shows the image, restores it,
// and proves that it counts on where it stood.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1) //nolint:forbidigo // the one exit
	}
}

// run is the demonstration, or one of the processes of its tree.
func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == roleCounter:
		return counter(args[1])
	case len(args) == 2 && args[0] == roleReader:
		return reader(args[1])
	case len(args) == 1 && args[0] == roleZombie:
		os.Exit(zombieCode) //nolint:forbidigo // what it is there for
	case len(args) == 1:
		return show(os.Stdout, args[0])
	}
	return fmt.Errorf("one argument wanted, the thaw to show; got %q", args)
}
