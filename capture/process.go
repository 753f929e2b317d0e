package capture

import (
	"context"
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
