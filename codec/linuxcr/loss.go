package linuxcr

import (
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// LossLeftovers is the code of what the model has no word for, and the target
// generation no place, other than the one that the image was read from.
const LossLeftovers codec.LossCode = "leftovers"

// taskLosses are what no generation says of a task.
func (e *encoder) taskLosses(t *format.Task) {
	e.losses.If(t.Sched != nil, codec.LossSched, t.TID, 0, "scheduling policy, priority and affinity")
	e.losses.If(t.Rseq != nil, codec.LossRseq, t.TID, 0, "registration of restartable sequences")
	e.losses.If(t.SeccompMode != 0 || t.NoNewPrivs, codec.LossSeccomp, t.TID, 0, "seccomp mode %d, no-new-privs %t", t.SeccompMode, t.NoNewPrivs)
	if t.Personality != 0 {
		e.losses.Add(codec.LossPersonality, t.TID, 0, "personality %#x", t.Personality)
	}
	e.losses.If(t.MCEKill != "" || t.NoTSC || t.NoCPUID || t.IOFlusher || len(t.Speculation) > 0, codec.LossProcess, t.TID, 0, "attributes of prctl")
	if t.Login != nil && t.Login.UID != format.NoLogin {
		e.losses.Add(codec.LossCreds, t.TID, 0, "login of user %d", t.Login.UID)
	}
	e.losses.If(t.StopUnreported, codec.LossStop, t.TID, 0, "its parent has not been told of the stop")
	e.losses.If(t.State == format.TracedStop, codec.LossStop, t.TID, 0, "the tracer")
	if t.Status.Core() {
		e.losses.Add(codec.LossStatus, t.TID, 0, "status %s is written, but the historic kernel refuses its core flag", t.Status)
	}
	e.losses.If(t.Times != nil, codec.LossTimes, t.TID, 0, "accounting times")
	e.losses.If(t.Cgroup != 0, codec.LossCgroup, t.TID, 0, "membership of control groups")
	e.losses.If(len(t.NSPIDs) > 0 && !e.d.nests(), codec.LossNamespace, t.TID, 0, "numbers in nested pid namespaces")
	if t.AltStack != nil {
		_, says := e.d.layout(kTask).find(fAltStack)
		e.losses.If(!says, codec.LossAltStack, t.TID, 0, "alternate signal stack at %s", t.AltStack.Base)
		e.losses.If(says && t.AltStack.Flags != 0, codec.LossAltStack, t.TID, 0, "flags %#x of the alternate signal stack", t.AltStack.Flags)
	}
}

// nests says whether the tree can tell numbers in nested namespaces.
func (d *dialect) nests() bool { return d.gen >= D1 }

// imageLosses are what no generation says of an image.
func (e *encoder) imageLosses() {
	e.losses.Digests(&e.img.Objects)
	for i := range e.img.Attachments {
		a := &e.img.Attachments[i]
		switch {
		case a.Format == formatName && a.Record == leftoversName:
			e.losses.If(e.left == nil, LossLeftovers, 0, 0, "what only the image it was read from can say: it is damaged")
		case a.Role == format.AttachmentBytes: // no state
		default:
			e.losses.If(true, codec.LossAttachment, a.Task, a.Object, "record %s of %s", a.Record, a.Format)
		}
	}
	for i := range e.img.Objects.Deleted {
		f := &e.img.Objects.Deleted[i]
		e.losses.If(true, codec.LossDeleted, 0, f.ID, "the contents of deleted file %q", f.Path)
	}
	for i := range e.img.Objects.Files {
		if f := &e.img.Objects.Files[i]; f.Unix != nil {
			e.losses.If(len(f.Unix.Pending) > 0, codec.LossFileState, 0, f.ID, "%d connections that are not yet accepted", len(f.Unix.Pending))
		}
	}
	for i := range e.img.Objects.Terminals {
		t := &e.img.Objects.Terminals[i]
		e.losses.If(true, codec.LossTerminal, 0, t.ID, "terminal %s", t.Path)
	}
	for i := range e.img.Objects.Namespaces {
		n := &e.img.Objects.Namespaces[i]
		said := n.Kind == format.NSUTS || n.Kind == format.NSIPC
		e.losses.If(!n.Host && !said, codec.LossNamespace, 0, n.ID, "%s namespace", n.Kind)
		e.losses.If(!n.Host && said && len(n.Sysctls) > 0, codec.LossNamespace, 0, n.ID, "settings of the %s namespace", n.Kind)
	}
}
