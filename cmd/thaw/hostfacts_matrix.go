package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/host"
)

// maxNodes bounds how many files of a directory are read.
const maxNodes = 10000

// nodeAnswer says whether a host can hold an image.
type nodeAnswer string

const (
	nodeFits       nodeAnswer = "fits"
	nodeMay        nodeAnswer = "may fit" // nothing stands against it, but not all is known
	nodeUnfit      nodeAnswer = "does not fit"
	nodeUnreadable nodeAnswer = "unreadable" // its facts are
)

// nodeJSON is a host of the matrix.
type nodeJSON struct {
	// Node is its name by its facts, File where they are.
	Node   string     `json:"node"`
	File   string     `json:"file"`
	Kernel string     `json:"kernel,omitempty"`
	Answer nodeAnswer `json:"answer"`
	// Error says why its facts cannot be read.
	Error string `json:"error,omitempty"`
	validate.Counts
	Findings []validate.Finding `json:"findings"`
}

// matrixJSON is what validate --host-facts DIR prints.
type matrixJSON struct {
	Version int    `json:"version"`
	Image   string `json:"image"`
	// The counts are numbers of hosts by their answers.
	Fit        int        `json:"fit"`
	May        int        `json:"may_fit"`
	Unfit      int        `json:"unfit"`
	Unreadable int        `json:"unreadable"`
	Nodes      []nodeJSON `json:"nodes"`
}

const matrixVersion = 1

// askNodes asks the hosts that the files of a directory describe, in the order
// of their names.
func (q *inquiry) askNodes(ctx context.Context, dir string) (*matrixJSON, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fail(exitIO, err)
	}
	m := &matrixJSON{Version: matrixVersion, Image: q.name, Nodes: []nodeJSON{}}
	checker := host.NewChecker(q.img.Image)
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".json") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if len(m.Nodes) == maxNodes {
			return nil, fail(exitIO, fmt.Errorf("%s: more than %d hosts", dir, maxNodes))
		}
		n, err := q.askNode(ctx, checker, filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		m.add(&n)
	}
	if len(m.Nodes) == 0 {
		return nil, fail(exitIO, &fs.PathError{Op: "find facts of hosts in", Path: dir, Err: errors.New("no file with the ending .json")})
	}
	return m, nil
}

// askNode asks the host that one file describes. That the file cannot be read is
// an answer.
func (q *inquiry) askNode(ctx context.Context, c *host.Checker, file string) (nodeJSON, error) {
	n := nodeJSON{Node: strings.TrimSuffix(filepath.Base(file), ".json"), File: file, Findings: []validate.Finding{}}
	f, why := q.app.readNode(ctx, file)
	if f == nil {
		n.Answer, n.Error = nodeUnreadable, why
		return n, nil
	}
	if f.Name != "" {
		n.Node = f.Name
	}
	n.Kernel = f.Kernel
	found, err := q.fits(ctx, c, host.NewMachine(f, nil))
	if err != nil {
		return n, err
	}
	for i := range found {
		if q.sieve.Pass(&found[i]) {
			n.Findings = append(n.Findings, found[i])
		}
	}
	n.Counts = validate.Count(n.Findings)
	n.Answer = answerOf(n.Findings)
	return n, nil
}

// readNode reads facts, or says why they cannot be read.
func (a *app) readNode(ctx context.Context, file string) (f *host.Facts, why string) {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() { // nobody waits for the writer of a FIFO that lies in a folder
		return nil, file + ": not a regular file"
	}
	if f, err = a.readFacts(ctx, file); err != nil {
		return nil, err.Error()
	}
	return f, ""
}

// answerOf is what findings come to.
func answerOf(findings []validate.Finding) nodeAnswer {
	answer := nodeFits
	for i := range findings {
		switch f := &findings[i]; {
		case f.Severity == validate.Error:
			return nodeUnfit
		case f.Code == validate.CodeHostUnknown, f.Code == validate.CodeFeatureUnknown:
			answer = nodeMay
		}
	}
	return answer
}

func (m *matrixJSON) add(n *nodeJSON) {
	m.Nodes = append(m.Nodes, *n)
	switch n.Answer {
	case nodeFits:
		m.Fit++
	case nodeMay:
		m.May++
	case nodeUnfit:
		m.Unfit++
	case nodeUnreadable:
		m.Unreadable++
	}
}

// code is the exit code: that one host at least can hold the image, or may.
func (m *matrixJSON) code() exitCode {
	switch {
	case m.Fit+m.May > 0:
		return exitOK
	case m.Unfit > 0:
		return exitHost
	}
	return exitIO
}

// printNodes prints the matrix and ends with its exit code.
func (q *inquiry) printNodes() error {
	m := q.nodes
	var err error
	if q.app.json {
		err = writeJSON(q.app.streams.out, m)
	} else {
		err = m.print(q.app)
	}
	if err != nil {
		return output(err)
	}
	if code := m.code(); code != exitOK {
		return &failure{code: code, err: fmt.Errorf("no host can hold %s", q.name), told: true}
	}
	return nil
}

func (m *matrixJSON) print(a *app) error {
	table := dump.NewTable("HOST", "ANSWER", "CODES", "WHY")
	for i := range m.Nodes {
		n := &m.Nodes[i]
		table.Add(dump.Clean(n.Node), string(n.Answer), orDash(strings.Join(n.codes(), " ")), orDash(n.why()))
	}
	if err := table.Write(a.streams.out, a.printing()); err != nil {
		return err
	}
	sum := []string{fmt.Sprintf("%s: %d of %d hosts can hold it", dump.Clean(m.Image), m.Fit, len(m.Nodes))}
	for _, more := range []struct {
		n     int
		words string
	}{{m.May, "may, as far as is known"}, {m.Unfit, "cannot"}, {m.Unreadable, "cannot be read"}} {
		if more.n > 0 {
			sum = append(sum, fmt.Sprintf("%d %s", more.n, more.words))
		}
	}
	_, err := fmt.Fprintln(a.streams.out, strings.Join(sum, ", "))
	return err
}

// codes are those of the findings that the answer is about, each once.
func (n *nodeJSON) codes() []string {
	var list []string
	seen := map[string]bool{}
	for i := range n.Findings {
		f := &n.Findings[i]
		if !seen[f.Code] && (n.Answer != nodeUnfit || f.Severity == validate.Error) {
			seen[f.Code] = true
			list = append(list, f.Code)
		}
	}
	return list
}

// why is the first of the findings that the answer is about.
func (n *nodeJSON) why() string {
	if n.Error != "" {
		return dump.Clean(n.Error)
	}
	for i := range n.Findings {
		f := &n.Findings[i]
		if n.Answer == nodeUnfit && f.Severity != validate.Error {
			continue
		}
		return dump.Clean(f.Subject.String() + ": " + f.Message)
	}
	return ""
}
