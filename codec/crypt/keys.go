package crypt

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// MaxKeyFile is the greatest length of a file of recipients or identities in
// bytes.
const MaxKeyFile = 1 << 20

var (
	errKeyTooLong = fmt.Errorf("longer than %d bytes, and no file of keys is", MaxKeyFile)
	errNobody     = errors.New("nobody is named in it")
	errSecret     = errors.New("it holds an identity, which is secret, where recipients are wanted: age-keygen -y makes those of it")
	errLocked     = errors.New("the identity is itself encrypted: decrypt it first, with age --decrypt or ssh-keygen -p")
)

// ParseRecipient reads a recipient: an age one (age1…, age1pq1…) or the public key
// of ssh (ssh-ed25519 …, ssh-rsa …).
func ParseRecipient(s string) (age.Recipient, error) {
	switch {
	case strings.HasPrefix(s, "age1pq1"):
		return age.ParseHybridRecipient(s)
	case strings.HasPrefix(s, "age1"):
		return age.ParseX25519Recipient(s)
	case strings.HasPrefix(s, "ssh-"):
		return agessh.ParseRecipient(s)
	case strings.HasPrefix(s, "AGE-SECRET-KEY-"), strings.HasPrefix(s, "-----BEGIN"):
		return nil, errSecret
	}
	return nil, errors.New("neither age1… nor the public key of an ssh key")
}

// IsRecipient says whether s looks like a recipient rather than the name of a file
// of them.
func IsRecipient(s string) bool { return strings.HasPrefix(s, "age1") || strings.HasPrefix(s, "ssh-") }

// ParseRecipients reads a file of recipients, one a line. Empty lines and those
// that begin with # are passed over.
func ParseRecipients(file []byte) ([]age.Recipient, error) {
	if len(file) > MaxKeyFile {
		return nil, errKeyTooLong
	}
	var list []age.Recipient
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, MaxKeyFile)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := ParseRecipient(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		return nil, errNobody
	}
	return list, nil
}

// ParseIdentities reads a file of age identities, one a line, or one with a private
// key of ssh.
func ParseIdentities(file []byte) ([]age.Identity, error) {
	switch {
	case len(file) > MaxKeyFile:
		return nil, errKeyTooLong
	case bytes.HasPrefix(file, []byte(binaryMagic)), bytes.HasPrefix(file, []byte(armorMagic)):
		return nil, errLocked
	case bytes.HasPrefix(bytes.TrimLeft(file, " \t\r\n"), []byte("-----BEGIN")):
		id, err := agessh.ParseIdentity(file)
		if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
			return nil, errLocked
		}
		if err != nil {
			return nil, err
		}
		return []age.Identity{id}, nil
	}
	return age.ParseIdentities(bytes.NewReader(file))
}
