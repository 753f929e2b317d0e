package linuxcr

import (
	"context"
	"hash/maphash"
	"strings"
	"time"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// decoder makes a model of a stream.
type decoder struct {
	*stream
	img   *format.Image
	pages *store
	extra leftovers
	// objects are the numbers in use.
	objects objectKinds
	// float, limits and name are contents that many tasks share, registerPairs
	// those that are made and not in use.
	float         shelf
	name          string
	limits        []format.Limit
	limitRoom     []format.Limit
	registerPairs []registerPair
	readers       [numObjKinds]func(*decoder, format.ObjectID) error
	depth         int
	// inside is the innermost object being read.
	inside format.ObjectID
	// used is what the model takes in memory, in bytes, about.
	used int64

	head imageHead
	tree []treeEntry
	tags pidObjects
	// section is the task whose records are being read.
	section section
	// files are the paths of the files met so far, for mappings.
	files map[format.ObjectID]*fileNote
	// pipes are the numbers that have contents, by the records that use them
	// first.
	pipes   map[format.ObjectID]int
	ttys    map[format.ObjectID]ttyNote
	sockets map[format.ObjectID]*socketNote
	// waiting are sockets whose queues come later.
	waiting []format.ObjectID
	// home are the namespaces of the first task.
	home map[format.ObjectID]bool
	ns   map[format.ObjectID][]format.ObjectID
	// groups are lists of supplementary groups by object.
	groups map[format.ObjectID][]uint32
	labels map[format.ObjectID]string
	creds  map[format.ObjectID]*credNote
	// undo are adjustments of semaphores whose process is not yet known.
	undo  map[format.ObjectID][]undoEntry
	fresh uint32
	// processAt counts the process state that SIGNAL belongs to, from 1.
	processAt int
	warned    map[string]bool
	// middle is where the second half of the tasks begins.
	middle middle
}

// imageHead is what the header says that later records need.
type imageHead struct {
	nsig    int
	commLen int
	auxvLen int
	xstate  int
}

func newDecoder(ctx context.Context, w *window, d *dialect, lim codec.Limits) *decoder {
	dec := &decoder{
		stream:  &stream{window: *w, dialect: d, ctx: ctx, lim: lim},
		img:     &format.Image{},
		pages:   &store{at: w.at, objects: map[format.ObjectID][]pageRun{}},
		objects: objectKinds{sparse: map[format.ObjectID]objKind{}},
		float:   shelf{seed: maphash.MakeSeed()},
		files:   map[format.ObjectID]*fileNote{},
		pipes:   map[format.ObjectID]int{},
		ttys:    map[format.ObjectID]ttyNote{},
		sockets: map[format.ObjectID]*socketNote{},
		ns:      map[format.ObjectID][]format.ObjectID{},
		home:    map[format.ObjectID]bool{},
		groups:  map[format.ObjectID][]uint32{},
		creds:   map[format.ObjectID]*credNote{},
		labels:  map[format.ObjectID]string{},
		undo:    map[format.ObjectID][]undoEntry{},
		warned:  map[string]bool{},
	}
	dec.readers = [numObjKinds]func(*decoder, format.ObjectID) error{
		oFileTable: (*decoder).fileTable, oFile: (*decoder).file, oMM: (*decoder).memory, oFS: (*decoder).fs,
		oSighand: (*decoder).handlers, oNS: (*decoder).nsproxy, oUTSNS: (*decoder).utsNamespace,
		oIPCNS: (*decoder).ipcNamespace, oUserNS: (*decoder).userNamespace, oCred: (*decoder).credentials,
		oUser: (*decoder).user, oGroupInfo: (*decoder).groupInfo, oSock: (*decoder).socket, oTTY: (*decoder).terminal,
		oSecurity: (*decoder).security, oSecurityPtr: (*decoder).security, oNetNS: (*decoder).netNamespace,
		oNetDev: (*decoder).netDevice, oSemUndo: (*decoder).semUndo,
	}
	return dec
}

// decode reads the whole image.
func (d *decoder) decode() error {
	d.img.Provenance = format.Provenance{
		Tool: "linux-cr", Format: formatName, FormatVersion: d.gen.String(),
		Arch: d.arch.goArch, PageSize: pageSize,
	}
	steps := []func() error{d.header, d.container, d.pidObjects, d.treeRecord, d.sections, d.tail, d.finish}
	if !d.gen.framed() {
		steps = []func() error{d.oldHeader, d.oldTree, d.oldSections, d.tail, d.finish}
	}
	for _, f := range steps {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// charge counts what the model takes.
func (d *decoder) charge(n int) error {
	if d.used += int64(n); d.used > d.lim.Memory {
		return d.fault(codec.TooLarge, "image", d.pos, "the image takes more than %d bytes of memory", d.lim.Memory)
	}
	return nil
}

// warn notes, once, what the format cannot say.
func (d *decoder) warn(msg string) {
	if !d.warned[msg] {
		d.warned[msg] = true
		d.img.Warnings = append(d.img.Warnings, format.Warning{Message: msg})
	}
}

// attach keeps a record that the model has no word for.
func (d *decoder) attach(h header, object format.ObjectID, data []byte) error {
	a := format.Attachment{Format: formatName, Record: h.kind.String(), Place: d.gen.String(), Object: object, Data: data}
	if h.kind == kNone {
		a.Record = h.name()
	}
	if t := d.section.task; t != nil && object == 0 {
		a.Task = t.TID
	}
	d.img.Attachments = append(d.img.Attachments, a)
	return d.charge(len(data) + 128)
}

// main gives the next record that is no object, defining the objects before it.
// The record is not taken.
func (d *decoder) main() (header, error) {
	for {
		h, err := d.peek()
		if err != nil {
			return h, err
		}
		switch h.kind {
		case kObjref:
			err = d.object(h)
		case kError:
			err = d.errorRecord(h)
		case kEpollItems:
			err = d.deeper(h, func() error { return d.epollItems(h) })
		case kSockQueue:
			err = d.deeper(h, func() error { return d.deferredQueue(h) })
		default:
			return h, nil
		}
		if err != nil {
			return h, err
		}
	}
}

// want takes the next record, which must be of a kind.
func (d *decoder) want(k kind) (header, error) {
	h, err := d.main()
	if err == nil && h.kind != k {
		err = d.misplaced(h, k.String())
	}
	if err != nil {
		return h, err
	}
	return h, d.take(h)
}

func (d *decoder) misplaced(h header, wanted string) error {
	if h.kind == kNone {
		return d.fault(codec.Unknown, h.name(), h.at, "type %d is not known; %s belongs here", h.number, wanted)
	}
	return d.fault(codec.Misplaced, h.name(), h.at, "%s belongs here", wanted)
}

// record takes the next record, which must be of a kind, and gives its body.
func (d *decoder) record(k kind) (body, error) {
	_, b, err := d.headed(k)
	return b, err
}

// headed is record with the record's header.
func (d *decoder) headed(k kind) (header, body, error) {
	h, err := d.want(k)
	if err != nil {
		return h, body{}, err
	}
	b, err := d.body(h)
	return h, b, err
}

// optional takes the next main record and gives its header and fields if it is
// one of a kind; else it is left, and the header is that of another kind.
func (d *decoder) optional(k kind) (header, body, error) {
	h, err := d.main()
	if err != nil || h.kind != k {
		return h, body{}, err
	}
	if err := d.take(h); err != nil {
		return h, body{}, err
	}
	b, err := d.body(h)
	return h, b, err
}

// buffer takes a BUFFER of n bytes; any number if n is negative.
func (d *decoder) buffer(k kind, n int64) ([]byte, header, error) {
	h, err := d.want(k)
	if err != nil {
		return nil, h, err
	}
	if _, got := h.payload(); n >= 0 && got != n {
		return nil, h, d.fault(codec.Malformed, h.name(), h.at, "payload of %d bytes, %d wanted", got, n)
	}
	b, err := d.data(h)
	return b, h, err
}

// path takes a FILE_NAME.
func (d *decoder) path() (string, error) {
	b, h, err := d.buffer(kFileName, -1)
	if err != nil {
		return "", err
	}
	if int64(len(b)) > d.lim.String {
		return "", d.fault(codec.TooLarge, h.name(), h.at, "path of %d bytes, limit %d", len(b), d.lim.String)
	}
	if err := d.ends(h, b); err != nil {
		return "", err
	}
	name := text(b)
	if name == "" {
		return "", d.fault(codec.Malformed, h.name(), h.at, "an empty path")
	}
	return strings.Clone(name), d.charge(len(b))
}

// object takes an OBJREF and the object that follows.
func (d *decoder) object(h header) error {
	if err := d.take(h); err != nil {
		return err
	}
	b, err := d.body(h)
	if err != nil {
		return err
	}
	typ, ref := b.u32(fObjType), b.i32(fRef)
	if typ == 0 || int64(typ) >= int64(len(d.objOf)) {
		return d.fault(codec.Malformed, h.name(), h.at, "object of type %d; the generation has 1 to %d", typ, len(d.objOf)-1)
	}
	o := d.objOf[typ]
	if err := d.define(h, ref, o); err != nil {
		return err
	}
	read := d.readers[o]
	if read == nil {
		return d.fault(codec.Malformed, h.name(), h.at, "objects of type %s have no record of their own", o)
	}
	outer := d.inside
	d.inside = format.ObjectID(ref)
	err = d.deeper(h, func() error { return read(d, format.ObjectID(ref)) })
	d.inside = outer
	return err
}

// deeper reads what stands inside something else.
func (d *decoder) deeper(h header, read func() error) error {
	if d.depth++; d.depth > d.lim.Depth {
		return d.fault(codec.TooLarge, h.name(), h.at, "objects nested more than %d deep", d.lim.Depth)
	}
	err := read()
	d.depth--
	return err
}

// define takes a number into use.
func (d *decoder) define(h header, ref int32, o objKind) error {
	if ref <= 0 {
		return d.fault(codec.Malformed, h.name(), h.at, "object number %d", ref)
	}
	id := format.ObjectID(ref)
	if was, used := d.objects.of(id); used {
		return d.fault(codec.Duplicate, h.name(), h.at, "object %d is a %s already", id, was)
	}
	d.objects.set(id, o)
	return d.charge(64)
}

// ref is a field that names an object, which must be there and of a kind; zero
// for none.
func (d *decoder) ref(b body, f field, want objKind) (format.ObjectID, error) {
	ref := b.i32(f)
	if ref == 0 {
		return 0, nil
	}
	is, ok := d.objects.of(format.ObjectID(ref))
	switch {
	case ref < 0:
		return 0, d.fault(codec.Malformed, want.String()+" reference", b.at, "object number %d", ref)
	case !ok, is == want && want == oFile && d.files[format.ObjectID(ref)] == nil:
		return 0, d.fault(codec.Missing, want.String()+" reference", b.at, "object %d is not in the image before this place", ref)
	case is != want:
		return 0, d.fault(codec.Malformed, want.String()+" reference", b.at, "object %d is a %s", ref, is)
	}
	return format.ObjectID(ref), nil
}

// header reads what stands before the tasks.
func (d *decoder) header() error {
	h, b, err := d.headed(kHeader)
	if err != nil {
		return err
	}
	if flags := b.u(fUFlags); flags&^uflagsKnown != 0 {
		return d.fault(codec.Unknown, h.name(), h.at, "flags %#x, of which %#x is not known", flags, flags&^uflagsKnown)
	}
	if n := b.u(fNlimits); n != 0 && n != rlimitCount { // B3 did not say
		return d.fault(codec.Malformed, h.name(), h.at, "%d resource limits, and records have %d", n, rlimitCount)
	}
	d.img.Provenance.Time = nanoseconds(b.u(fTime))
	d.constants(b)
	for i := range 3 {
		s, h, err := d.buffer(kBuffer, -1)
		if err == nil && d.gen >= B2 {
			err = d.agree(h, b, i, len(s))
		}
		if err != nil {
			return err
		}
		if i == 0 {
			d.img.Provenance.Kernel = strings.Clone(text(s))
		}
	}
	h, err = d.main()
	if err != nil || d.gen == B1 && h.kind != kHeaderArch {
		return err // the first of B1 had none
	}
	return d.headerArch()
}

func (d *decoder) headerArch() error {
	b, err := d.record(kHeaderArch)
	d.head.xstate = int(b.u(fXStateSize))
	return err
}

// uflagsKnown are the flags of an image: that it is not a whole container, and
// what it says of network namespaces.
const uflagsKnown = 3

// nanoseconds of a time in seconds; zero if it is beyond what the model holds.
func nanoseconds(seconds uint64) int64 {
	if seconds > uint64(1<<63-1)/uint64(time.Second) {
		return 0
	}
	return int64(seconds) * int64(time.Second)
}

// constants takes the sizes from the header; old generations have the usual
// ones.
func (d *decoder) constants(b body) {
	d.head = imageHead{nsig: 64, commLen: 16, auxvLen: -1}
	if b.has(fNsig) {
		d.head.nsig, d.head.commLen = int(b.u(fNsig)), int(b.u(fCommLen))
		d.head.auxvLen = int(b.u(fAuxvLen))
	}
}

// container reads the section marker and the security module's records.
func (d *decoder) container() error {
	if d.gen >= C1 {
		if _, err := d.record(kContainer); err != nil {
			return err
		}
	}
	if d.gen < C2 {
		return nil
	}
	if _, _, err := d.buffer(kBuffer, -1); err != nil {
		return err
	}
	_, err := d.record(kLSMInfo)
	return err
}

// tail checks the last record.
func (d *decoder) tail() error {
	h, b, err := d.headed(kTail)
	if err != nil {
		return err
	}
	if m := b.u(fMagic); m != tailMagic {
		return d.fault(codec.Malformed, h.name(), h.at+headerSize, "magic %#x, not %#x", m, tailMagic)
	}
	if d.rest() > 0 {
		return d.fault(codec.Trailing, "image", d.pos, "%d bytes follow the end of the image", d.rest())
	}
	return nil
}

// errorRecord explains why the checkpoint failed.
func (d *decoder) errorRecord(h header) error {
	if err := d.take(h); err != nil {
		return err
	}
	msg := d.errorText(h)
	if msg == "" {
		msg = "no reason given"
	}
	return d.fault(codec.Malformed, h.name(), h.at, "the checkpoint failed when it was made: %s", msg)
}

// errorText is the text of an ERROR record, which stands in it or in a STRING
// that follows, after a zero byte.
func (d *decoder) errorText(h header) string {
	const most = 4096
	if _, n := h.payload(); n == 0 {
		next, err := d.peek()
		if err != nil || next.kind != kString {
			return ""
		}
		h = next
		if d.take(h) != nil {
			return ""
		}
	}
	b, err := d.data(h)
	if err != nil {
		return ""
	}
	b = b[:min(len(b), most)]
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return strings.ToValidUTF8(text(b), "?")
}
