package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/thaw-cr/thaw/internal/golden"
)

var update = flag.Bool("update", false, "write the schema")

const schemaFile = "../../spec/policy.schema.json"

type object = map[string]any

// patterns of numbers with their unit.
var patterns = map[unit]string{
	bytesUnit: "^[0-9]+ ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$", ratioUnit: "^[0-9]+:1$",
}

// schema is that of policies, from the tables by which they are read.
func schema() object {
	texts := object{"type": "array", "items": object{"type": "string", "minLength": 1, "maxLength": maxPattern}}
	properties := object{
		"version": object{"const": 1},
		"base":    object{"enum": []string{"strict", "none"}, "description": "what the policy stands on; strict is the default"},
		"rules": object{
			"description": "how severe findings are, by the rule's code", "type": "object",
			"propertyNames": object{"pattern": "^A[0-9]{3}$"}, "additionalProperties": object{"enum": levels},
		},
		"rlimits": object{
			"description": "greatest values of resource limits; more give A074", "type": "object", "propertyNames": object{"pattern": "^RLIMIT_"},
			"additionalProperties": object{"anyOf": []object{{"type": "integer", "minimum": 0}, {"const": "unlimited"}}},
		},
	}
	bounds := object{}
	for _, l := range limits {
		s := object{"type": "string", "pattern": patterns[l.unit], "description": l.about}
		if l.unit == countUnit {
			s = object{"type": "integer", "minimum": 1, "description": l.about}
		}
		bounds[string(l.key)] = s
	}
	properties["limits"] = object{"type": "object", "properties": bounds, "additionalProperties": false}
	for _, s := range sections {
		properties[string(s.key)] = object{
			"description": s.about, "type": "object", "properties": object{"allow": texts, "deny": texts}, "additionalProperties": false,
		}
	}
	for _, r := range required {
		properties[string(r.key)] = object{"description": r.about, "type": "array", "items": object{"type": "string"}}
	}
	return object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "thaw: policy", "type": "object",
		"properties": properties, "required": []string{"version"}, "additionalProperties": false,
	}
}

func TestGeneratedSchema(t *testing.T) {
	want, err := json.MarshalIndent(schema(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	golden.Set{Update: update, How: "go generate ./validate/policy"}.Check(t, schemaFile, want)
}

// TestSchemaAgrees asks the schema and the parser about the same documents.
func TestSchemaAgrees(t *testing.T) {
	s, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	for document, good := range map[string]bool{
		string(StrictYAML):                                 true,
		"version: 1":                                       true,
		"version: 1\nbase: none":                           true,
		"version: 2":                                       false,
		"base: none":                                       false,
		"version: 1\nx: 1":                                 false,
		"version: 1\nhooks: {x: []}":                       false,
		"version: 1\nhooks: {deny: [\"\"]}":                false,
		"version: 1\nrules: {A040: fatal}":                 false,
		"version: 1\nlimits: {ratio: 5}":                   false,
		"version: 1\nlimits: {ratio: \"5:1\", members: 7}": true,
		"version: 1\nlimits: {layer-size: 7 GB}":           true,
		"version: 1\nlimits: {layer-size: 7 gb}":           false,
		"version: 1\nrlimits: {RLIMIT_CORE: unlimited}":    true,
		"version: 1\nrlimits: {CORE: 1}":                   false,
		"version: 1\nmasked-paths: [/x]":                   true,
		"version: 1\nmasked-paths: /x":                     false,
	} {
		_, err := Parse("p", []byte(document), Options{})
		v, err2 := Value([]byte(document))
		if err2 != nil {
			t.Fatal(err2)
		}
		b, err2 := json.Marshal(v)
		if err2 != nil {
			t.Fatal(err2)
		}
		instance, err2 := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err2 != nil {
			t.Fatal(err2)
		}
		if invalid := s.Validate(instance); (err == nil) != good || (invalid == nil) != good {
			t.Errorf("%.60q: parser %v, schema %v, want good: %t", document, err, invalid, good)
		}
	}
}

// TestSectionsUsed: what a policy may say the strict one says, so that who copies
// it sees all there is.
func TestSectionsUsed(t *testing.T) {
	var missing []string
	for _, s := range sections {
		if !strings.Contains(string(StrictYAML), "\n"+string(s.key)+":\n") {
			missing = append(missing, string(s.key))
		}
	}
	for _, l := range limits {
		if !strings.Contains(string(StrictYAML), "\n  "+string(l.key)+": ") {
			missing = append(missing, string(l.key))
		}
	}
	if slices.Sort(missing); len(missing) > 0 {
		t.Errorf("the strict policy does not speak of %v", missing)
	}
}
