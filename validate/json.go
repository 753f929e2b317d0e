package validate

import (
	"encoding/json"
	"fmt"
	"io"
)

// A Report is the document that JSON writes; spec/findings.schema.json is its
// schema.
type Report struct {
	// Image is what was judged, as the user named it.
	Image string `json:"image,omitempty"`
	Counts
	Findings []Finding `json:"findings"`
}

// NewReport makes the report on an image.
func NewReport(image string, findings []Finding) Report {
	if findings == nil {
		findings = []Finding{}
	}
	return Report{Image: image, Counts: Count(findings), Findings: findings}
}

// JSON writes the report as one indented JSON document.
func JSON(w io.Writer, r Report) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("writing findings as JSON: %w", err)
	}
	return nil
}
