package capture

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
)

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }

// readProcesses reads what the threads of a process have in common and /proc
// tells, and what is in the pipes of all of them.
func (c *capturer) readProcesses(ctx context.Context) error {
	if err := c.readPipes(ctx); err != nil {
		return err
	}
	for _, p := range c.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.alive() == nil {
			continue
		}
		if err := c.readProcess(p); err != nil {
			return err
		}
		c.img.Objects.Processes = append(c.img.Objects.Processes, p.model)
	}
	return nil
}

func (c *capturer) readProcess(p *process) error {
	t := p.alive()
	p.model.ID = t.model.Process
	limits, err := c.r.Limits(t.tid)
	if err != nil {
		return err
	}
	for res, l := range limits {
		p.model.Limits = append(p.model.Limits, format.Limit{Resource: uint32(res), Soft: l.Soft, Hard: l.Hard})
	}
	adj, err := c.r.Number(t.tid, "oom_score_adj", 10)
	if err != nil {
		return err
	}
	p.model.OOMScoreAdj = int16(adj)
	c.readPlace(p, t)
	if t.stat.TTY != 0 {
		p.model.Terminal, err = c.terminal(controlling(&t.stat), "", -1)
	}
	return err
}

// controlling gives the controlling terminal's device (new_encode_dev in
// include/linux/kdev_t.h).
func controlling(st *procfs.Stat) ttyKey {
	return ttyKey{uint32(st.TTY>>8) & 0xfff, uint32(st.TTY&0xff) | uint32(st.TTY>>12)&0xfff00}
}

// sortObjects puts every list into the order of ids.
func sortObjects(o *format.Objects) {
	sortBy(o.Processes, func(v *format.Process) format.ObjectID { return v.ID })
	sortBy(o.Memories, func(v *format.AddressSpace) format.ObjectID { return v.ID })
	sortBy(o.Shared, func(v *format.SharedMemory) format.ObjectID { return v.ID })
	sortBy(o.FileTables, func(v *format.FileTable) format.ObjectID { return v.ID })
	sortBy(o.Files, func(v *format.OpenFile) format.ObjectID { return v.ID })
	sortBy(o.Pipes, func(v *format.PipeBuffer) format.ObjectID { return v.ID })
	sortBy(o.Deleted, func(v *format.DeletedFile) format.ObjectID { return v.ID })
	sortBy(o.FS, func(v *format.FS) format.ObjectID { return v.ID })
	sortBy(o.Handlers, func(v *format.SignalHandlers) format.ObjectID { return v.ID })
	sortBy(o.Creds, func(v *format.Credentials) format.ObjectID { return v.ID })
	sortBy(o.Terminals, func(v *format.Terminal) format.ObjectID { return v.ID })
	sortBy(o.Namespaces, func(v *format.Namespace) format.ObjectID { return v.ID })
}

func sortBy[T any](list []T, id func(*T) format.ObjectID) {
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(id(&a), id(&b)) })
}
