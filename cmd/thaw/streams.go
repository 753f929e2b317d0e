package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// streams are where a command reads and writes. Data goes to out, talk to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
	// outTerm and errTerm say that a terminal is at the other end; width is its
	// width in columns, zero for none.
	outTerm, errTerm bool
	width            int
	// noColor is the environment's NO_COLOR (https://no-color.org).
	noColor bool
}

func osStreams() streams {
	s := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, noColor: os.Getenv("NO_COLOR") != ""}
	s.outTerm = term.IsTerminal(int(os.Stdout.Fd()))
	s.errTerm = term.IsTerminal(int(os.Stderr.Fd()))
	if s.outTerm {
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			s.width = w
		}
	}
	return s
}

func (s *streams) outColor() bool { return s.outTerm && !s.noColor }

func (s *streams) errColor() bool { return s.errTerm && !s.noColor }
