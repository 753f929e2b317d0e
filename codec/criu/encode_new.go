package criu

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/cgroup"
	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fs"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/inventory"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pstree"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/seccomp"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/timens"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// encoder writes an image anew.
type encoder struct {
	ctx    context.Context
	dst    codec.DirWriter
	img    *format.Image
	ix     *format.Index
	losses codec.Losses
	// zeroes are the zero pages written so far.
	zeroes codec.ZeroPages
	vdsos  map[string][]byte

	// numbers are what CRIU calls objects: each kind of sharing counts on its own.
	numbers map[string]map[format.ObjectID]uint32
	// files are the entries of files.img; refs the numbers of files that are no
	// open ones, by what they are.
	files     []outRecord
	lastFile  uint32
	opened    map[format.ObjectID]uint32
	refs      map[string]uint32
	remaps    []outRecord
	ghosts    map[format.ObjectID]uint32
	memfds    []outRecord
	pipeData  map[format.ObjectID]bool
	pipes     []outRecord
	fifos     []outRecord
	queues    []outRecord
	ttyInfo   []outRecord
	ttyFiles  map[ttySide]uint32
	locks     []outRecord
	locked    map[format.ObjectID]bool
	lastPages uint32
	// root are CRIU's own numbers, in the inventory.
	root   *criu_core.TaskKobjIdsEntry
	shmids map[format.ObjectID]uint64
	// listeners are the sockets at which connections wait, by those.
	listeners map[format.ObjectID]format.ObjectID
}

// number gives an object's number, counting from first.
func (e *encoder) number(class string, id format.ObjectID, first uint32) (n uint32, fresh bool) {
	m := e.numbers[class]
	if m == nil {
		m = map[format.ObjectID]uint32{}
		e.numbers[class] = m
	}
	if n, ok := m[id]; ok {
		return n, false
	}
	m[id] = first + uint32(len(m))
	return m[id], true
}

func newEncoder(ctx context.Context, dst codec.DirWriter, img *format.Image) *encoder {
	e := &encoder{
		ctx: ctx, dst: dst, img: img, ix: format.NewIndex(img), numbers: map[string]map[format.ObjectID]uint32{},
		opened: map[format.ObjectID]uint32{}, refs: map[string]uint32{}, ghosts: map[format.ObjectID]uint32{},
		pipeData: map[format.ObjectID]bool{}, shmids: map[format.ObjectID]uint64{}, vdsos: map[string][]byte{},
		ttyFiles: map[ttySide]uint32{}, locked: map[format.ObjectID]bool{},
		listeners: map[format.ObjectID]format.ObjectID{},
	}
	for i := range img.Objects.Files {
		f := &img.Objects.Files[i]
		if f.Unix == nil {
			continue
		}
		for _, end := range f.Unix.Pending {
			e.listeners[end] = f.ID
		}
	}
	for i := range img.Attachments {
		if a := &img.Attachments[i]; a.Format == formatName && a.Record == recordVDSO {
			e.vdsos[a.Place] = a.Data
		}
	}
	return e
}

// encode writes all files.
func (e *encoder) encode() error {
	if err := e.possible(); err != nil {
		return err
	}
	e.namespaceNumbers()
	e.sharedNumbers()
	for i := range e.img.Objects.Seccomp { // each behind the one before it, whoever is first to have it
		e.number("seccomp", e.img.Objects.Seccomp[i].ID, 0)
	}
	for _, step := range []func() error{
		e.inventory, e.tree, e.tasks, e.sharedMemories, e.namespaces, e.filters, e.cgroups, e.clocks, e.openFiles,
	} {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	e.attachmentLosses()
	e.losses.Digests(&e.img.Objects)
	return nil
}

// possible refuses what has no form in CRIU's images at all.
func (e *encoder) possible() error {
	if a := e.img.Provenance.Arch; a != "amd64" {
		return fmt.Errorf("images of %s: %w", a, codec.ErrNoEncoder)
	}
	if len(e.img.Tasks) == 0 {
		return fmt.Errorf("image without tasks: %w", codec.ErrNoEncoder)
	}
	for i := range e.img.Tasks {
		t := &e.img.Tasks[i]
		if t.State == format.DeadLeader {
			return fmt.Errorf("process %d, whose leader is dead and whose other threads live: %w", t.TGID, codec.ErrNoEncoder)
		}
		if !t.State.Dead() && (t.Registers == nil || t.Registers.AMD64 == nil) {
			return fmt.Errorf("task %d without registers of amd64: %w", t.TID, codec.ErrNoEncoder)
		}
	}
	return e.oneRoot()
}

// oneRoot refuses a tree of which several processes have a parent outside, as
// siblings of the root have that it made with CLONE_PARENT.
func (e *encoder) oneRoot() error {
	var root *format.Task
	for i := range e.img.Tasks {
		t := &e.img.Tasks[i]
		if !t.Leader() || e.ix.Task(t.PPID) != nil {
			continue
		}
		if root != nil {
			return fmt.Errorf("processes %d and %d, whose parents are both outside the image, where CRIU has one root: %w", root.TID, t.TID, codec.ErrNoEncoder)
		}
		root = t
	}
	return nil
}

func (e *encoder) attachmentLosses() {
	for i := range e.img.Attachments {
		a := &e.img.Attachments[i]
		if a.Role != format.AttachmentBytes {
			e.losses.Add(codec.LossAttachment, a.Task, a.Object, "record %s of %s", a.Record, a.Format)
		}
	}
}

// hostNumber is what CRIU calls its own memory, descriptors and so on in the
// inventory; those of tasks are counted from the next.
const hostNumber = 1

// namespaceNumbers gives every namespace its number, unique over all kinds.
func (e *encoder) namespaceNumbers() {
	for i := range e.img.Objects.Namespaces {
		e.number("ns", e.img.Objects.Namespaces[i].ID, hostNumber)
	}
}

func (e *encoder) inventory() error {
	root := &criu_core.TaskKobjIdsEntry{
		VmId: proto.Uint32(hostNumber), FilesId: proto.Uint32(hostNumber), FsId: proto.Uint32(hostNumber), SighandId: proto.Uint32(hostNumber),
	}
	for i := range e.img.Objects.Namespaces {
		if o := &e.img.Objects.Namespaces[i]; o.Host {
			e.setNamespace(root, o)
		}
	}
	// Where a namespace is the image's own, CRIU's is another. A kind that the image
	// does not know is told of nobody: then no process is in another than CRIU.
	known := map[format.NamespaceKind]bool{}
	for i := range e.img.Objects.Namespaces {
		known[e.img.Objects.Namespaces[i].Kind] = true
	}
	for i := range nsKinds {
		if p := nsKinds[i].field(root); *p == nil && known[nsKinds[i].kind] {
			*p = new(uint32(len(e.img.Objects.Namespaces) + i + 1))
		}
	}
	e.root = root
	return e.file(kInventory, 0, one(&inventory.InventoryEntry{
		ImgVersion: proto.Uint32(imageV11), FdinfoPerId: new(true), RootIds: root, NsPerId: new(true),
		RootCgSet: proto.Uint32(rootSet), Lsmtype: inventory.Lsmtype_NO_LSM.Enum(), NetworkLockMethod: proto.Uint32(0),
		PluginsEntry: &inventory.PluginsEntry{},
	}))
}

func (e *encoder) setNamespace(ids *criu_core.TaskKobjIdsEntry, o *format.Namespace) {
	for i := range nsKinds {
		if nsKinds[i].kind == o.Kind {
			n, _ := e.number("ns", o.ID, hostNumber)
			*nsKinds[i].field(ids) = new(n)
		}
	}
}

// tree writes the processes, in the order of the image.
func (e *encoder) tree() error {
	threads := map[format.PID][]uint32{}
	for i := range e.img.Tasks {
		t := &e.img.Tasks[i]
		if !t.Leader() {
			threads[t.TGID] = append(threads[t.TGID], uint32(t.TID))
		}
	}
	var records []outRecord
	for i := range e.img.Tasks {
		t := &e.img.Tasks[i]
		if !t.Leader() {
			continue
		}
		m := &pstree.PstreeEntry{
			Pid: new(uint32(t.TID)), Ppid: new(uint32(t.PPID)), Pgid: new(uint32(t.PGID)), Sid: new(uint32(t.SID)),
			Threads: append([]uint32{uint32(t.TID)}, threads[t.TID]...),
		}
		if e.ix.Task(t.PPID) == nil {
			m.Ppid = proto.Uint32(0)
		}
		if t.State.Dead() {
			m.Threads = []uint32{0} // as CRIU writes zombies
		}
		records = append(records, one(m))
	}
	return e.file(kPSTree, 0, records...)
}

// tasks writes the files that each task and process has.
func (e *encoder) tasks() error {
	for i := range e.img.Tasks {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		t := &e.img.Tasks[i]
		if err := e.file(kCore, uint64(t.TID), one(e.core(t))); err != nil {
			return err
		}
		if !t.Leader() || t.State.Dead() {
			continue
		}
		if err := e.process(t); err != nil {
			return err
		}
	}
	return nil
}

// process writes the files of a living process but its core.
func (e *encoder) process(t *format.Task) error {
	vm, newVM := e.number("vm", t.Memory, hostNumber+1)
	files, newFiles := e.number("files", t.Files, hostNumber+1)
	fsID, _ := e.number("fs", t.FS, hostNumber+1)
	sighand, _ := e.number("sighand", t.Handlers, hostNumber+1)
	ids := &criu_core.TaskKobjIdsEntry{VmId: new(vm), FilesId: new(files), FsId: new(fsID), SighandId: new(sighand)}
	for _, id := range t.Namespaces {
		if o := e.ix.Namespace(id); o != nil && (o.Host || told[o.Kind]) {
			e.setNamespace(ids, o)
		}
	}
	for i := range nsKinds { // what is not told of a process is CRIU's
		if p := nsKinds[i].field(ids); *p == nil {
			*p = *nsKinds[i].field(e.root)
		}
	}
	if err := e.file(kIDs, uint64(t.TID), one(ids)); err != nil {
		return err
	}
	if err := e.fs(t); err != nil {
		return err
	}
	if newFiles {
		if err := e.fileTable(t, files); err != nil {
			return err
		}
	}
	if !newVM {
		return nil
	}
	return e.memory(t)
}

func (e *encoder) fs(t *format.Task) error {
	o := e.ix.FS(t.FS)
	if o == nil {
		return fmt.Errorf("task %d without a place in the file system: %w", t.TID, codec.ErrNoEncoder)
	}
	const mode = modeDir | 0o755
	return e.file(kFS, uint64(t.TID), one(&fs.FsEntry{
		CwdId:  new(e.fileRef(format.FileRef{Path: o.Cwd, Mode: mode})),
		RootId: new(e.fileRef(format.FileRef{Path: o.Root, Mode: mode})), Umask: new(o.Umask),
	}))
}

// fileTable writes the descriptors of a process.
func (e *encoder) fileTable(t *format.Task, number uint32) error {
	table := e.ix.FileTable(t.Files)
	if table == nil {
		return fmt.Errorf("task %d without a table of descriptors: %w", t.TID, codec.ErrNoEncoder)
	}
	var records []outRecord
	for _, fd := range table.Entries {
		f := e.ix.File(fd.File)
		if f == nil {
			continue
		}
		id, typ, ok := e.openFile(f)
		if !ok {
			e.losses.Add(codec.LossFile, t.TID, f.ID, "descriptor %d, a file of kind %s", fd.FD, f.Kind)
			continue
		}
		flags := uint32(0)
		if fd.CloseOnExec {
			flags = 1
		}
		records = append(records, one(&fdinfo.FdinfoEntry{
			Id: new(id), Flags: new(flags), Type: typ.Enum(), Fd: new(uint32(fd.FD)),
		}))
		e.fileLocks(t, fd, f)
	}
	return e.file(kFDInfo, uint64(number), records...)
}

// filters writes seccomp filters.
func (e *encoder) filters() error {
	m := &seccomp.SeccompEntry{}
	for i := range e.img.Objects.Seccomp {
		o := &e.img.Objects.Seccomp[i]
		f := &seccomp.SeccompFilter{Filter: o.Program}
		if o.Flags != 0 {
			f.Flags = new(o.Flags)
		}
		n, _ := e.number("seccomp", o.ID, 0)
		if o.Previous != 0 {
			prev, fresh := e.number("seccomp", o.Previous, 0)
			if fresh || prev >= n {
				return fmt.Errorf("seccomp filter %d after filter %d, which is not before it: %w", o.ID, o.Previous, codec.ErrNoEncoder)
			}
			f.Prev = new(prev)
		}
		m.SeccompFilters = append(m.SeccompFilters, f)
	}
	return e.file(kSeccomp, 0, one(m))
}

// rootSet is the set of control groups that CRIU itself is in.
const rootSet = 1

func (e *encoder) cgroups() error {
	if len(e.img.Objects.Cgroups) == 0 {
		return nil
	}
	m := &cgroup.CgroupEntry{Sets: []*cgroup.CgSetEntry{{Id: proto.Uint32(rootSet)}}}
	for i := range e.img.Objects.Cgroups {
		o := &e.img.Objects.Cgroups[i]
		n, _ := e.number("cgroup", o.ID, rootSet+1)
		set := &cgroup.CgSetEntry{Id: new(n)}
		for _, p := range o.Paths {
			set.Ctls = append(set.Ctls, &cgroup.CgMemberEntry{Name: new(p.Controllers), Path: new(p.Path)})
			e.losses.If(len(p.Settings) > 0, codec.LossCgroup, 0, o.ID, "settings of control group %s", p.Path)
		}
		m.Sets = append(m.Sets, set)
	}
	return e.file(kCgroup, 0, one(m))
}

// clocks writes the clocks of the machine, where they are known.
func (e *encoder) clocks() error {
	b := e.img.Provenance.Boottime
	if b <= 0 {
		return nil
	}
	now := &timens.Timespec{TvSec: new(uint64(b / 1e9)), TvNsec: new(uint64(b % 1e9))}
	return e.file(kTimeNS, 0, one(&timens.TimensEntry{Monotonic: now, Boottime: now}))
}

// vdsoCode is the code of an address space's vdso; nil if the image does not have
// it.
func (e *encoder) vdsoCode(o *format.AddressSpace) []byte { return e.vdsos[hex.EncodeToString(o.VDSO)] }
