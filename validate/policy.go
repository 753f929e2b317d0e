package validate

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/policy"
)

// firstOwnRule is the first code of family A whose severity is a policy's own
// business. Those before it speak of archives that are broken or deceive, which
// no container needs.
const firstOwnRule = "A040"

// ParsePolicy reads a policy that may stand on the strict one. The error is one or
// more *policy.InvalidError, joined; name is the file's in them.
func ParsePolicy(name string, document []byte) (*policy.Policy, error) {
	return policy.Parse(name, document, policy.Options{Base: policy.Strict(), CheckLevel: checkLevel})
}

// checkLevel says whether a policy may give a rule that severity.
func checkLevel(code string, l policy.Level) error {
	r, ok := Lookup(code)
	switch {
	case !ok:
		return fmt.Errorf("no rule has the code %.40q", code)
	case r.Family() != "A":
		return fmt.Errorf("%s is not about archives: policies are for family A", code)
	case code < firstOwnRule && severityOf(l).rank() < r.Severity.rank():
		return fmt.Errorf("%s cannot be less than %s: no container needs what it finds", code, r.Severity)
	}
	return nil
}

// severityOf is a policy's word for a severity; empty for off.
func severityOf(l policy.Level) Severity {
	if l == policy.Off {
		return ""
	}
	return Severity(l)
}

// severityUnder is the severity that a policy gives a code, or else the catalogue;
// empty for one that is not to be told.
func severityUnder(p *policy.Policy, code string) Severity {
	r, ok := Lookup(code)
	if !ok {
		return Error
	}
	if r.Family() == "A" {
		if l := p.Level(code); l != "" {
			return severityOf(l)
		}
	}
	return r.Severity
}

// UnderPolicy gives findings the severities of a policy and leaves out those that
// it switches off. It is for findings that Run did not make: FromFaults,
// FromError. A nil policy is the strict one.
func UnderPolicy(p *policy.Policy, findings []Finding) []Finding {
	if !slices.ContainsFunc(findings, func(f Finding) bool { return strings.HasPrefix(f.Code, "A") }) {
		return findings
	}
	if p == nil {
		p = policy.Strict()
	}
	out := make([]Finding, 0, len(findings))
	for _, f := range findings {
		if strings.HasPrefix(f.Code, "A") {
			f.Severity = severityUnder(p, f.Code)
		}
		if f.Severity != "" {
			out = append(out, f)
		}
	}
	return out
}

// judge is what the rules over containers are asked with: a container, the
// policy, and where findings go.
type judge struct {
	*checker
	*policy.Policy
	k *format.Container
}

// find reports something in a part of the container's checkpoint. The message
// begins with the rule's title: what it would do, before where it stands.
func (j *judge) find(code, record, message string, args ...any) {
	r, _ := Lookup(code)
	j.report(code, Subject{File: firstText(j.k.Name, j.k.ID), Record: record}, "%s: "+message, append([]any{r.Title}, args...)...)
}

func firstText(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// The documents that findings name.
const (
	inConfig     = "config.dump"
	inSpec       = "spec.dump"
	inDeleted    = "deleted.files"
	inNetwork    = "network.status"
	inBinds      = "bind.mounts"
	inRootfs     = "rootfs-diff.tar"
	inMetadata   = "annotations"
	inCheckpoint = "checkpoint"
)

// containerChecks are all that is asked of a container.
var containerChecks = []func(*judge){
	judgeIdentity, judgeImage, judgeLayers, judgeMounts, judgeDevices, judgeCapabilities, judgeHooks, judgeNamespaces,
	judgeProtection, judgeLimits, judgeIDMaps, judgeOrders, judgeAnnotations, judgeNetworks, judgeProcess, judgeSecrets, judgeTree,
}

// checkContainers is the part of family A that the model shows: what a checkpoint
// would make an engine do to its host, against a policy.
func checkContainers(c *checker) {
	for i := range c.img.Containers {
		j := &judge{checker: c, Policy: c.policy(), k: &c.img.Containers[i]}
		for _, check := range containerChecks {
			if c.ctx.Err() != nil {
				return
			}
			check(j)
		}
	}
}

// Containers judges the containers that a tree was in, and nothing else of the
// image. A nil policy is the strict one.
func Containers(ctx context.Context, img *format.Image, p *policy.Policy) []Finding {
	c := newChecker(ctx, img, Options{Policy: p}, newTables(img))
	checkContainers(c)
	return c.flush()
}

// FromBroken judges the container that an image was in that could not be opened,
// if the error tells of one. A nil policy is the strict one.
func FromBroken(ctx context.Context, err error, p *policy.Policy) []Finding {
	broken, ok := errors.AsType[*codec.BrokenError](err)
	if !ok {
		return nil
	}
	return Containers(ctx, &format.Image{Containers: []format.Container{*broken.Container}}, p)
}

// hasUp says whether a name has a part "..".
func hasUp(name string) bool {
	return strings.Contains(name, "..") && slices.Contains(strings.Split(name, "/"), "..")
}

// lazily compiles an expression when it is first asked for: most commands never
// judge a container.
func lazily(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
