package validate

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/thaw-cr/thaw/internal/legible"
)

// ReportVersion is the version of the document that JSON writes. It goes up when
// a field changes its meaning or goes; that fields are added does not change it.
const ReportVersion = 1

// A Verdict is what an inquiry comes to.
type Verdict string

// The verdicts.
const (
	// Valid: no error was found.
	Valid Verdict = "valid"
	// Accepted: there are errors, and all of them were left out at the wish of
	// whoever asked. Restore refuses such an image.
	Accepted Verdict = "accepted"
	// Invalid: the image has an error.
	Invalid Verdict = "invalid"
	// Unfit: the image has no error in itself, but this host cannot hold it.
	Unfit Verdict = "unfit"
	// Refused: no error, but a finding that whoever asked does not want.
	Refused Verdict = "refused"
)

// A Report is the document that JSON writes; spec/findings.schema.json is its
// schema.
type Report struct {
	// Version of this document: ReportVersion.
	Version int `json:"version"`
	// Tool judged, in version ToolVersion.
	Tool        string `json:"tool"`
	ToolVersion string `json:"tool_version,omitempty"`
	// Image is what was judged, as the user named it.
	Image string `json:"image,omitempty"`
	// Format and FormatVersion are what it was read as; empty if it could not be.
	Format        string  `json:"format,omitempty"`
	FormatVersion string  `json:"format_version,omitempty"`
	Verdict       Verdict `json:"verdict"`
	// Policy is what containers were judged by.
	Policy PolicyUsed `json:"policy,omitzero"`
	// Counts are those of Findings.
	Counts
	// LeftOut counts findings that are not among Findings.
	LeftOut LeftOut `json:"left_out"`
	// PagesRead says that all pages were checked against their digests.
	PagesRead bool `json:"pages_read"`
	// Modes say in which ways the tree can be restored, as far as was asked.
	Modes map[Mode]ModeResult `json:"modes,omitempty"`
	// Gone are findings of the baseline that occur no more.
	Gone     []Finding `json:"gone,omitempty"`
	Findings []Finding `json:"findings"`
}

// PolicyUsed names a policy.
type PolicyUsed struct {
	// BuiltIn is "strict" for the one that comes with this version of thaw, else
	// File is where it was read.
	BuiltIn string `json:"built_in,omitempty"`
	File    string `json:"file,omitempty"`
	// SHA256 of its document in hexadecimal. What it does not say itself, the
	// strict one of this version says.
	SHA256 string `json:"sha256"`
}

// NewReport makes the report on an image that nothing was left out of.
func NewReport(image string, findings []Finding) Report {
	if findings == nil {
		findings = []Finding{}
	}
	r := Report{
		Version: ReportVersion, Tool: "thaw", Image: image,
		Verdict: Valid, Counts: Count(findings), Findings: findings,
	}
	r.Verdict = r.Judge("")
	return r
}

// Judge gives the verdict on the report's findings, of which those of severity
// failOn and above are not wanted; empty is Error. That a finding was too minor to
// be told does not make it wanted.
func (r *Report) Judge(failOn Severity) Verdict {
	if failOn == "" {
		failOn = Error
	}
	verdict := Valid
	switch minor := r.LeftOut.Minor; {
	case Warning.AtLeast(failOn) && minor.Warnings > 0, Note.AtLeast(failOn) && minor.Notes > 0:
		verdict = Refused
	case r.LeftOut.Total().Errors > 0:
		verdict = Accepted
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		switch {
		case f.Severity == Error && !AboutHost(f.Code):
			return Invalid
		case f.Severity == Error:
			verdict = Unfit
		case f.Severity.AtLeast(failOn) && verdict != Unfit:
			verdict = Refused
		}
	}
	return verdict
}

// AboutHost says whether a finding of a code is about a machine, or the engine on
// it, and not about the image: whether it is of family X.
func AboutHost(code string) bool { return len(code) > 0 && code[0] == 'X' }

// JSON writes the report as one indented JSON document.
func JSON(w io.Writer, r Report) error {
	enc := json.NewEncoder(legible.NewWriter(w))
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("writing findings as JSON: %w", err)
	}
	return nil
}
