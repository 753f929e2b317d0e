package validate

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/internal/legible"
)

// SARIF writes a report as a SARIF 2.1.0 log, which code scanning services and
// editors read (OASIS, Static Analysis Results Interchange Format). The image is
// an artifact, files inside it are artifacts nested in that; tasks, objects and
// records are logical locations. Fingerprints are those of a baseline, so the
// same finding in the next image is known again.
func SARIF(w io.Writer, r Report) error {
	enc := json.NewEncoder(legible.NewWriter(w))
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(newSARIF(&r)); err != nil {
		return fmt.Errorf("writing findings as SARIF: %w", err)
	}
	return nil
}

const (
	sarifVersion = "2.1.0"
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	home         = "https://github.com/thaw-cr/thaw"
)

// The parts of a log that thaw writes, by their names in the standard.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Artifacts   []sarifArtifact   `json:"artifacts"`
		Results     []sarifResult     `json:"results"`
		Properties  sarifProperties   `json:"properties"`
	}
	// sarifProperties are what the standard has no place for, by the names of
	// Report.
	sarifProperties struct {
		Verdict       Verdict             `json:"verdict"`
		Format        string              `json:"format,omitempty"`
		FormatVersion string              `json:"format_version,omitempty"`
		LeftOut       LeftOut             `json:"left_out"`
		PagesRead     bool                `json:"pages_read"`
		Modes         map[Mode]ModeResult `json:"modes,omitempty"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name            string      `json:"name"`
		Version         string      `json:"version,omitempty"`
		SemanticVersion string      `json:"semanticVersion,omitempty"`
		InformationURI  string      `json:"informationUri"`
		Rules           []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string         `json:"id"`
		ShortDescription     sarifText      `json:"shortDescription"`
		FullDescription      sarifText      `json:"fullDescription"`
		Help                 sarifText      `json:"help"`
		DefaultConfiguration sarifLevel     `json:"defaultConfiguration"`
		Properties           map[string]any `json:"properties"`
	}
	sarifLevel struct {
		Level Severity `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool `json:"executionSuccessful"`
	}
	sarifArtifact struct {
		Location    sarifPlace `json:"location"`
		ParentIndex *int       `json:"parentIndex,omitempty"`
	}
	// sarifPlace is an artifactLocation.
	sarifPlace struct {
		URI   string `json:"uri"`
		Index int    `json:"index"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		RuleIndex           int               `json:"ruleIndex"`
		Level               Severity          `json:"level"`
		Message             sarifText         `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical  `json:"physicalLocation"`
		LogicalLocations []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifPlace   `json:"artifactLocation"`
		Region           *sarifRegion `json:"region,omitempty"`
	}
	sarifRegion struct {
		ByteOffset int64 `json:"byteOffset"`
		ByteLength int64 `json:"byteLength"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
)

// sarifWriter makes a run; artifacts and rules are numbered as they are needed.
type sarifWriter struct {
	run       sarifRun
	image     string
	artifacts map[string]int
	rules     map[string]int
}

func newSARIF(r *Report) sarifLog {
	w := &sarifWriter{image: r.Image, artifacts: map[string]int{}, rules: map[string]int{}}
	w.run = sarifRun{
		Tool: sarifTool{Driver: sarifDriver{
			Name: r.Tool, Version: r.ToolVersion, SemanticVersion: r.ToolVersion, InformationURI: home, Rules: []sarifRule{},
		}},
		Invocations: []sarifInvocation{{ExecutionSuccessful: true}},
		Artifacts:   []sarifArtifact{{Location: sarifPlace{URI: fileURI(r.Image)}}},
		Results:     make([]sarifResult, 0, len(r.Findings)),
		Properties: sarifProperties{
			Verdict: r.Verdict, Format: r.Format, FormatVersion: r.FormatVersion,
			LeftOut: r.LeftOut, PagesRead: r.PagesRead, Modes: r.Modes,
		},
	}
	for i := range r.Findings {
		w.run.Results = append(w.run.Results, w.result(&r.Findings[i]))
	}
	w.run.Tool.Driver.Rules = append(w.run.Tool.Driver.Rules, w.ruleList()...)
	return sarifLog{Schema: sarifSchema, Version: sarifVersion, Runs: []sarifRun{w.run}}
}

// fileURI is a name of the command line as a relative reference, which an
// absolute path is too.
func fileURI(name string) string { return (&url.URL{Path: validUTF8(name)}).String() }

func (w *sarifWriter) result(f *Finding) sarifResult {
	text := f.Message
	if f.Hint != "" {
		text += "\n" + f.Hint
	}
	place := withoutImage(f, w.image).Subject
	index, ok := w.rules[f.Code]
	if !ok {
		index = len(w.rules)
		w.rules[f.Code] = index
	}
	return sarifResult{
		RuleID: f.Code, RuleIndex: index, Level: f.Severity, Message: sarifText{unlinked(text)},
		Locations: []sarifLocation{w.location(&place)},
		PartialFingerprints: map[string]string{
			"thawFinding/v1": f.Code + "/" + place.String() + "/" + f.Digest(),
		},
	}
}

// unlinked keeps a message from holding a link: readers make one of
// "[text](target)" (section 3.11.6), and messages quote what is in images.
func unlinked(text string) string { return strings.ReplaceAll(text, "](", "] (") }

// location is the place of a subject: the file inside the image that it names,
// else the image.
func (w *sarifWriter) location(s *Subject) sarifLocation {
	place := w.run.Artifacts[0].Location
	if s.File != "" {
		place = w.inside(s.File)
	}
	l := sarifLocation{PhysicalLocation: sarifPhysical{ArtifactLocation: place}}
	if s.Offset > 0 {
		l.PhysicalLocation.Region = &sarifRegion{ByteOffset: s.Offset}
	}
	for _, part := range []struct{ kind, name string }{
		{"record", s.Record}, {"task", numbered(int64(s.Task))}, {"object", numbered(int64(s.Object))},
	} {
		if part.name != "" {
			l.LogicalLocations = append(l.LogicalLocations, sarifLogical{FullyQualifiedName: part.kind + " " + part.name, Kind: part.kind})
		}
	}
	return l
}

func numbered(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// inside is the place of a file inside the image: its path from the image's top
// begins with a slash.
func (w *sarifWriter) inside(file string) sarifPlace {
	index, ok := w.artifacts[file]
	if !ok {
		index = len(w.run.Artifacts)
		w.artifacts[file] = index
		top := 0
		w.run.Artifacts = append(w.run.Artifacts, sarifArtifact{
			Location: sarifPlace{URI: fileURI("/" + strings.TrimLeft(file, "/")), Index: index}, ParentIndex: &top,
		})
	}
	return w.run.Artifacts[index].Location
}

// ruleList are the rules that results name, in the order of their numbers.
func (w *sarifWriter) ruleList() []sarifRule {
	list := make([]sarifRule, len(w.rules))
	for code, i := range w.rules {
		rule, ok := Lookup(code)
		if !ok {
			rule = Rule{Code: code, Severity: Error, Title: code, Why: code, Fix: code}
		}
		list[i] = sarifRule{
			ID: code, ShortDescription: sarifText{rule.Title}, FullDescription: sarifText{rule.Why}, Help: sarifText{rule.Fix},
			DefaultConfiguration: sarifLevel{rule.Severity},
			Properties:           map[string]any{"tags": []string{"family " + rule.Family()}, "since": rule.Since},
		}
	}
	return list
}
