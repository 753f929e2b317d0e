package policy

import (
	_ "embed"
	"sync"
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
