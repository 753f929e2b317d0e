package live

import (
	"os"
	"path/filepath"
	"testing"
)

// An identity of age that everybody knows, and its recipient.
const (
	ageIdentity  = "AGE-SECRET-KEY-1S2WFV635F3X5WQQX7K56M9U8LEPAWTSVFLPZK5UYE8P6GDNEU0VSWTDTXA\n"
	ageRecipient = "age1ukkvayg8enqypnqfgjwxtzr8ptt32s9sncp5xfj3v3nsgqmytqpsnm93zr"
)

// TestSealed restores trees from images that are sealed, encrypted, or both, and
// refuses them when they were altered.
func TestSealed(t *testing.T) {
	for _, s := range []Spec{{Name: "memory"}, {Name: "tree"}, {Name: "rounds"}} {
		t.Run(s.String(), func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			key, identity := filepath.Join(w.Dir, "maker.key"), filepath.Join(w.Dir, "age.key")
			w.Must(0, "seal", "--generate-key", key)
			w.must(os.WriteFile(identity, []byte(ageIdentity), 0o600))
			f := w.Start(s)
			img := w.Capture(f)
			w.Must(0, "seal", img, "--key", key)
			secret := img + ".age"
			w.Must(0, "convert", img, secret, "--encrypt", ageRecipient)
			w.Must(0, "seal", secret, "--key", key)

			refused(w, []int{1}, secret)
			refused(w, []int{1}, secret, "--key", key+".pub")
			for _, name := range []string{img, secret} {
				b, err := os.ReadFile(name)
				w.must(err)
				b[len(b)/2] ^= 1
				bad := name + ".bad"
				w.must(os.WriteFile(bad, b, 0o600))
				refused(w, []int{1}, bad, "--key", key+".pub", "--seal", name+".seal", "--identity", identity)
			}
			refused(w, []int{1}, secret+".bad", "--identity", identity)

			w.Restore(secret, "--key", key+".pub", "--identity", identity)
			w.Judge(f)
		})
	}
	t.Run("plain", func(t *testing.T) {
		w := Inside(t)
		if w == nil {
			return
		}
		key := filepath.Join(w.Dir, "maker.key")
		w.Must(0, "seal", "--generate-key", key)
		f := w.Start(Spec{Name: "memory"})
		img := w.Capture(f)
		w.Must(0, "seal", img, "--key", key)
		w.Restore(img, "--key", key+".pub")
		w.Judge(f)
	})
}
