package campaign

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A Campaign runs workers over the cases of a corpus.
type Campaign struct {
	// Corpus is only used for its digest and size; workers load their own.
	Corpus *Corpus
	// Worker makes the command of a worker that does the cases from one number up
	// to another, keeps the mark, and prints its book as JSON.
	Worker func(ctx context.Context, from, to uint64, mark string) *exec.Cmd
	// Workers is how many run side by side, Batch how many cases each does.
	Workers int
	Batch   uint64
	// Path of the book; a campaign that has one goes on where it was. Empty for
	// none.
	Path string
	// Dir is for the workers' files.
	Dir string
	// Log gets a line now and then.
	Log io.Writer
	// BatchLimit bounds the time on the clock of a batch, against workers that
	// stand still altogether.
	BatchLimit time.Duration
}

// ErrOtherCorpus says that a book is of another corpus: its cases mean nothing in
// this one.
var ErrOtherCorpus = errors.New("the book is of another corpus; begin a new one")

// batch is a range of cases.
type batch struct{ from, to uint64 }

// Run does the cases up to number to, those that the book has left out, and gives
// the book.
func (c *Campaign) Run(ctx context.Context, to uint64) (*Book, error) {
	book := &Book{Tallies: map[string]Tally{}}
	if c.Path != "" {
		var err error
		if book, err = ReadBook(c.Path); err != nil {
			return nil, err
		}
	}
	if book.Corpus != "" && book.Corpus != c.Corpus.Digest() {
		return nil, ErrOtherCorpus
	}
	book.Corpus, book.Images = c.Corpus.Digest(), len(c.Corpus.images)
	for book.Next < to {
		// A round is done whole or not at all, so that the book is one number.
		var round []batch
		for n := book.Next; n < to && len(round) < c.Workers*2; n += c.Batch {
			round = append(round, batch{n, min(n+c.Batch, to)})
		}
		parts, err := c.round(ctx, round)
		if err != nil {
			return book, err
		}
		for _, p := range parts {
			book.Add(p)
		}
		if c.Path != "" {
			if err := book.Write(c.Path); err != nil {
				return book, err
			}
		}
		fmt.Fprintf(c.Log, "%s %d cases, %d failures\n", time.Now().UTC().Format("15:04:05"), book.Cases(), len(book.Failed)) //nolint:errcheck // talk
	}
	return book, nil
}

// round does some batches on all workers.
func (c *Campaign) round(ctx context.Context, list []batch) ([]*Book, error) {
	todo := make(chan int)
	parts, errs := make([]*Book, len(list)), make([]error, len(list))
	var group sync.WaitGroup
	for i := range c.Workers {
		group.Go(func() {
			for n := range todo {
				parts[n], errs[n] = c.batch(ctx, list[n], filepath.Join(c.Dir, fmt.Sprintf("mark-%d", i)))
			}
		})
	}
	for n := range list {
		todo <- n
	}
	close(todo)
	group.Wait()
	return parts, errors.Join(errs...)
}

// batch does cases in a worker. If one ends it, those before are done again, in
// another, and those behind it in a third.
func (c *Campaign) batch(ctx context.Context, b batch, mark string) (*Book, error) {
	sum := &Book{Tallies: map[string]Tally{}}
	for at := b; at.from < at.to; {
		part, bad, err := c.work(ctx, at, mark)
		if err != nil {
			return nil, err
		}
		if bad == nil {
			sum.Add(part)
			at.from = at.to
			if at.to < b.to && len(sum.Failed) > 0 {
				at = batch{at.to + 1, b.to}
			}
			continue
		}
		n := bad.Case.Seed
		k := c.Corpus.Case(n)
		sum.Add(&Book{Failed: []Failure{{k, bad.Kind, bad.Text}}, Tallies: map[string]Tally{
			string(c.Corpus.byName[k.Image].Family) + "/" + k.Mutator: {Cases: 1},
		}})
		if n == at.from {
			at = batch{n + 1, b.to}
			continue
		}
		at.to = n
	}
	return sum, nil
}

// work runs one worker; bad is the case that ended it, told by its number.
func (c *Campaign) work(ctx context.Context, b batch, mark string) (part *Book, bad *Failure, err error) {
	if err := os.WriteFile(mark, binary.LittleEndian.AppendUint64(nil, b.from), 0o600); err != nil {
		return nil, nil, err
	}
	limited, cancel := context.WithTimeout(ctx, c.BatchLimit)
	defer cancel()
	cmd := c.Worker(limited, b.from, b.to, mark)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err == nil {
		part = &Book{}
		return part, nil, json.Unmarshal(out.Bytes(), part)
	}
	at, readErr := os.ReadFile(mark)
	if readErr != nil || len(at) != 8 {
		return nil, nil, errors.Join(err, readErr)
	}
	n := binary.LittleEndian.Uint64(at)
	if _, ok := errors.AsType[*exec.ExitError](err); !ok || n < b.from || n >= b.to {
		return nil, nil, fmt.Errorf("worker: %w: %s", err, tail(errs.String()))
	}
	text := errs.String()
	kind := FailPanic
	for _, k := range []string{FailHang, FailMemory} {
		if strings.Contains(text, "campaign: "+k+":") {
			kind = k
		}
	}
	if limited.Err() != nil {
		kind = FailHang
	}
	return nil, &Failure{Case{Seed: n}, kind, tail(text)}, nil
}

// tail is the beginning of a long text: of a traceback, what tells most.
func tail(s string) string {
	const most = 6000
	if len(s) > most {
		s = s[:most]
	}
	return strings.TrimSpace(s)
}
