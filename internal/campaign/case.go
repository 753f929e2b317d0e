package campaign

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A Case is one damaged image: the same name, mutator and seed give the same bytes
// as long as the corpus is the same.
type Case struct {
	Image   string
	Mutator string
	Seed    uint64
}

// String is the case as ParseCase takes it.
func (c Case) String() string { return fmt.Sprintf("%s:%s:%d", c.Image, c.Mutator, c.Seed) }

// ParseCase reads what String wrote.
func ParseCase(s string) (Case, error) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return Case{}, fmt.Errorf("%q is not IMAGE:MUTATOR:SEED", s)
	}
	seed, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return Case{}, fmt.Errorf("%q has no seed: %w", s, err)
	}
	return Case{parts[0], parts[1], seed}, nil
}

// maxTries is how often a mutator that finds nothing to change is asked again.
const maxTries = 8

// Mutate makes the damaged image. Where the mutator finds nothing to change, bytes
// are flipped.
func (c *Corpus) Mutate(k Case) (*Image, error) {
	m, ok := c.byName[k.Image]
	if !ok {
		return nil, fmt.Errorf("no image is called %q", k.Image)
	}
	i := slices.IndexFunc(c.mutators, func(x mutator) bool { return x.name == k.Mutator })
	if i < 0 || !c.mutators[i].fits(m.Family) {
		return nil, fmt.Errorf("no mutator of %s images is called %q", m.Family, k.Mutator)
	}
	h := fnv.New64a()
	h.Write([]byte(k.Image + ":" + k.Mutator))
	r := rand.New(rand.NewPCG(k.Seed, h.Sum64()))
	for range maxTries {
		if out := c.mutators[i].apply(c, r, m); out != nil {
			return out, nil
		}
	}
	flipped := onBytes(func(r *rand.Rand, b, _ []byte) []byte { return flip(r, append([]byte{0}, b...)) })
	return flipped(c, r, m), nil
}

func (m *mutator) fits(f Family) bool { return m.families == nil || slices.Contains(m.families, f) }

// Case gives the case of a number: images by their weights, mutators by their
// shares.
func (c *Corpus) Case(number uint64) Case {
	r := rand.New(rand.NewPCG(number, 0x7468617721))
	m := c.images[pick(r, c.weights)]
	var fit []mutator
	var shares []int
	for _, x := range c.mutators {
		if x.fits(m.Family) {
			fit, shares = append(fit, x), append(shares, x.share)
		}
	}
	return Case{m.Name, fit[pick(r, shares)].name, number}
}

// pick chooses a place by weight.
func pick(r *rand.Rand, weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := r.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return len(weights) - 1
}
