package seal_test

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/codec/seal"
)

// The keys of RFC 8410, section 10, and one of X25519.
const (
	opensslPrivate = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`
	opensslPublic = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`
	otherAlgorithm = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`
)

func TestKeys(t *testing.T) {
	private, err := seal.ParsePrivate([]byte(opensslPrivate))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.ParsePublic([]byte(opensslPublic))
	if err != nil || len(keys) != 1 || !keys[0].Equal(private.Public()) {
		t.Fatalf("%d keys, %v: not those of one pair", len(keys), err)
	}
	if got := string(seal.MarshalPrivate(private)); got != opensslPrivate {
		t.Errorf("written as\n%s", got)
	}
	if got := string(seal.MarshalPublic(keys[0])); got != opensslPublic {
		t.Errorf("written as\n%s", got)
	}
	if keys, err = seal.ParsePublic([]byte("first\n" + opensslPublic + "second\n" + opensslPublic)); len(keys) != 2 || err != nil {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

func TestGenerateKey(t *testing.T) {
	one, err := seal.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	again, err := seal.ParsePrivate(seal.MarshalPrivate(one))
	if err != nil || !again.Equal(one) {
		t.Errorf("%v: not the key that was written", err)
	}
	if two, err := seal.GenerateKey(); err != nil || two.Equal(one) {
		t.Errorf("%v: the same key twice", err)
	}
}

func TestBadKeys(t *testing.T) {
	parsers := map[string]func(string) error{
		"private": func(s string) error { _, err := seal.ParsePrivate([]byte(s)); return err },
		"public":  func(s string) error { _, err := seal.ParsePublic([]byte(s)); return err },
	}
	for _, tt := range []struct{ name, parser, file, want string }{
		{"empty", "public", "", "no Ed25519 key"},
		{"no PEM", "private", "what", "no Ed25519 key"},
		{"private for public", "public", opensslPrivate, "pubout"},
		{"public for private", "private", opensslPublic, "private one is wanted"},
		{"two private", "private", opensslPrivate + opensslPrivate, "more than one"},
		{"one of two is private", "public", opensslPublic + opensslPrivate, "pubout"},
		{"locked", "private", strings.ReplaceAll(opensslPrivate, "PRIVATE", "ENCRYPTED PRIVATE"), "encrypted"},
		{"certificate", "public", strings.ReplaceAll(opensslPublic, "PUBLIC KEY", "CERTIFICATE"), "no Ed25519 key"},
		{"certificate for private", "private", strings.ReplaceAll(opensslPublic, "PUBLIC KEY", "CERTIFICATE"), "no Ed25519 key"},
		{"other algorithm", "public", otherAlgorithm, "not one of Ed25519"},
		{"short", "private", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5\n-----END PRIVATE KEY-----\n", "not one of Ed25519"},
		{"long file", "public", strings.Repeat("x", seal.MaxKeyFile+1), "longer than"},
		{"many", "public", strings.Repeat(opensslPublic, 1025), "more than 1024"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := parsers[tt.parser](tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzKeys(f *testing.F) {
	for _, s := range []string{"", opensslPrivate, opensslPublic, otherAlgorithm} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if key, err := seal.ParsePrivate(b); err == nil {
			if again, err := seal.ParsePrivate(seal.MarshalPrivate(key)); err != nil || !again.Equal(key) {
				t.Errorf("written and read: %v", err)
			}
		}
		keys, err := seal.ParsePublic(b)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys and %v", len(keys), err)
		}
		for _, k := range keys {
			if len(k) != ed25519.PublicKeySize {
				t.Errorf("a key of %d bytes", len(k))
			}
		}
	})
}
