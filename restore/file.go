package restore

import (
	"fmt"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

const (
	oCloexec = 0o2000000
	oNoctty  = 0o400
	oTmpBit  = 0o20000000
	oTmpfile = oTmpBit | 0o200000 // O_TMPFILE includes O_DIRECTORY
	oCreat   = 0o100
	oExcl    = 0o200
	oTrunc   = 0o1000
)

// A filePlan says where each open file, and each object that files are opened
// from, is made and under which of the engine's numbers it is known. What
// several file tables have is made by the seed before there are other
// processes, and inherited; the rest is made by the task that owns the table.
type filePlan struct {
	number map[format.ObjectID]int
	// home is the file table whose owner makes an object; zero for the seed.
	home map[format.ObjectID]format.ObjectID
	// made lists, by home, the descriptions and what they are opened from.
	files   map[format.ObjectID][]*format.OpenFile
	pipes   map[format.ObjectID][]*format.PipeBuffer
	watches map[format.ObjectID][]watch
	// handed says that a pipe's own read or write end has become a description.
	handed map[int]bool
	next   int
	// most is the number that all stay below.
	most int
	// sockets are the unix sockets, which are made apart.
	sockets *socketPlan
}

// watch is one file watched by one epoll.
type watch struct {
	epoll format.ObjectID
	format.EpollWatch
}

// planFiles decides where all open files are made.
func planFiles(b *builder) *filePlan {
	f := &filePlan{
		number:  map[format.ObjectID]int{},
		home:    map[format.ObjectID]format.ObjectID{},
		files:   map[format.ObjectID][]*format.OpenFile{},
		pipes:   map[format.ObjectID][]*format.PipeBuffer{},
		watches: map[format.ObjectID][]watch{},
		handed:  map[int]bool{},
		next:    b.fds.free,
	}
	r := f.findHomes(b)
	o := &b.img.Objects
	for i := range o.Shared {
		f.take(o.Shared[i].ID, 1)
	}
	for i := range o.Deleted {
		f.take(o.Deleted[i].ID, 1)
	}
	for i := range o.Pipes {
		p := &o.Pipes[i]
		f.pipes[f.home[p.ID]] = append(f.pipes[f.home[p.ID]], p)
	}
	for i := range o.Files {
		d := &o.Files[i]
		if d.Unix != nil {
			continue
		}
		f.files[f.home[d.ID]] = append(f.files[f.home[d.ID]], d)
	}
	f.sockets = planSockets(b, f, r)
	f.numberAll(b)
	return f
}

// take gives an object the next n numbers.
func (f *filePlan) take(id format.ObjectID, n int) {
	f.number[id] = f.next
	f.skip(n)
}

// skip leaves out the next n numbers.
func (f *filePlan) skip(n int) {
	f.next += n
	f.most = max(f.most, f.next)
}

// numberAll numbers the seed's files and then those of each table, which may
// use the same numbers as those of other tables.
func (f *filePlan) numberAll(b *builder) {
	f.numberHome(0)
	base := f.next
	for i := range b.img.Objects.FileTables {
		f.next = base
		f.numberHome(b.img.Objects.FileTables[i].ID)
	}
	f.next = base
}

func (f *filePlan) numberHome(home format.ObjectID) {
	for _, p := range f.pipes[home] {
		f.take(p.ID, 2)
	}
	for _, d := range f.files[home] {
		f.take(d.ID, 1)
	}
}

// reach lists, for each object, the file tables from which it can be reached.
type reach map[format.ObjectID][]format.ObjectID

func (r reach) add(id, table format.ObjectID) {
	if !slices.Contains(r[id], table) {
		r[id] = append(r[id], table)
	}
}

// together gives two objects the tables of both, so that they are made in one
// place.
func (r reach) together(a, b format.ObjectID) {
	for _, t := range slices.Clone(r[a]) {
		r.add(b, t)
	}
	for _, t := range slices.Clone(r[b]) {
		r.add(a, t)
	}
}

// everyone stands among the tables for all of them: what is in flight between
// sockets must be there for whoever sends it.
const everyone = ^format.ObjectID(0)

// findHomes sets home for all objects that exactly one file table reaches.
func (f *filePlan) findHomes(b *builder) reach {
	r := reach{}
	for i := range b.img.Objects.FileTables {
		t := &b.img.Objects.FileTables[i]
		for _, e := range t.Entries {
			r.add(e.File, t.ID)
		}
	}
	files := b.img.Objects.Files
	r.joinFlights(files)
	r.joinEpolls(files)
	r.joinPipes(files)
	for id, list := range r {
		if len(list) == 1 && list[0] != everyone {
			f.home[id] = list[0]
		}
	}
	for i := range files {
		f.addWatches(b, &files[i], r)
	}
	return r
}

// joinFlights lets all tables reach what is in flight.
func (r reach) joinFlights(files []format.OpenFile) {
	for i := range files {
		u := files[i].Unix
		if u == nil {
			continue
		}
		for j := range u.Queue {
			for _, id := range u.Queue[j].Files {
				r.add(id, everyone)
			}
		}
	}
}

// joinEpolls keeps epolls with what they watch. An epoll may watch an epoll:
// the second round reaches through.
func (r reach) joinEpolls(files []format.OpenFile) {
	for range 2 {
		for i := range files {
			if files[i].Epoll == nil {
				continue
			}
			for _, w := range files[i].Epoll.Watches {
				r.together(files[i].ID, w.File)
			}
		}
	}
}

// joinPipes keeps the ends of a pipe together.
func (r reach) joinPipes(files []format.OpenFile) {
	for range 2 {
		for i := range files {
			if p := files[i].Pipe; p != nil {
				r.together(files[i].ID, p.Buffer)
			}
		}
	}
}

// addWatches says who adds an epoll's watches: who made the epoll or, if sockets
// are watched, the first table that has it.
func (f *filePlan) addWatches(b *builder, d *format.OpenFile, r reach) {
	if d.Epoll == nil {
		return
	}
	for _, w := range d.Epoll.Watches {
		home := f.home[d.ID]
		if o := b.ix.File(w.File); o != nil && o.Unix != nil && home == 0 {
			home = firstTable(r[d.ID])
		}
		f.watches[home] = append(f.watches[home], watch{d.ID, w})
	}
}

// firstTable is the first of the tables that is one.
func firstTable(tables []format.ObjectID) format.ObjectID {
	for _, t := range tables {
		if t != everyone {
			return t
		}
	}
	return 0
}

// emitFileTable makes what belongs to one table alone and gives all its
// descriptions their numbers.
func (b *builder) emitFileTable(p *husk.Program, t *format.FileTable) {
	b.emitSockets(p, t.ID)
	b.emitHome(p, t.ID)
	for _, e := range t.Entries {
		flags := uint64(0)
		if e.CloseOnExec {
			flags = oCloexec
		}
		p.Call("place file", abi.SysDup3, uint64(b.files.number[e.File]), uint64(e.FD), flags).
			Exact(uint64(e.FD)).Object(descriptor(e.FD))
	}
}

// descriptor names a descriptor in errors.
type descriptor format.FD

func (d descriptor) String() string { return fmt.Sprintf("descriptor %d", int(d)) }

// emitHome makes the pipes, files and watches of one home.
func (b *builder) emitHome(p *husk.Program, home format.ObjectID) {
	for _, pb := range b.files.pipes[home] {
		b.emitPipe(p, pb)
	}
	for _, d := range b.files.files[home] {
		b.emitFile(p, d)
	}
	for _, w := range b.files.watches[home] {
		b.emitWatch(p, w)
	}
}

// emitSharedObjects makes what the seed makes for all.
func (b *builder) emitSharedObjects(p *husk.Program) {
	at := b.lay.end
	for i := range b.img.Objects.Shared {
		at = b.emitSharedMemory(p, &b.img.Objects.Shared[i], at)
	}
	b.emitSysV(p)
	b.narrowSysctls(p)
	for i := range b.img.Objects.Deleted {
		at = b.emitDeleted(p, &b.img.Objects.Deleted[i], at)
	}
	b.emitHome(p, 0)
	b.emitSockets(p, 0)
}

var fileEmitters = map[format.FileKind]func(*builder, *husk.Program, *format.OpenFile){
	format.FileRegular:   (*builder).emitRegular,
	format.FileDirectory: (*builder).emitDirectory,
	format.FileDevice:    (*builder).emitDevice,
	format.FilePipe:      (*builder).emitPipeEnd,
	format.FileFifo:      (*builder).emitPipeEnd,
	format.FileMemfd:     (*builder).emitMemfd,
	format.FileEventfd:   (*builder).emitEventfd,
	format.FileEpoll:     (*builder).emitEpoll,
	format.FileTimerfd:   (*builder).emitTimerfd,
	format.FileSignalfd:  (*builder).emitSignalfd,
	format.FileTTY:       (*builder).emitTTY,
}

func (b *builder) emitFile(p *husk.Program, d *format.OpenFile) {
	emit := fileEmitters[d.Kind]
	if emit == nil {
		b.fail(fmt.Errorf("open file %d: kind %s cannot be restored", d.ID, d.Kind))
		return
	}
	emit(b, p, d)
}

// create appends a system call that returns descriptor 0, the lowest free one,
// and moves the new file to its number.
func (b *builder) create(p *husk.Program, id format.ObjectID, what, detail string, nr uintptr, args ...uint64) {
	p.Call(what, nr, args...).Exact(0).Detail(detail)
	b.moveTo(p, b.files.number[id])
}

func (b *builder) moveTo(p *husk.Program, n int) {
	p.Call("keep file", abi.SysDup3, 0, uint64(n), oCloexec)
	p.Call("close", abi.SysClose, 0)
}

// openFlags are a description's flags as open(2) takes them.
func openFlags(d *format.OpenFile) uint64 {
	drop := oCreat | oExcl | oTrunc | oCloexec | format.OAsync
	if d.Flags&oTmpBit != 0 {
		drop |= oTmpfile // it made the file once
	}
	return uint64(d.Flags&^drop | oNoctty)
}

// numberPath leads to what a number has open.
func numberPath(n int) string { return fmt.Sprintf("/proc/self/fd/%d", n) }

// reopen makes a new description of what another number has open.
func (b *builder) reopen(p *husk.Program, d *format.OpenFile, from int) {
	path := numberPath(from)
	b.create(p, d.ID, "open", path, abi.SysOpenat, atFDCWD, b.t.String(path), openFlags(d)&^uint64(format.ONoFollow), 0)
}

func (b *builder) seek(p *husk.Program, d *format.OpenFile) {
	if d.Pos != 0 {
		p.Call("seek", abi.SysLseek, uint64(b.files.number[d.ID]), uint64(d.Pos), 0).Exact(uint64(d.Pos))
	}
}

// setFlags sets status flags on a file that was not opened with them.
func (b *builder) setFlags(p *husk.Program, n int, d *format.OpenFile) {
	p.Call("set file flags", abi.SysFcntl, uint64(n), abi.FSetfl, uint64(d.Flags&^(format.OAccMode|format.OAsync)))
}
