package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// What stands before the 32 bytes of a key in its DER form: RFC 8410, sections 4
// and 7. There is but one way to write either.
var (
	spkiPrefix  = []byte{0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0}
	pkcs8Prefix = []byte{0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20}
)

// The types of PEM blocks.
const (
	publicBlock  = "PUBLIC KEY"
	privateBlock = "PRIVATE KEY"
)

// MaxKeyFile is the greatest length of a file of keys in bytes.
const MaxKeyFile = 1 << 20

// maxKeys is the greatest number of public keys in a file.
const maxKeys = 1024

// The errors of files of keys.
var (
	errNoKey      = errors.New("no Ed25519 key in PEM form is in it")
	errKeyTooLong = fmt.Errorf("longer than %d bytes, and no file of keys is", MaxKeyFile)
	errPrivate    = errors.New("it holds a private key, where a public one is wanted: openssl pkey -in FILE -pubout makes that")
	errPublic     = errors.New("it holds a public key, where the private one is wanted")
	errLocked     = errors.New("the key is encrypted: openssl pkey -in FILE -out PLAIN makes a plain one")
	errManyKeys   = errors.New("it holds more than one key")
)

// GenerateKey makes a key.
func GenerateKey() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

// MarshalPrivate is a private key in PEM form (PKCS#8), as openssl genpkey writes
// it.
func MarshalPrivate(key ed25519.PrivateKey) []byte {
	der := append(bytes.Clone(pkcs8Prefix), key.Seed()...)
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der})
}

// MarshalPublic is a public key in PEM form (SPKI), as openssl pkey -pubout writes
// it.
func MarshalPublic(key ed25519.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: spki(key)})
}

func spki(key ed25519.PublicKey) []byte { return append(bytes.Clone(spkiPrefix), key...) }

// Fingerprint names a public key: the SHA-256 of its SPKI form in hexadecimal
// digits.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(spki(key))
	return hex.EncodeToString(sum[:])
}

// ParsePrivate reads the one private key of a file.
func ParsePrivate(file []byte) (ed25519.PrivateKey, error) {
	blocks, err := blocksOf(file)
	if err != nil {
		return nil, err
	}
	if len(blocks) > 1 {
		return nil, errManyKeys
	}
	switch b := blocks[0]; b.Type {
	case privateBlock:
		seed, ok := bytes.CutPrefix(b.Bytes, pkcs8Prefix)
		if !ok || len(seed) != ed25519.SeedSize {
			return nil, errors.New("a private key, but not one of Ed25519 as openssl genpkey -algorithm ed25519 writes it")
		}
		return ed25519.NewKeyFromSeed(seed), nil
	case publicBlock:
		return nil, errPublic
	case "ENCRYPTED PRIVATE KEY":
		return nil, errLocked
	default:
		return nil, errNoKey
	}
}

// ParsePublic reads the public keys of a file, one or more.
func ParsePublic(file []byte) ([]ed25519.PublicKey, error) {
	blocks, err := blocksOf(file)
	if err != nil {
		return nil, err
	}
	keys := make([]ed25519.PublicKey, 0, len(blocks))
	for _, b := range blocks {
		switch b.Type {
		case publicBlock:
		case privateBlock, "ENCRYPTED PRIVATE KEY":
			return nil, errPrivate
		default:
			return nil, errNoKey
		}
		key, ok := bytes.CutPrefix(b.Bytes, spkiPrefix)
		if !ok || len(key) != ed25519.PublicKeySize {
			return nil, errors.New("a public key, but not one of Ed25519")
		}
		keys = append(keys, bytes.Clone(key))
	}
	return keys, nil
}

// blocksOf gives the PEM blocks of a file, at least one.
func blocksOf(file []byte) ([]*pem.Block, error) {
	if len(file) > MaxKeyFile {
		return nil, errKeyTooLong
	}
	var blocks []*pem.Block
	for {
		b, rest := pem.Decode(file)
		if b == nil {
			break
		}
		if len(blocks) == maxKeys {
			return nil, fmt.Errorf("more than %d keys", maxKeys)
		}
		blocks, file = append(blocks, b), rest
	}
	if len(blocks) == 0 {
		return nil, errNoKey
	}
	return blocks, nil
}
