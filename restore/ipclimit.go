package restore

import (
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/husk"
)

// defaultSysctls are the settings of a new ipc namespace
// (include/uapi/linux/shm.h, msg.h, sem.h, include/linux/ipc_namespace.h).
var defaultSysctls = map[string]string{
	"kernel.shmmax": "18446744073692774399", "kernel.shmall": "18446744073692774399", "kernel.shmmni": "4096",
	"kernel.shm_rmid_forced": "0", "kernel.msgmax": "8192", "kernel.msgmnb": "16384", "kernel.msgmni": "32000",
	"kernel.sem": "32000 1024000000 500 32000", "fs.mqueue.queues_max": "256", "fs.mqueue.msg_max": "10",
	"fs.mqueue.msgsize_max": "8192", "fs.mqueue.msg_default": "10", "fs.mqueue.msgsize_default": "8192",
}

// An ipcSetting is one of an ipc namespace of the tree's own.
type ipcSetting struct {
	name string
	// wide is what it has while objects are made, some of which may be older than
	// a limit that was lowered since, and last what it has in the end.
	wide, last string
}

// ipcSettings are those that differ from what a namespace begins with.
func (b *builder) ipcSettings() []ipcSetting {
	if b.spaces.ipc == nil {
		return nil
	}
	needs := ipcNeeds(&b.img.Objects)
	var list []ipcSetting
	seen := map[string]bool{}
	add := func(name, value string) {
		preset, known := defaultSysctls[name]
		if !known || seen[name] {
			return
		}
		seen[name] = true
		if s := (ipcSetting{name, raised(value, needs[name]), value}); s.wide != preset || s.last != preset {
			list = append(list, s)
		}
	}
	for _, s := range b.spaces.ipc.Sysctls {
		add(s.Name, s.Value)
	}
	for _, name := range limitNames {
		add(name, defaultSysctls[name])
	}
	return list
}

// emitSysctls widens the limits of an ipc namespace, and narrowSysctls sets them
// as they were when the objects are there.
func (b *builder) emitSysctls(p *husk.Program) {
	for _, s := range b.ipcSettings() {
		if s.wide != defaultSysctls[s.name] {
			b.writeSysctl(p, s.name, s.wide)
		}
	}
}

func (b *builder) narrowSysctls(p *husk.Program) {
	for _, s := range b.ipcSettings() {
		if s.wide != s.last {
			b.writeSysctl(p, s.name, s.last)
		}
	}
}

// limitNames are the settings that are limits, in the order in which they are
// widened.
var limitNames = []string{"kernel.shmmax", "kernel.shmall", "kernel.shmmni", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem"}

// ipcNeeds are the least limits with which the objects of an image can be made;
// kernel.sem is four: semaphores of a set, of all sets, operations, sets.
func ipcNeeds(o *format.Objects) map[string][]uint64 {
	var longest, pages, segments, message, room, semaphores, most uint64
	for i := range o.Shared {
		if s := &o.Shared[i]; s.Kind == format.SharedSysV {
			longest = max(longest, s.Size)
			pages += pageAlign(s.Size) / pageSize
			segments++
		}
	}
	for i := range o.Messages {
		q := &o.Messages[i]
		room = max(room, q.MaxBytes, queueNeeds(q))
		for j := range q.Messages {
			message = max(message, uint64(len(q.Messages[j].Data)))
		}
	}
	for i := range o.Semaphores {
		n := uint64(len(o.Semaphores[i].Values))
		most = max(most, n)
		semaphores += n
	}
	return map[string][]uint64{
		"kernel.shmmax": {longest}, "kernel.shmall": {pages}, "kernel.shmmni": {segments},
		"kernel.msgmax": {message}, "kernel.msgmnb": {room}, "kernel.msgmni": {uint64(len(o.Messages))},
		"kernel.sem": {most, semaphores, 0, uint64(len(o.Semaphores))},
	}
}

// queueNeeds is the least size of a queue that takes its messages: as many bytes,
// and no fewer than messages.
func queueNeeds(q *format.SysVMessages) uint64 {
	total := uint64(0)
	for i := range q.Messages {
		total += uint64(len(q.Messages[i].Data))
	}
	return max(total, uint64(len(q.Messages)))
}

// raised is a setting whose numbers are no less than what is needed.
func raised(value string, need []uint64) string {
	words := strings.Fields(value)
	changed := false
	for i := range min(len(words), len(need)) {
		if n, err := strconv.ParseUint(words[i], 10, 64); err == nil && n < need[i] {
			words[i], changed = strconv.FormatUint(need[i], 10), true
		}
	}
	if !changed {
		return value
	}
	return strings.Join(words, " ")
}
