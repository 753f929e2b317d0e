package validate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// Severity says how much a finding matters.
type Severity string

// The severities. Restore refuses an image with an error.
const (
	Error   Severity = "error"   // the image cannot be right, or cannot be restored
	Warning Severity = "warning" // restored, it may behave otherwise than before
	Note    Severity = "note"    // right, but worth knowing
)

// rank orders severities; unknown ones rank lowest.
func (s Severity) rank() int {
	switch s {
	case Error:
		return 3
	case Warning:
		return 2
	case Note:
		return 1
	}
	return 0
}

// AtLeast says whether s is as severe as min or more.
func (s Severity) AtLeast(min Severity) bool { return s.rank() >= min.rank() }

// A Finding is one thing that is wrong or worth knowing.
type Finding struct {
	// Code of the rule, as in the catalogue: a family letter and three digits.
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Subject  Subject  `json:"subject,omitzero"`
	// Message says what was found; bytes of the image stand in it quoted.
	Message string `json:"message"`
	// Hint says what to do.
	Hint string `json:"hint,omitempty"`
}

// Subject says what a finding is about. The zero value is the image as a whole.
type Subject struct {
	// File and Record are names inside the image; Offset is that of the first
	// offending byte in File, in bytes.
	File   string `json:"file,omitempty"`
	Record string `json:"record,omitempty"`
	Offset int64  `json:"offset,omitempty"`
	// Task is a thread's number, Object a shared object's.
	Task   format.PID      `json:"task,omitempty"`
	Object format.ObjectID `json:"object,omitempty"`
}

// String gives the subject in a few words: "task 12, object 3".
func (s Subject) String() string {
	var parts []string
	if s.File != "" {
		parts = append(parts, s.File)
	}
	if s.Record != "" {
		parts = append(parts, s.Record)
	}
	if s.Offset != 0 {
		parts = append(parts, "at 0x"+strconv.FormatInt(s.Offset, 16))
	}
	if s.Task != 0 {
		parts = append(parts, fmt.Sprintf("task %d", s.Task))
	}
	if s.Object != 0 {
		parts = append(parts, fmt.Sprintf("object %d", s.Object))
	}
	if len(parts) == 0 {
		return "image"
	}
	return strings.Join(parts, ", ")
}

// TaskSubject is the subject of a finding about one task.
func TaskSubject(tid format.PID) Subject { return Subject{Task: tid} }

// ObjectSubject is the subject of a finding about one shared object.
func ObjectSubject(id format.ObjectID) Subject { return Subject{Object: id} }

// New makes a finding with the severity and hint that the catalogue has for
// code. A code that is not in the catalogue gives an error without a hint, so
// that nothing gets lost.
func New(code string, subject Subject, message string, args ...any) Finding {
	f := Finding{Code: code, Severity: Error, Subject: subject, Message: message}
	if len(args) > 0 {
		f.Message = fmt.Sprintf(message, args...)
	}
	if r, ok := Lookup(code); ok {
		f.Severity, f.Hint = r.Severity, r.Fix
	}
	return f
}

// Counts are numbers of findings by severity.
type Counts struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Notes    int `json:"notes"`
}

// Count counts findings by severity.
func Count(findings []Finding) Counts {
	var c Counts
	for i := range findings {
		c.add(findings[i].Severity)
	}
	return c
}

// add counts one finding.
func (c *Counts) add(s Severity) {
	switch s {
	case Error:
		c.Errors++
	case Warning:
		c.Warnings++
	case Note:
		c.Notes++
	}
}

// String says the numbers in words: "2 errors, 1 note", "no findings".
func (c Counts) String() string {
	var parts []string
	add := func(n int, word string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+word)
		case n > 1:
			parts = append(parts, strconv.Itoa(n)+" "+word+"s")
		}
	}
	add(c.Errors, "error")
	add(c.Warnings, "warning")
	add(c.Notes, "note")
	if len(parts) == 0 {
		return "no findings"
	}
	return strings.Join(parts, ", ")
}

// HasErrors says whether one of the findings is an error.
func HasErrors(findings []Finding) bool { return Count(findings).Errors > 0 }
