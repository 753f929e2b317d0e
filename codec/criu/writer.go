package criu

import (
	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"google.golang.org/protobuf/encoding/protowire"
)

// A trait is something that images have since a release of CRIU.
type trait struct {
	since string
	has   func(*decoder) bool
}

// traits tell the writer, the newest first. Nothing in an image names its
// version, so what it has must do. What it lacks tells little, because most of it
// depends on the tree and the kernel; but the way pages are counted is in all.
// Source: the release notes of CRIU.
var traits = []trait{
	{firstNewCount, (*decoder).countsPagesAnew},
	{"4.1", func(d *decoder) bool { return d.hasType(fdinfo.FdTypes_PIDFD) }},
	{"3.17", func(d *decoder) bool {
		return d.inAnyCore(func(t *criu_core.ThreadCoreEntry) bool { return t.RseqEntry != nil })
	}},
	{"3.16", func(d *decoder) bool { return d.inv.NetworkLockMethod != nil }},
	{"3.14", func(d *decoder) bool { return d.find(kTimeNS, 0) != nil }},
}

// The version that first counts pages in a new field, and the last that does not.
const (
	firstNewCount = "4.2"
	lastOldCount  = "4.1"
)

// writer is the range of versions that the image can be from: "4.2 or later",
// "3.17 to 4.1", "4.1 or earlier".
func (d *decoder) writer() string {
	for _, t := range traits {
		switch {
		case !t.has(d):
		case t.since == firstNewCount:
			return t.since + " or later"
		case t.since == lastOldCount:
			return t.since
		default:
			return t.since + " to " + lastOldCount
		}
	}
	return lastOldCount + " or earlier"
}

// countsPagesAnew says whether some pagemap has the field that all have since
// 4.2. Images of trees without a page have none.
func (d *decoder) countsPagesAnew() bool {
	for _, f := range d.all(kPagemap) {
		var head, r record
		head.at = f.body
		b, err := frameBody(f.data[f.body:], &head, d.lim)
		if err != nil || f.body+4+int64(len(b)) >= int64(len(f.data)) {
			continue
		}
		r.at = f.body + 4 + int64(len(b))
		if b, err = frameBody(f.data[r.at:], &r, d.lim); err == nil {
			return hasField(b, pmNr)
		}
	}
	return false
}

func hasField(b []byte, want protowire.Number) bool {
	for len(b) > 0 {
		num, _, n := protowire.ConsumeField(b)
		if n < 0 || num == want {
			return n >= 0
		}
		b = b[n:]
	}
	return false
}

func (d *decoder) hasType(t fdinfo.FdTypes) bool {
	for _, e := range entries[*fdinfo.FileEntry](d.find(kFiles, 0)) {
		if e.GetType() == t {
			return true
		}
	}
	return false
}

func (d *decoder) inAnyCore(has func(*criu_core.ThreadCoreEntry) bool) bool {
	for _, f := range d.all(kCore) {
		if e, ok := entry[*criu_core.CoreEntry](f); ok && e.GetThreadCore() != nil && has(e.GetThreadCore()) {
			return true
		}
	}
	return false
}
