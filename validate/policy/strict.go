package policy

import (
	_ "embed"
	"sync"

	"go.yaml.in/yaml/v3"
)

// StrictYAML is the document of the strict policy.
//
//go:embed strict.yaml
var StrictYAML []byte

// Strict is the policy that is built in. That it can be read a test sees to.
var Strict = sync.OnceValue(func() *Policy {
	p, err := Parse("strict.yaml", StrictYAML, Options{})
	if err != nil {
		panic("policy: the strict policy cannot be read: " + err.Error())
	}
	return p
})

// Value is a document as JSON has it: spec/policy.schema.json describes it. It is
// for documents that Parse has accepted.
func Value(document []byte) (any, error) {
	var v map[string]any
	if err := yaml.Unmarshal(document, &v); err != nil {
		return nil, err
	}
	return v, nil
}
