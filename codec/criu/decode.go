package criu

import (
	"context"
	"fmt"
	"strings"

	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/eventpoll"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fsnotify"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/inventory"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pstree"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// decoder makes a model of an image.
type decoder struct {
	*image
	ctx   context.Context
	img   *format.Image
	store *store
	layer *layer
	// version of the files, and size of all of them in bytes.
	version string
	size    int64

	next format.ObjectID
	inv  *inventory.InventoryEntry
	// amd says that the processor is AMD's.
	amd bool
	// procs are the processes in the order of the image.
	procs []*proc
	tasks map[format.PID]bool

	// entries are open files by CRIU's number; files those that something refers
	// to, as objects of the model.
	entries map[uint32]*entryOf
	files   map[uint32]format.ObjectID

	// objects by what CRIU calls them.
	spaces     map[uint32]format.ObjectID
	tables     map[uint32]format.ObjectID
	fsys       map[uint32]format.ObjectID
	handlers   map[uint32]format.ObjectID
	namespaces map[nsKey]format.ObjectID
	nsSets     map[[nsCount]uint32][]format.ObjectID
	cgroups    map[uint32]format.ObjectID
	filters    []format.ObjectID
	shared     map[sharedKey]format.ObjectID
	pipes      map[pipeKey]format.ObjectID
	deleted    map[uint64]format.ObjectID
	terminals  map[uint32]format.ObjectID
	remaps     map[uint32]remap
	// refs are what files are to the model, by CRIU's number.
	refs map[uint32]format.FileRef
	// listeners are those unix sockets that listen, by CRIU's number.
	listeners map[uint32]*format.UnixSocket
	// pipeData finds the records of pipes.
	pipeData map[*file]map[uint32]int
	vdsos    map[vdsoKey]vdsoSums
	// pageOwners are the objects that pagemaps are of, by the file's name.
	pageOwners map[string]format.ObjectID
	creds      map[credKey]format.ObjectID
	memfds     map[uint64]format.ObjectID
	masters    map[uint32]bool
	// sessions are terminals by the session they control.
	sessions map[format.PID]format.ObjectID
	nsOrder  []nsKey
	// What old images have in files of their own, by the open file.
	epolls     map[uint32][]*eventpoll.EventpollTfdEntry
	inotifies  map[uint32][]*fsnotify.InotifyWdEntry
	fanotifies map[uint32][]*fsnotify.FanotifyMarkEntry
	// messages are those waiting in each socket.
	messages map[format.ObjectID][]format.SocketMessage
	warned   map[string]bool
	// faults are what is wrong although it can be decoded; odds how many there are.
	faults []*codec.FormatError
	odds   int
	// rootless says that it was told that the inventory has no root_ids.
	rootless bool
	// spaceFiles, placeFiles are the files that shared memories and places were read
	// from, by CRIU's number.
	spaceFiles, placeFiles map[uint32]*file
}

// proc is one process of the image.
type proc struct {
	*pstree.PstreeEntry
	rec   *record // of pstree.img
	pid   format.PID
	core  *criu_core.CoreEntry
	lists *lists // of the core
	ids   *criu_core.TaskKobjIdsEntry
	ns    []format.ObjectID
	model format.ObjectID
}

// entryOf is an open file with where it stands.
type entryOf struct {
	*fdinfo.FileEntry
	file *file
	rec  *record
}

func newDecoder(ctx context.Context, im *image) *decoder {
	d := &decoder{
		image: im, ctx: ctx, img: &format.Image{}, store: newStore(),
		tasks: map[format.PID]bool{}, entries: map[uint32]*entryOf{}, files: map[uint32]format.ObjectID{},
		spaces: map[uint32]format.ObjectID{}, tables: map[uint32]format.ObjectID{}, fsys: map[uint32]format.ObjectID{},
		handlers: map[uint32]format.ObjectID{}, namespaces: map[nsKey]format.ObjectID{}, nsSets: map[[nsCount]uint32][]format.ObjectID{}, cgroups: map[uint32]format.ObjectID{},
		shared: map[sharedKey]format.ObjectID{}, pipes: map[pipeKey]format.ObjectID{}, deleted: map[uint64]format.ObjectID{},
		terminals: map[uint32]format.ObjectID{}, remaps: map[uint32]remap{}, refs: map[uint32]format.FileRef{},
		listeners: map[uint32]*format.UnixSocket{}, creds: map[credKey]format.ObjectID{}, memfds: map[uint64]format.ObjectID{}, masters: map[uint32]bool{}, messages: map[format.ObjectID][]format.SocketMessage{}, vdsos: map[vdsoKey]vdsoSums{}, pageOwners: map[string]format.ObjectID{}, warned: map[string]bool{},
		spaceFiles: map[uint32]*file{}, placeFiles: map[uint32]*file{},
	}
	d.layer = &layer{
		budget: &im.budget, dir: im.dir, store: d.store, bare: im.bare, done: map[string][]extent{}, taken: map[uint32]string{},
		find: func(name string) (*file, error) { return im.named(name), nil },
		size: func(name string) (int64, error) {
			if f := im.named(name); f != nil {
				return f.size, nil
			}
			return 0, errNotThere
		},
	}
	return d
}

var errNotThere = fmt.Errorf("it is not there")

// decode makes the model.
func (d *decoder) decode() error {
	steps := []func() error{
		d.inventory, d.tree, d.fileEntries, d.remapEntries, d.memfdInodes, d.seccomp, d.cgroup, d.terminalInfos,
		d.processes, d.sysv, d.namespaceContents, d.links, d.locks, d.sleeps, d.finish,
	}
	for _, step := range steps {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// fault is an error in a record of a file.
func fault(f *file, r *record, kind codec.Kind, msg string, args ...any) error {
	return codec.InFile(formatError(r, kind, msg, args...), f.name)
}

// formatError is an error in a record, which may be nil.
func formatError(r *record, kind codec.Kind, msg string, args ...any) *codec.FormatError {
	e := codec.Errorf(kind, "", 0, msg, args...)
	if r != nil {
		e.Record, e.Offset = r.label(), r.at
	}
	return e
}

// missing says that a file is not there that must be.
func missing(name, msg string, args ...any) error {
	return codec.InFile(codec.Errorf(codec.Missing, "file", 0, "not there: "+msg, args...), name)
}

// warn notes, once, what the image cannot say.
func (d *decoder) warn(task format.PID, msg string, args ...any) {
	text := fmt.Sprintf(msg, args...)
	if !d.warned[text] {
		d.warned[text] = true
		d.img.Warnings = append(d.img.Warnings, format.Warning{Task: task, Message: text})
	}
}

func (d *decoder) newID() format.ObjectID { d.next++; return d.next }

// versions of images that inventory.img tells.
const (
	imageV1  = 1
	imageV11 = 2
)

// inventory reads what the image is.
func (d *decoder) inventory() error {
	f := d.find(kInventory, 0)
	inv, ok := entry[*inventory.InventoryEntry](f)
	if !ok {
		return missing("inventory.img", "every image has one")
	}
	switch inv.GetImgVersion() {
	case imageV1:
		d.version = version10
	case imageV11:
		d.version = version11
	default:
		return fault(f, &f.records[0], codec.UnsupportedVersion, "version %d of the image format; 1 and 2 are known", inv.GetImgVersion())
	}
	d.inv, d.amd = inv, d.isAMD()
	d.checkInventory(f)
	d.img.Provenance = format.Provenance{
		Tool: "criu", ToolVersion: d.writer(), Format: formatName, FormatVersion: d.version,
		PageSize: format.PageSize, Boottime: int64(inv.GetDumpUptime()),
	}
	for _, f := range d.image.files {
		d.size += f.size
	}
	return nil
}

// march are the architectures of tasks, in Go's spelling.
var march = map[criu_core.CoreEntryMarch]string{
	criu_core.CoreEntry_X86_64: "amd64", criu_core.CoreEntry_ARM: "arm", criu_core.CoreEntry_AARCH64: "arm64",
	criu_core.CoreEntry_PPC64: "ppc64", criu_core.CoreEntry_S390: "s390x", criu_core.CoreEntry_MIPS: "mips64",
	criu_core.CoreEntry_LOONGARCH64: "loong64", criu_core.CoreEntry_RISCV64: "riscv64",
}

// tree reads the processes.
func (d *decoder) tree() error {
	f := d.find(kPSTree, 0)
	if f == nil {
		return missing("pstree.img", "without it nobody knows the processes")
	}
	if len(f.records) == 0 {
		return fault(f, &record{at: f.body}, codec.Missing, "the image has no process")
	}
	list := entries[*pstree.PstreeEntry](f)
	n := int64(0)
	for i, e := range list {
		if n += int64(max(1, len(e.GetThreads()))); n > d.lim.Tasks {
			return fault(f, &f.records[i], codec.TooLarge, "more than %d tasks", d.lim.Tasks)
		}
		p := &proc{PstreeEntry: e, rec: &f.records[i], pid: format.PID(e.GetPid())}
		if p.pid <= 0 {
			return fault(f, &f.records[i], codec.Malformed, "process number %d", e.GetPid())
		}
		if err := checkEntry(f, i, e); err != nil {
			return err
		}
		core := d.find(kCore, uint64(e.GetPid()))
		p.core, _ = entry[*criu_core.CoreEntry](core)
		if p.core == nil {
			return missing(kindNamed(kCore).name(uint64(e.GetPid())), "process %d is in pstree.img", p.pid)
		}
		if p.core.GetTc() == nil {
			return fault(core, &core.records[0], codec.Missing, "process %d has no task_core_entry", p.pid)
		}
		p.lists = core.lists()
		if i == 0 {
			arch, ok := march[p.core.GetMtype()]
			if !ok {
				return fault(core, &core.records[0], codec.UnsupportedVersion, "architecture %d", p.core.GetMtype())
			}
			d.img.Provenance.Arch = arch
			d.img.Root = p.pid
		}
		d.procs = append(d.procs, p)
	}
	return nil
}

// finish sorts, tells what the image does not say, and keeps the files.
func (d *decoder) finish() error {
	d.img.Objects.Sort()
	for _, name := range d.strange {
		d.warn(0, "file %s is of no kind that CRIU up to 4.2 writes", strings.ToValidUTF8(name, "?"))
	}
	d.strays()
	d.closeFaults()
	return d.attach()
}
