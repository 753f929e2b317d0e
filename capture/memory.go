package capture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// memory is an address space, read through one of its tasks.
type memory struct {
	tid   int
	maps  []procfs.Map
	vdso  vdsoRoom
	model format.AddressSpace
}

// readMemories reads the address spaces of all living processes.
func (c *capturer) readMemories(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ahead := c.readMapsAhead(ctx)
	for i, p := range c.order {
		t := p.alive()
		if t == nil {
			continue
		}
		var maps mapsOf
		select {
		case maps = <-ahead:
		case <-ctx.Done():
			return ctx.Err()
		}
		m, err := c.memories.get(t.tid, func() (*memory, error) { return c.readMemory(t, maps) })
		if err != nil {
			return err
		}
		p.mem = m
		for _, t := range p.tasks {
			t.model.Memory = m.model.ID
		}
		c.opts.Progress("memory", i+1, len(c.order))
	}
	return nil
}

// mapsOf are the memory areas of a task, or why they cannot be read.
type mapsOf struct {
	maps []procfs.Map
	err  error
}

// mapsAhead is how many processes' memory areas are read ahead.
const mapsAhead = 8

// readMapsAhead reads the memory areas of all living processes in their order
// while others are looked at: the kernel takes its time to write them. It ends
// with them or with ctx.
func (c *capturer) readMapsAhead(ctx context.Context) <-chan mapsOf {
	ahead := make(chan mapsOf, mapsAhead)
	var tids []int
	for _, p := range c.order {
		if t := p.alive(); t != nil {
			tids = append(tids, t.tid)
		}
	}
	go func() {
		var r procfs.Reader
		for _, tid := range tids {
			maps, err := r.Smaps(tid)
			select {
			case ahead <- mapsOf{maps, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ahead
}

func (c *capturer) readMemory(t *task, known mapsOf) (*memory, error) {
	if known.err != nil {
		return nil, known.err
	}
	maps := known.maps
	m := &memory{tid: t.tid, maps: maps}
	st := &t.stat
	m.model = format.AddressSpace{
		ID: c.newID(), StartCode: format.Addr(st.StartCode), EndCode: format.Addr(st.EndCode),
		StartData: format.Addr(st.StartData), EndData: format.Addr(st.EndData),
		StartBrk: format.Addr(st.StartBrk), StartStack: format.Addr(st.StartStack),
		ArgStart: format.Addr(st.ArgStart), ArgEnd: format.Addr(st.ArgEnd),
		EnvStart: format.Addr(st.EnvStart), EnvEnd: format.Addr(st.EnvEnd),
		NoTHP: t.status.NoTHP,
	}
	var err error
	if m.model.Auxv, err = c.r.Auxv(t.tid); err != nil {
		return nil, err
	}
	filter, err := c.r.Number(t.tid, "coredump_filter", 16)
	if err != nil {
		return nil, err
	}
	m.model.CoreFilter = uint32(filter)
	for i := range maps {
		vma, err := c.readVMA(t, &maps[i])
		if err != nil {
			return nil, err
		}
		if vma.Kind == format.VMAVDSO {
			code, err := c.readMap(t.tid, &maps[i])
			if err != nil {
				return nil, err
			}
			room := lookAtVDSO(code, maps[i].Start)
			if m.vdso.insn == 0 && maps[i].Exec {
				m.vdso = room
			}
			v := c.identifyVDSO(code)
			m.model.VDSO, m.model.VDSOLayout = v.sum, v.layout
		}
		m.model.VMAs = append(m.model.VMAs, vma)
	}
	if m.model.Exe, err = c.readExe(t); err != nil {
		return nil, err
	}
	if m.model.Guards, err = readGuards(t.tid); err != nil {
		return nil, err
	}
	c.pages.addMemory(&m.model, t.tid)
	return m, nil
}

// readGuards finds the pages of MADV_GUARD_INSTALL. Kernels before 6.15 cannot
// tell; there reading such a page fails and so does the capture.
func readGuards(tid int) ([]format.PageSpan, error) {
	if can, err := sys.FeatureGuardPages.Probe(); err != nil || can != sys.Supported {
		return nil, err
	}
	fd, err := sys.Open(procfs.Path(tid, "pagemap"), abi.ORdonly, 0)
	if err != nil {
		return nil, err
	}
	var list []format.PageSpan
	for at := uint64(0); at < userEnd && err == nil; {
		var pages []sys.PageRange
		pages, at, err = sys.PagemapScan(fd, at, userEnd, sys.PageQuery{All: abi.PageIsGuard})
		for _, p := range pages {
			list = addSpan(list, format.PageSpan{Start: format.Addr(p.Start), End: format.Addr(p.End)})
		}
	}
	return list, errors.Join(err, sys.Close(fd))
}

// userEnd is the end of the addresses that programs have with four levels of
// page tables; those above are given only to who asks for them.
const userEnd = 1<<47 - format.PageSize

// addSpan joins spans that touch.
func addSpan(list []format.PageSpan, s format.PageSpan) []format.PageSpan {
	if k := len(list); k > 0 && list[k-1].End == s.Start {
		list[k-1].End = s.End
		return list
	}
	return append(list, s)
}

// vdsoCode is the code of a vdso and what identifies it.
type vdsoCode struct{ code, sum, layout []byte }

// identifyVDSO identifies the code of a vdso. Of each it keeps one, for
// conversion to CRIU's images: those have it, and a restore by CRIU looks for
// its functions there.
func (c *capturer) identifyVDSO(code []byte) vdsoCode {
	for _, v := range c.vdsos {
		if bytes.Equal(v.code, code) {
			return v
		}
	}
	sum := sha256.Sum256(code)
	v := vdsoCode{code, sum[:], format.VDSOLayout(code)}
	c.vdsos = append(c.vdsos, v)
	c.img.Attachments = append(c.img.Attachments, format.Attachment{
		Format: "criu", Record: "vdso", Place: hex.EncodeToString(v.sum), Role: format.AttachmentBytes, Data: code,
	})
	return v
}

// readExe reads the identity of the file that the process runs.
func (c *capturer) readExe(t *task) (format.FileRef, error) {
	path, err := procfs.Link(t.tid, "exe")
	if err != nil {
		return format.FileRef{}, err
	}
	link := procfs.Path(t.tid, "exe")
	st, err := sys.Stat(link)
	if err != nil {
		return format.FileRef{}, err
	}
	if strings.HasPrefix(path, "/memfd:") {
		c.refuse(validate.CodeDeletedPath, t.tid, "its program %q has no path", path)
		return format.FileRef{Path: path}, nil
	}
	c.readable.add(link, st)
	return c.fileRef(link, path, st, t.tid, wantBuildID)
}

// cutDeleted takes off what the kernel appends to the path of an unlinked file.
func cutDeleted(path string) (string, bool) { return strings.CutSuffix(path, deletedSuffix) }

// maxVDSO bounds what is read of a vdso.
const maxVDSO = 1 << 20

func (c *capturer) readMap(tid int, m *procfs.Map) ([]byte, error) {
	code := make([]byte, min(m.End-m.Start, maxVDSO))
	_, err := sys.ReadMemory(tid, m.Start, code)
	return code, err
}
