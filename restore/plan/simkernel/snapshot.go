package simkernel

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// Snapshot gives all tasks but the outside as an image's, in order of their
// numbers. Ids of the outside are 0; the root is the first task.
func (k *Kernel) Snapshot() *format.Image {
	img := &format.Image{}
	for tid, p := range k.tasks {
		if p != k.outside {
			img.Tasks = append(img.Tasks, k.task(tid, p, img))
		}
	}
	slices.SortFunc(img.Tasks, func(a, b format.Task) int { return int(a.TID) - int(b.TID) })
	slices.SortFunc(img.Objects.Processes, func(a, b format.Process) int { return int(a.ID) - int(b.ID) })
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
	case !p.live[tid]:
		t.State, t.Status = format.DeadLeader, p.status
		return t
	case p.stopped:
		t.State, t.StopSignal, t.StopUnreported = format.Stopped, p.stopSignal, p.unreported
	}
	t.Memory, t.Files, t.FS, t.Handlers = p.objects[Memory], p.objects[Files], p.objects[FS], p.objects[Handlers]
	return t
}
