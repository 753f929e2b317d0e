package seal

import (
	"context"
	"slices"

	"github.com/thaw-cr/thaw/codec"
)

// comparison compares a tree with a list of what was sealed.
type comparison struct {
	tree   *tree
	sealed []Member
	hasher hasher
	// names and sums are the files that are as long as something sealed.
	names []string
	sums  []summed

	faults []*codec.FormatError
	told   map[codec.Kind]int
}

// content is what tells one member from another.
type content struct {
	size   int64
	sha256 string
}

// run gives what is not as it was sealed.
func (c *comparison) run(ctx context.Context) ([]*codec.FormatError, error) {
	c.told = map[codec.Kind]int{}
	sealed := make(map[string]*Member, len(c.sealed))
	sizes := map[int64]bool{}
	under := map[content]string{} // the first name of each content
	common := false
	for i := range c.sealed {
		m := &c.sealed[i]
		sealed[m.Name] = m
		sizes[m.Size] = true
		if k := (content{m.Size, m.SHA256}); under[k] == "" {
			under[k] = m.Name
		}
		_, here := c.tree.places[m.Name]
		common = common || here
	}
	if !common {
		c.tell(codec.OtherImage, "", "none of the %d members that the seal lists is here", len(c.sealed))
		return c.faults, nil
	}
	// What no sealed member is as long as was surely changed, and is not read: it
	// may be of any length.
	c.names = slices.DeleteFunc(c.tree.names(), func(name string) bool { return !sizes[c.tree.places[name].size] })
	var err error
	if c.sums, err = c.hasher.each(ctx, c.names); err != nil {
		return nil, err
	}
	found := make(map[string]*summed, len(c.names))
	for i, name := range c.names {
		found[name] = &c.sums[i]
	}
	for i := range c.sealed {
		if _, ok := c.tree.places[c.sealed[i].Name]; !ok {
			c.tell(codec.StrippedMember, c.sealed[i].Name, "%d bytes were sealed under this name, and there is no such member", c.sealed[i].Size)
		}
	}
	for _, name := range c.tree.names() {
		c.judge(name, sealed[name], found[name], under)
	}
	c.tellRest()
	return c.faults, nil
}

// judge compares one file: want is the member of its name, nil if there is none;
// got what hashing found, nil if it was not read; under are the names of sealed
// contents.
func (c *comparison) judge(name string, want *Member, got *summed, under map[content]string) {
	var has content
	if got != nil {
		has = content{got.size, got.sha256}
	}
	other := under[has]
	size := c.tree.places[name].size
	switch {
	case want != nil && got != nil && has == content{want.Size, want.SHA256}:
	case want == nil && other != "":
		c.tell(codec.AddedMember, name, "it holds what was sealed as %.200q", other)
	case want == nil:
		c.tell(codec.AddedMember, name, "%d bytes under a name that was not sealed", size)
	case other != "":
		c.tell(codec.SwappedMember, name, "it holds what was sealed as %.200q", other)
	case got != nil && got.size < 0:
		c.tell(codec.ResizedMember, name, "it got shorter while it was read")
	case size != want.Size:
		c.tell(codec.ResizedMember, name, "%d bytes, and %d were sealed", size, want.Size)
	default:
		c.tell(codec.AlteredMember, name, "its SHA-256 is %s, and %s was sealed", got.sha256, want.SHA256)
	}
}

// tell reports a fault; beyond maxTold of its kind it only counts.
func (c *comparison) tell(kind codec.Kind, name, msg string, args ...any) {
	if c.told[kind]++; c.told[kind] <= maxTold {
		where := ""
		if name != "" {
			where = record(name)
		}
		c.faults = append(c.faults, codec.Errorf(kind, where, 0, msg, args...))
	}
}

// tellRest says how many faults were not told.
func (c *comparison) tellRest() {
	for _, k := range codec.Kinds() {
		if more := c.told[k] - maxTold; more > 0 {
			c.faults = append(c.faults, codec.Errorf(k, "", 0, "%d more of this kind", more))
		}
	}
}
