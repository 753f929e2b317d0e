package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The bounds of a document.
const (
	// MaxDocument is its greatest length in bytes.
	MaxDocument = 256 << 10
	maxDepth    = 8
	maxNodes    = 20000
	maxErrors   = 20
)

// An InvalidError says what is wrong with a document, and where.
type InvalidError struct {
	File         string
	Line, Column int // from 1 on; zero where they are not known
	Err          error
}

var _ error = (*InvalidError)(nil)

func (e *InvalidError) Error() string {
	place := e.File
	if e.Line > 0 {
		place += ":" + strconv.Itoa(e.Line)
	}
	if e.Column > 0 {
		place += ":" + strconv.Itoa(e.Column)
	}
	return place + ": " + e.Err.Error()
}

func (e *InvalidError) Unwrap() error { return e.Err }

// Options of Parse.
type Options struct {
	// Base is what "base: strict" stands for, and a document that says nothing.
	Base *Policy
	// CheckLevel gives an error if no rule has the code, or may not have the
	// level; nil accepts all.
	CheckLevel func(code string, l Level) error
}

// Parse reads a policy. The error is one or more *InvalidError, joined; name is
// the file's in them.
func Parse(name string, document []byte, o Options) (*Policy, error) {
	d := &decoder{name: name, opts: o}
	root := d.read(document)
	if root == nil {
		return nil, errors.Join(d.errs...)
	}
	p := d.policy(root)
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	return p, nil
}

// decoder makes a policy of YAML nodes and collects what is wrong.
type decoder struct {
	name  string
	opts  Options
	nodes int
	errs  []error
}

func (d *decoder) fail(n *yaml.Node, msg string, args ...any) {
	if len(d.errs) < maxErrors {
		d.errs = append(d.errs, &InvalidError{File: d.name, Line: n.Line, Column: n.Column, Err: fmt.Errorf(msg, args...)})
	}
}

// read gives the mapping that the document is; nil if it is none.
func (d *decoder) read(document []byte) *yaml.Node {
	none := &yaml.Node{}
	if len(document) > MaxDocument {
		d.fail(none, "longer than %d KiB: no policy is", MaxDocument>>10)
		return nil
	}
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(document))
	if err := decodeNode(dec, &doc); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the document is empty: \"version: 1\" is the least there is")
		}
		d.fail(none, "%w", yamlError(err))
		return nil
	}
	if err := decodeNode(dec, &second); !errors.Is(err, io.EOF) {
		d.fail(&second, "something stands behind the document")
		return nil
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		d.fail(&doc, "a policy is a mapping that begins with \"version: 1\"")
		return nil
	}
	if !d.sane(doc.Content[0], 1) {
		return nil
	}
	return doc.Content[0]
}

// decodeNode is dec.Decode that does not trust the library to end well.
func decodeNode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the library gave up: %v", r)
		}
	}()
	return dec.Decode(n)
}

// yamlError says more of what people do wrong most.
func yamlError(err error) error {
	if strings.Contains(err.Error(), "alphabetic or numeric character") {
		return fmt.Errorf("%w: put patterns that begin with * in quotes", err)
	}
	return err
}

// sane bounds depth and number of nodes and refuses what policies do not need.
func (d *decoder) sane(n *yaml.Node, depth int) bool {
	d.nodes++
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.fail(n, "anchors and aliases are not for policies; put patterns that begin with * in quotes")
	case depth > maxDepth:
		d.fail(n, "more than %d levels", maxDepth)
	case d.nodes > maxNodes:
		d.fail(n, "more than %d entries", maxNodes)
	case n.Style&yaml.TaggedStyle != 0:
		d.fail(n, "tags are not for policies")
	default:
		for _, c := range n.Content {
			if !d.sane(c, depth+1) {
				return false
			}
		}
		return true
	}
	return false
}

// fields calls fn for each key of a mapping; a key twice is an error.
func (d *decoder) fields(n *yaml.Node, what string, fn func(key *yaml.Node, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "%s is a mapping", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode, key.ShortTag() != "!!str":
			d.fail(key, "a key is a word")
			continue
		case seen[key.Value]:
			d.fail(key, "%.40q occurs twice", key.Value)
			continue
		}
		seen[key.Value] = true
		fn(key, n.Content[i+1])
	}
}

// scalar gives a value that is neither a list, a mapping nor missing.
func (d *decoder) scalar(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		d.fail(n, "%s is wanted here", what)
		return "", false
	}
	return n.Value, true
}

// texts gives a list of words.
func (d *decoder) texts(n *yaml.Node, fn func(n *yaml.Node, text string)) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "a list is wanted here, as in [\"a\", \"b\"]")
		return
	}
	for _, c := range n.Content {
		if s, ok := d.scalar(c, "a text"); ok {
			fn(c, s)
		}
	}
}

func (d *decoder) policy(root *yaml.Node) *Policy {
	p := &Policy{
		base: d.opts.Base, levels: map[string]Level{}, lists: map[Section]lists{}, limits: map[Limit]int64{},
		rlimits: map[string]uint64{}, required: map[Required][]string{},
	}
	version := false
	d.fields(root, "a policy", func(key, value *yaml.Node) {
		switch key.Value {
		case "version":
			version = true
			if s, ok := d.scalar(value, "a version"); ok && s != "1" {
				d.fail(value, "version %.40q is not known, only 1", s)
			}
		case "base":
			d.setBase(p, value)
		case "rules":
			d.fields(value, "rules", func(k, v *yaml.Node) { d.setLevel(p, k, v) })
		case "limits":
			d.fields(value, "limits", func(k, v *yaml.Node) { d.setLimit(p, k, v) })
		case "rlimits":
			d.fields(value, "rlimits", func(k, v *yaml.Node) { d.setRlimit(p, k, v) })
		default:
			d.setList(p, key, value)
		}
	})
	if !version {
		d.fail(root, "\"version: 1\" is missing")
	}
	return p
}

func (d *decoder) setBase(p *Policy, n *yaml.Node) {
	switch s, _ := d.scalar(n, "strict or none"); s {
	case "strict":
	case "none":
		p.base = nil
	default:
		d.fail(n, "base is strict or none, not %.40q", s)
	}
}

func (d *decoder) setLevel(p *Policy, key, n *yaml.Node) {
	s, ok := d.scalar(n, "a severity")
	l := Level(s)
	switch {
	case !ok:
		return
	case !slices.Contains(levels, l):
		d.fail(n, "severities are error, warning, note and off, not %.40q", s)
		return
	case d.opts.CheckLevel != nil:
		if err := d.opts.CheckLevel(key.Value, l); err != nil {
			d.fail(key, "%w", err)
			return
		}
	}
	p.levels[key.Value] = l
}

func (d *decoder) setLimit(p *Policy, key, n *yaml.Node) {
	for _, l := range limits {
		if string(l.key) != key.Value {
			continue
		}
		s, ok := d.scalar(n, "a number")
		if !ok {
			return
		}
		v, err := l.unit.parse(s)
		if err != nil {
			d.fail(n, "%w", err)
		}
		p.limits[l.key] = v
		return
	}
	d.fail(key, "no limit is called %.40q", key.Value)
}

func (d *decoder) setRlimit(p *Policy, key, n *yaml.Node) {
	s, ok := d.scalar(n, "a number or unlimited")
	if !ok {
		return
	}
	v, err := strconv.ParseUint(s, 10, 64)
	switch {
	case !strings.HasPrefix(key.Value, "RLIMIT_"):
		d.fail(key, "no resource limit is called %.40q, as in RLIMIT_NOFILE", key.Value)
	case s == "unlimited":
		v = Unlimited
	case err != nil:
		d.fail(n, "%.40q is neither a number nor unlimited", s)
	}
	p.rlimits[key.Value] = v
}

// setList reads a section, or a list of what must be there.
func (d *decoder) setList(p *Policy, key, n *yaml.Node) {
	for _, s := range sections {
		if string(s.key) == key.Value {
			p.lists[s.key] = d.section(n, key.Value)
			return
		}
	}
	for _, r := range required {
		if string(r.key) == key.Value {
			list := []string{}
			d.texts(n, func(_ *yaml.Node, s string) { list = append(list, s) })
			p.required[r.key] = list
			return
		}
	}
	d.fail(key, "no part of a policy is called %.40q", key.Value)
}

func (d *decoder) section(n *yaml.Node, what string) lists {
	var l lists
	d.fields(n, what, func(key, value *yaml.Node) {
		var to *[]pattern
		switch key.Value {
		case "allow":
			to = &l.allow
		case "deny":
			to = &l.deny
		default:
			d.fail(key, "%s has allow and deny, not %.40q", what, key.Value)
			return
		}
		d.texts(value, func(at *yaml.Node, s string) {
			pat, err := newPattern(s)
			if err != nil {
				d.fail(at, "%w", err)
				return
			}
			*to = append(*to, pat)
		})
	})
	return l
}
