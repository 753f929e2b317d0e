package linuxcr

import (
	"slices"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// needed are the records that every living task has, with the first generation
// that writes them (fact sheet, 3.2 and 3.3).
var needed = []struct {
	kind  kind
	since Generation
}{
	{kCPU, A1}, {kRestart, B2}, {kTaskNS, B2}, {kTaskCreds, B3}, {kSigPending, B4}, {kSignalTask, B4},
}

// complete says what is missing of a living task whose records end before h. The
// historic reader asked for each of them by its type.
func (d *decoder) complete(h header) error {
	lacks := func(k kind) error {
		return d.fault(codec.Missing, h.name(), h.at, "task %d has no %s record", d.section.task.TID, k)
	}
	for _, n := range needed {
		if d.gen >= n.since && !d.section.seen[n.kind] {
			return lacks(n.kind)
		}
	}
	switch {
	case d.gen.framed() && !d.section.seen[kTaskObjs]:
		return lacks(kTaskObjs)
	case !d.gen.framed() && !d.section.seen[kMM]:
		return lacks(kMM)
	case !d.section.seen[kThread] && d.arch.x86:
		return lacks(kThread)
	case d.section.process && d.gen >= B4 && !d.section.seen[kSignal]:
		return lacks(kSignal)
	case d.section.math && d.gen >= B2 && !d.section.seen[kFPU]:
		return lacks(kFPU)
	}
	return nil
}

// agree checks what the header says of lengths that do not change: the names of
// the machine that stand after it.
func (d *decoder) agree(h header, b body, i, got int) error {
	lengths := []field{fReleaseLen, fVersionLen, fMachineLen}
	if !b.has(fReleaseLen) {
		lengths = []field{fUtsReleaseLen, fUtsVersionLen, fUtsMachineLen}
	}
	if want := int(b.u(lengths[i])); want != got && want != 0 { // B3 did not have all
		return d.fault(codec.Malformed, h.name(), h.at, "a name of %d bytes, but the header says %d", got, want)
	}
	return nil
}

// ends checks that text has one zero byte, which is its last: where programs look
// for the end in different places they see different names.
func (d *decoder) ends(h header, b []byte) error {
	if i := slices.Index(b, 0); i != len(b)-1 {
		return d.fault(codec.Malformed, h.name(), h.at, "a text of %d bytes whose first zero byte is at %d", len(b), i)
	}
	return nil
}

// userSegment says whether a descriptor of the TLS array is one that a program can
// have: none, or code or data of its own (fact sheet, 4.7; Intel SDM volume 3,
// 3.4.5: S at bit 44, DPL at 45, L at 53).
func userSegment(desc uint64) bool {
	const system, privilege, long = 1 << 44, 3 << 45, 1 << 53
	return desc == 0 || desc&(system|privilege|long) == system|privilege
}

// nameLength checks the length of a task's name, which a header has from B3 on.
func (d *decoder) nameLength(h header, t *format.Task, n int) error {
	if n > 16 || d.gen >= B3 && n != d.head.commLen {
		return d.fault(codec.Malformed, h.name(), h.at, "task %d has a name of %d bytes, and the header says %d", t.TID, n, d.head.commLen)
	}
	return nil
}
