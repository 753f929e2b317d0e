package simkernel

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// Snapshot gives all tasks but the outside as an image's, in order of their
// numbers. Ids of the outside are 0; the root is the first task.
func (k *Kernel) Snapshot() *format.Image {
	var tids []format.PID
	for tid, p := range k.tasks.All() {
		if p != k.outside {
			tids = append(tids, tid)
		}
	}
	slices.Sort(tids)
	img := &format.Image{Tasks: make([]format.Task, len(tids))}
	img.Objects.Processes = make([]format.Process, 0, len(tids))
	for i, tid := range tids {
		img.Tasks[i] = k.task(tid, k.tasks.Get(tid), img)
	}
	if len(img.Tasks) > 0 {
		img.Root = img.Tasks[0].TID
	}
	return img
}

// processIDs is added to a process's number for the id of its Process object,
// so that it is unlike those of memories and files.
const processIDs format.ObjectID = 1 << 31

func (k *Kernel) task(tid format.PID, p *proc, img *format.Image) format.Task {
	t := format.Task{
		TID: tid, TGID: p.pid, PPID: p.parent.pid, PGID: p.pgid, SID: p.sid,
		State: format.Running, Process: processIDs + format.ObjectID(p.pid),
	}
	if tid == p.pid {
		t.ExitSignal = p.exit
		img.Objects.Processes = append(img.Objects.Processes,
			format.Process{ID: t.Process, Subreaper: p.subreaper && !p.zombie})
	}
	switch {
	case p.zombie:
		t.State, t.Status = format.Zombie, p.status
		return t
	case !p.lives(tid):
		t.State, t.Status = format.DeadLeader, p.status
		return t
	case p.stopped:
		t.State, t.StopSignal, t.StopUnreported = format.Stopped, p.stopSignal, p.unreported
	}
	t.Memory, t.Files, t.FS, t.Handlers = p.objects[Memory], p.objects[Files], p.objects[FS], p.objects[Handlers]
	return t
}
