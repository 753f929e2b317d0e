package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"math"
	"unicode/utf8"

	"github.com/thaw-cr/thaw/codec"
)

// Version is what field seal of a manifest says.
const Version = "thaw-seal-v1"

// signedDomain begins what is signed, and nothing else that anybody signs.
const signedDomain = "thaw-seal-v1 signature"

// The kinds of images.
const (
	// File is an image of one file. It has one member, of the name Self.
	File = "file"
	// Directory is an image of a directory of files.
	Directory = "directory"
)

// Self is the name of the one member of an image of one file.
const Self = "."

// MaxManifest is the greatest length of a manifest in bytes, and maxMembers about
// the greatest number of members in one.
const (
	MaxManifest = 256 << 20
	maxMembers  = codec.DefaultMembers
)

// A Member is one file of an image.
type Member struct {
	// Name in the image, relative and clean (fs.ValidPath).
	Name string `json:"name" jsonschema:"minLength=1"`
	// Size in bytes.
	Size int64 `json:"size" jsonschema:"minimum=0"`
	// SHA256 of its contents, in hexadecimal digits of lower case.
	SHA256 string `json:"sha256" jsonschema:"pattern=^[0-9a-f]{64}$"`
}

// A Manifest lists the members of an image. With a signature it is a seal.
type Manifest struct {
	// Seal is Version.
	Seal string `json:"seal" jsonschema:"enum=thaw-seal-v1"`
	// Kind of the image: File or Directory.
	Kind string `json:"kind" jsonschema:"enum=file,enum=directory"`
	// Members are ordered by name, bytewise; none occurs twice.
	Members []Member `json:"members"`
	// Contents are the members of the archive that the image is, if it is one.
	// They tell what was changed in it; whether anything was, Members say.
	Contents []Member `json:"contents,omitempty"`
	// Identity of the image: the SHA-256 of all above as Canonical writes it, in
	// hexadecimal digits.
	Identity string `json:"identity" jsonschema:"pattern=^[0-9a-f]{64}$"`
	// Key is the fingerprint of the key that signed: see Fingerprint.
	Key string `json:"key,omitempty" jsonschema:"pattern=^[0-9a-f]{64}$"`
	// Signature by Ed25519 (RFC 8032) over what Signed writes, in base64 with
	// padding.
	Signature string `json:"signature,omitempty"`
}

// appendString appends a string with its length.
func appendString(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}

func appendMembers(b []byte, list []Member) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(list)))
	for i := range list {
		b = appendString(b, list[i].Name)
		b = binary.LittleEndian.AppendUint64(b, uint64(list[i].Size))
		b, _ = hex.AppendDecode(b, []byte(list[i].SHA256)) // check has seen it
	}
	return b
}

// Canonical is what the identity is the digest of: version and kind, the number of
// members and all of each, and the same of contents. Strings have their lengths
// before them, numbers are 64 bits, little endian, digests 32 bytes.
func (m *Manifest) Canonical() []byte {
	b := appendString(nil, Version)
	b = appendString(b, m.Kind)
	b = appendMembers(b, m.Members)
	return appendMembers(b, m.Contents)
}

// identity is the digest of Canonical.
func (m *Manifest) identity() string {
	sum := sha256.Sum256(m.Canonical())
	return hex.EncodeToString(sum[:])
}

// Signed is what is signed: a domain of its own, the fingerprint of the key, and
// the identity, each as a string of Canonical; the latter two are 32 bytes.
func (m *Manifest) Signed() []byte {
	b := appendString(nil, signedDomain)
	for _, digits := range []string{m.Key, m.Identity} {
		raw, _ := hex.DecodeString(digits) // check has seen it
		b = appendString(b, string(raw))
	}
	return b
}

// Sign makes a seal of the manifest.
func (m *Manifest) Sign(key ed25519.PrivateKey) {
	public, _ := key.Public().(ed25519.PublicKey)
	m.Key = Fingerprint(public)
	m.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, m.Signed()))
}

// Verify says whether one of the keys signed the manifest. The error is a
// *codec.FormatError: ForeignSeal if it bears the name of none of them, ForgedSeal
// if it bears the name of one that did not sign it.
func (m *Manifest) Verify(keys []ed25519.PublicKey) error {
	if err := m.check(); err != nil {
		return err
	}
	if m.Signature == "" {
		return codec.Errorf(codec.BadSeal, "signature", 0, "the manifest is not signed")
	}
	signature, _ := base64.StdEncoding.DecodeString(m.Signature) // check has seen it
	for _, key := range keys {
		if Fingerprint(key) != m.Key {
			continue
		}
		if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, m.Signed(), signature) {
			return codec.Errorf(codec.ForgedSeal, "signature", 0, "key %s did not sign this", m.Key)
		}
		return nil
	}
	return codec.Errorf(codec.ForeignSeal, "key", 0, "signed by key %s, which is none of those trusted", m.Key)
}

// Encode is the manifest as a file: JSON in one form only.
func (m *Manifest) Encode() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(m) // strings and numbers have JSON, and a buffer takes all
	return b.Bytes()
}

// Read reads a manifest. Errors in it are *codec.FormatError of kind BadSeal.
func Read(r io.Reader) (*Manifest, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxManifest+1))
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

// Parse is Read of a file's bytes.
func Parse(b []byte) (*Manifest, error) {
	if len(b) > MaxManifest {
		return nil, bad("longer than %d bytes", MaxManifest)
	}
	if bytes.Count(b, []byte{'{'}) > maxMembers { // each takes many times its shortest form
		return nil, bad("more than %d members", maxMembers)
	}
	m := &Manifest{}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, bad("no manifest: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	// One form only: what two programs could read in two ways is not read.
	if !bytes.Equal(m.Encode(), b) {
		return nil, bad("it is not written in the one form that spec/seal.md has for it")
	}
	return m, nil
}

func bad(msg string, args ...any) error { return codec.Errorf(codec.BadSeal, "", 0, msg, args...) }

// check refuses what no manifest says.
func (m *Manifest) check() error {
	if m.Seal != Version {
		return bad("it is a %.40q, not a %q", m.Seal, Version)
	}
	for _, list := range [][]Member{m.Members, m.Contents} {
		if err := checkMembers(list); err != nil {
			return err
		}
	}
	switch {
	case m.Kind == File && (len(m.Members) != 1 || m.Members[0].Name != Self):
		return bad("a %s has one member, %q", File, Self)
	case m.Kind == Directory && (len(m.Members) == 0 || len(m.Contents) > 0):
		return bad("a %s has members and no contents", Directory)
	case m.Kind != File && m.Kind != Directory:
		return bad("kind %.40q is not known", m.Kind)
	case m.Identity != m.identity():
		return bad("the identity is not that of its members")
	case m.Key != "" && !isDigest(m.Key), m.Signature != "" && !isSignature(m.Signature), (m.Key == "") != (m.Signature == ""):
		return bad("the signature is none")
	}
	return nil
}

func isSignature(s string) bool {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == ed25519.SignatureSize
}

// checkMembers checks a list.
func checkMembers(list []Member) error {
	for i := range list {
		m := &list[i]
		switch {
		case !fs.ValidPath(m.Name) || !utf8.ValidString(m.Name):
			return bad("member %d: %.200q is no name", i, m.Name)
		case i > 0 && m.Name <= list[i-1].Name:
			return bad("member %d: %.200q is out of order", i, m.Name)
		case m.Size < 0 || m.Size == math.MaxInt64:
			return bad("member %.200q: its size is %d", m.Name, m.Size)
		case !isDigest(m.SHA256):
			return bad("member %.200q: no SHA-256 of 64 hexadecimal digits of lower case", m.Name)
		}
	}
	return nil
}

// isDigest says whether s is a SHA-256 in digits of lower case.
func isDigest(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == sha256.Size && hex.EncodeToString(raw) == s
}

// Bytes is the number of bytes of all members.
func (m *Manifest) Bytes() int64 {
	n := int64(0)
	for i := range m.Members {
		if n += m.Members[i].Size; n < 0 {
			return math.MaxInt64
		}
	}
	return n
}
