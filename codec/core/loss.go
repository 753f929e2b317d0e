package core

import (
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// LossTask is the code of processes that have no core file.
const LossTask codec.LossCode = "task"

// lost are the kinds of state that no core file has a place for. What an image has
// of each is said once.
var lost = []struct {
	code codec.LossCode
	what string
	// image says whether the image has some, task and memory whether a task and its
	// memory have; nil for never.
	image  func(*format.Objects) bool
	task   func(*format.Task) bool
	memory func(*format.AddressSpace) bool
}{
	{code: codec.LossFile, what: "open files, sockets and what is in them", task: func(t *format.Task) bool { return t.Files != 0 }},
	{code: codec.LossDeleted, what: "files without a name", image: func(o *format.Objects) bool { return len(o.Deleted) > 0 }},
	{code: codec.LossTerminal, what: "terminals", image: func(o *format.Objects) bool { return len(o.Terminals) > 0 }},
	{code: codec.LossUmask, what: "working and root directories, umask", task: func(t *format.Task) bool { return t.FS != 0 }},
	{code: codec.LossSignal, what: "signal handlers", task: func(t *format.Task) bool { return t.Handlers != 0 }},
	{code: codec.LossSignal, what: "contents of queued signals", task: func(t *format.Task) bool { return len(t.Pending) > 0 }},
	{code: codec.LossAltStack, what: "alternate signal stacks", task: func(t *format.Task) bool { return t.AltStack != nil }},
	{code: codec.LossProcess, what: "timers, limits and signals of the whole process", task: func(t *format.Task) bool { return t.Process != 0 }},
	{code: codec.LossCreds, what: "credentials but for user and group", task: func(t *format.Task) bool { return t.Creds != 0 }},
	{code: codec.LossNamespace, what: "namespaces", task: func(t *format.Task) bool { return len(t.Namespaces) > 0 }},
	{code: codec.LossCgroup, what: "control groups", task: func(t *format.Task) bool { return t.Cgroup != 0 }},
	{code: codec.LossSeccomp, what: "seccomp filters", task: func(t *format.Task) bool { return t.Seccomp != 0 || t.SeccompMode != 0 }},
	{code: codec.LossSched, what: "scheduling but for the nice value", task: func(t *format.Task) bool { return t.Sched != nil }},
	{code: codec.LossRseq, what: "restartable sequences", task: func(t *format.Task) bool { return t.Rseq != nil }},
	{code: codec.LossPersonality, what: "personality", task: func(t *format.Task) bool { return t.Personality != 0 }},
	{
		code: codec.LossMemory, what: "advice, locks and other properties of memory areas",
		memory: func(m *format.AddressSpace) bool {
			for i := range m.VMAs {
				if m.VMAs[i].Flags&^(format.VMAAccount|format.VMAGrowsDown) != 0 {
					return true
				}
			}
			return false
		},
	},
	{code: codec.LossMemory, what: "heap, stack and code boundaries", memory: func(m *format.AddressSpace) bool { return m.StartBrk != 0 || m.StartCode != 0 }},
	{
		code: codec.LossMemory, what: "lists of mapped files longer than 4 MiB",
		memory: func(m *format.AddressSpace) bool { _, fits := fileNoteBytes(m); return !fits },
	},
}

// losses are what core files of some processes lose of an image. Others is how
// many processes were not asked for.
func losses(img *format.Image, written, refused []*process, others int) []codec.Loss {
	var l codec.Losses
	l.If(others > 0, LossTask, 0, 0, "other processes than the one asked for")
	for _, p := range refused {
		if len(p.threads) == 0 {
			l.Add(LossTask, p.tgid, 0, "dead processes have no core file")
			continue
		}
		l.Add(LossTask, p.tgid, 0, "no core file: %s", p.refusal())
	}
	dead := false
	for _, p := range written {
		dead = dead || p.leader != nil && p.leader.State.Dead()
	}
	l.If(dead, codec.LossStatus, 0, 0, "status of dead leaders")
	for i := range lost {
		k := &lost[i]
		there := k.image != nil && k.image(&img.Objects)
		for _, p := range written {
			there = there || k.memory != nil && k.memory(p.memory)
			for _, t := range p.threads {
				there = there || k.task != nil && k.task(t)
			}
		}
		l.If(there, k.code, 0, 0, "%s", k.what)
	}
	l.Digests(&img.Objects)
	for i := range img.Attachments {
		if img.Attachments[i].Role != format.AttachmentBytes {
			l.Add(codec.LossAttachment, 0, 0, "records of other formats")
			break
		}
	}
	return l
}
