package crypt_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/pem"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/thaw-cr/thaw/codec/crypt"
)

// sshKey makes a private key of ssh, encrypted if there is a passphrase, and the
// line of its public key.
func sshKey(t testing.TB, passphrase string) (private []byte, public string) {
	t.Helper()
	seed := sha256.Sum256([]byte("thaw: ssh"))
	key := ed25519.NewKeyFromSeed(seed[:])
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "somebody")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "somebody", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), string(ssh.MarshalAuthorizedKey(pub))
}

func TestSSH(t *testing.T) {
	private, public := sshKey(t, "")
	recipients, err := crypt.ParseRecipients([]byte("# of the cluster\n\n" + public))
	if err != nil {
		t.Fatal(err)
	}
	identities, err := crypt.ParseIdentities(private)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	w, err := crypt.NewWriter(&b, recipients)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("an image")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := decrypt(t, seekable([]byte(b.String())), identities...); string(got) != "an image" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestIdentities(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	locked, _ := sshKey(t, "secret")
	for _, tt := range []struct {
		name, file string
		n          int
		want       string
	}{
		{"one", mine, 1, ""},
		{"two and a comment", "# mine\n" + mine + "\n" + hybrid.String() + "\n", 2, ""},
		{"empty", "", 0, "no identities"},
		{"a recipient", identity(t, mine).Recipient().String(), 0, "unknown identity"},
		{"encrypted", "age-encryption.org/v1\n-> scrypt", 0, "encrypted"},
		{"encrypted ssh key", string(locked), 0, "encrypted"},
		{"other PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0, "unsupported"},
		{"long", strings.Repeat("#", crypt.MaxKeyFile+1), 0, "longer than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := crypt.ParseIdentities([]byte(tt.file))
			if len(got) != tt.n || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%d identities, %v; want %d, %q", len(got), err, tt.n, tt.want)
			}
		})
	}
}

func TestRecipients(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	_, public := sshKey(t, "")
	for _, tt := range []struct {
		name, file string
		n          int
		want       string
	}{
		{"age", identity(t, mine).Recipient().String() + "\r\n", 1, ""},
		{"post-quantum", hybrid.Recipient().String(), 1, ""},
		{"ssh", public, 1, ""},
		{"several", "# us\n" + identity(t, mine).Recipient().String() + "\n\n" + public, 2, ""},
		{"none", "# nobody\n", 0, "nobody"},
		{"an identity", mine, 0, "line 1: it holds an identity"},
		{"an ssh identity", "-----BEGIN OPENSSH PRIVATE KEY-----", 0, "it holds an identity"},
		{"anything", "# hello\n" + notAnything, 0, "line 2: neither"},
		{"bad checksum", "age1" + strings.Repeat("q", 58), 0, "line 1"},
		{"long", strings.Repeat("#", crypt.MaxKeyFile+1), 0, "longer than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := crypt.ParseRecipients([]byte(tt.file))
			if len(got) != tt.n || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%d recipients, %v; want %d, %q", len(got), err, tt.n, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), mine) {
				t.Error("the error shows the identity")
			}
		})
	}
}

func FuzzKeys(f *testing.F) {
	private, public := sshKey(f, "")
	for _, s := range []string{"", mine, identity(f, mine).Recipient().String(), public, string(private), "# x\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		recipients, err := crypt.ParseRecipients(b)
		if (err == nil) != (len(recipients) > 0) {
			t.Errorf("%d recipients and %v", len(recipients), err)
		}
		identities, err := crypt.ParseIdentities(b)
		if (err == nil) != (len(identities) > 0) {
			t.Errorf("%d identities and %v", len(identities), err)
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	good := encrypt(f, []byte("an image"))
	f.Add(good)
	f.Add(armored(f, good))
	f.Add([]byte("age-encryption.org/v1\n-> x\n\n--- \n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decrypt(t, seekable(b), identity(t, mine))
		if err == nil && string(got) != "an image" {
			t.Errorf("%q: nobody encrypted that", got)
		}
		if err != nil && kindOf(err) == "" {
			t.Errorf("not a fault of the file: %v", err)
		}
	})
}
