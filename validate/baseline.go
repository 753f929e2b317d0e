package validate

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/thaw-cr/thaw/internal/legible"
)

// BaselineVersion is the version of the file that Write writes.
const BaselineVersion = 1

// MaxBaseline is the largest baseline file that ReadBaseline reads, in bytes.
const MaxBaseline = 64 << 20

// A Baseline is a set of findings that are known: accepted once, and not worth
// telling again. Findings are the same if code, subject and message are; their
// order has no meaning. A finding that has become more severe than it was when
// it was written down is not known. The nil baseline knows nothing.
type Baseline struct {
	entries map[baselineKey]*baselineEntry
}

type baselineKey struct {
	code    string
	subject Subject
	digest  string
}

// baselineEntry is a line of the file. Severity and Message are for its reader.
type baselineEntry struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Subject  Subject  `json:"subject,omitzero"`
	Message  string   `json:"message"`
	// Digest is that of the message: see Digest.
	Digest string `json:"digest"`

	seen bool
}

// baselineFile is the file; spec/baseline.schema.json is its schema.
type baselineFile struct {
	// Version is 1.
	Version  int             `json:"version"`
	Findings []baselineEntry `json:"findings"`
}

// Digest is a short digest of the finding's message: the first 16 bytes of its
// SHA-256, in hexadecimal. Bytes in a row that are not UTF-8 count as one U+FFFD,
// because a JSON document cannot hold them.
func (f *Finding) Digest() string {
	sum := sha256.Sum256(bytes.ToValidUTF8([]byte(f.Message), []byte("\uFFFD")))
	return hex.EncodeToString(sum[:16])
}

// key is what findings have in common that are the same to a baseline.
func (f *Finding) key() baselineKey {
	s := f.Subject
	s.File, s.Record = validUTF8(s.File), validUTF8(s.Record)
	return baselineKey{code: f.Code, subject: s, digest: f.Digest()}
}

func validUTF8(s string) string { return string(bytes.ToValidUTF8([]byte(s), []byte("\uFFFD"))) }

// NewBaseline makes a baseline that knows findings.
func NewBaseline(findings []Finding) *Baseline {
	b := &Baseline{entries: make(map[baselineKey]*baselineEntry, len(findings))}
	for i := range findings {
		f := &findings[i]
		k := f.key()
		if old := b.entries[k]; old == nil || !old.Severity.AtLeast(f.Severity) {
			b.entries[k] = &baselineEntry{
				Code: k.code, Severity: f.Severity, Subject: k.subject, Message: validUTF8(f.Message), Digest: k.digest,
			}
		}
	}
	return b
}

// ReadBaseline reads what Write wrote.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	var file baselineFile
	limited := &io.LimitedReader{R: r, N: MaxBaseline + 1}
	dec := json.NewDecoder(limited)
	dec.DisallowUnknownFields()
	err := dec.Decode(&file)
	if err == nil {
		_, err = dec.Token()
		if err == nil {
			err = errors.New("there is more after the document")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	switch {
	case limited.N <= 0:
		return nil, fmt.Errorf("baseline: more than %d bytes", MaxBaseline)
	case err != nil:
		return nil, fmt.Errorf("baseline: %w", err)
	case file.Version != BaselineVersion:
		return nil, fmt.Errorf("baseline: version %d, wanted %d", file.Version, BaselineVersion)
	}
	b := &Baseline{entries: make(map[baselineKey]*baselineEntry, len(file.Findings))}
	for i := range file.Findings {
		e := &file.Findings[i]
		if e.Severity.rank() == 0 {
			return nil, fmt.Errorf("baseline: finding %d: no severity is called %.40q", i, string(e.Severity))
		}
		b.entries[baselineKey{code: e.Code, subject: e.Subject, digest: e.Digest}] = e
	}
	return b, nil
}

// Len is the number of findings known.
func (b *Baseline) Len() int {
	if b == nil {
		return 0
	}
	return len(b.entries)
}

// Knows says whether a finding is known, and notes that it still occurs.
func (b *Baseline) Knows(f *Finding) bool {
	if b == nil {
		return false
	}
	e := b.entries[f.key()]
	if e == nil {
		return false
	}
	e.seen = true
	return e.Severity.AtLeast(f.Severity)
}

// list gives the findings that Knows has been asked about, or the others, in the
// order of the file.
func (b *Baseline) list(seen bool) []Finding {
	if b == nil {
		return nil
	}
	var found []Finding
	for _, e := range b.sorted() {
		if e.seen == seen {
			found = append(found, Finding{Code: e.Code, Severity: e.Severity, Subject: e.Subject, Message: e.Message})
		}
	}
	return found
}

// sorted gives the entries by code, subject and message.
func (b *Baseline) sorted() []*baselineEntry {
	list := make([]*baselineEntry, 0, len(b.entries))
	for _, e := range b.entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(x, y *baselineEntry) int {
		a, b := &x.Subject, &y.Subject
		return cmp.Or(cmp.Compare(x.Code, y.Code), cmp.Compare(a.File, b.File), cmp.Compare(a.Record, b.Record),
			cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Task, b.Task), cmp.Compare(a.Object, b.Object),
			cmp.Compare(x.Message, y.Message), cmp.Compare(x.Digest, y.Digest))
	})
	return list
}

// Write writes the baseline as JSON, a finding a line, so that a change of it
// is easy to review. The same findings give the same bytes.
func (b *Baseline) Write(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"version\": %d,\n  \"findings\": [", BaselineVersion)
	enc := json.NewEncoder(legible.NewWriter(&out))
	enc.SetEscapeHTML(false)
	for i, e := range b.sorted() {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n    ")
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("writing the baseline: %w", err)
		}
		out.Truncate(out.Len() - 1) // Encode's newline
	}
	out.WriteString("\n  ]\n}\n")
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the baseline: %w", err)
	}
	return nil
}
