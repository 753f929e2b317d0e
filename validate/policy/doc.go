// Package policy reads the policies by which checkpoints of containers are
// judged, and answers whether a policy allows a value.
//
// A policy is a YAML document, described in spec/policy.schema.json. It sets how
// severe each rule is, bounds sizes, and lists what may and may not be:
//
//	version: 1
//	rules: {A044: error}
//	binds: {allow: ["/data/**"]}
//	images: {allow: ["registry.example/**"], deny: ["**:latest"]}
//
// It stands on the strict policy that is built in, or with "base: none" on
// nothing. What a document lists comes before what its base does; within one
// document a denial comes before what allows.
//
// # Patterns
//
// In a pattern, ? is one character and * any number of them but for a slash; **
// is any number of all. A pattern that ends in /** fits what is before that, too.
// Paths are cleaned before they are compared.
//
// # Security
//
// Policies are not trusted either: a document is bounded in size, depth and
// entries, may have no anchors, aliases or tags, and no key that is not known or
// occurs twice. Comparing takes time in proportion to pattern and value.
package policy

//go:generate go test -run ^TestGeneratedSchema$ . -update
