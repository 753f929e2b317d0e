package linuxcr

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// written are the generations that can be written, the default first.
var written = []Generation{D7, D3, C3}

var (
	_ codec.Reporter     = (*Codec)(nil)
	_ codec.VersionNamer = (*Codec)(nil)
)

// Encode writes img as the generation that opts.Version names, by its label or
// patch set; D7 if it is empty. Losses are not told; see EncodeReport. The error
// wraps codec.ErrNoEncoder if the generation or the image's machine cannot be
// written.
func (c *Codec) Encode(ctx context.Context, w io.Writer, img *format.Image, opts codec.EncodeOptions) error {
	_, err := c.EncodeReport(ctx, w, img, opts)
	return err
}

// EncodeReport is Encode and gives what the target could not say.
func (c *Codec) EncodeReport(ctx context.Context, w io.Writer, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	d, err := target(img, opts)
	if err != nil {
		return nil, err
	}
	bw := bufio.NewWriterSize(w, 256<<10)
	var lost codec.Losses
	left := leftoversOf(img)
	if left != nil {
		left = left.translate(d, &lost)
	}
	e := newEncoder(ctx, d, img, left)
	e.losses = lost
	e.sink = &writer{w: bw, d: d, left: left, pages: img.Pages, ctx: ctx}
	if err := e.encode(); err != nil {
		return nil, err
	}
	return e.losses, bw.Flush()
}

// Losses tells what writing img would lose, without writing it.
func (c *Codec) Losses(ctx context.Context, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	plain := *img
	plain.Pages = nil
	return c.EncodeReport(ctx, io.Discard, &plain, opts)
}

// target finds the dialect to write.
func target(img *format.Image, opts codec.EncodeOptions) (*dialect, error) {
	g := written[0]
	if opts.Version != "" {
		var ok bool
		if g, ok = ParseGeneration(opts.Version); !ok || !writable(g) {
			return nil, fmt.Errorf("%s generation %s: %w (%v are)", formatName, opts.Version, codec.ErrNoEncoder, written)
		}
	}
	for _, k := range []codec.Compression{opts.Metadata, opts.Pages} {
		if k != "" && k != codec.None {
			return nil, fmt.Errorf("%s: compression %q: %w", formatName, k, codec.ErrNoEncoder)
		}
	}
	for _, a := range architects {
		if a.x86 && a.goArch == img.Provenance.Arch {
			return newDialect(g, a), nil
		}
	}
	return nil, fmt.Errorf("%s of a %s machine: %w (386 and amd64 are)", formatName, img.Provenance.Arch, codec.ErrNoEncoder)
}

func writable(g Generation) bool { return slices.Contains(written, g) }

// sink takes the records of an image. It keeps nothing of a payload.
type sink interface {
	// record takes a record and gives its payload as it is in the image, which
	// may differ in what the model does not say.
	record(k kind, key patchKey, payload []byte) ([]byte, error)
	// chunk says how many of the next pages of an object come in one block, of
	// at most n.
	chunk(object format.ObjectID, first format.PageNum, n int) (int, error)
	// block takes pages of an object, numbered from at on: by addresses, or by
	// indexes if indexed.
	block(object format.ObjectID, pages []format.PageNum, indexed bool) error
}

// encoder makes records of a model.
type encoder struct {
	ctx  context.Context
	d    *dialect
	img  *format.Image
	idx  index
	left *leftovers
	sink sink

	losses codec.Losses
	// zeroes are the zero pages written so far.
	zeroes codec.ZeroPages
	// refs are the numbers of objects in the image; next is the last one given.
	refs map[format.ObjectID]int32
	next int32
	// done are the objects written so far, by number.
	done refSet
	kept map[format.ObjectID]*keptObject
	// made are numbers of objects that the model has no word for, by what they
	// are.
	made map[madeKey]int32
	// auxv and xstate are the sizes that the header announced.
	auxv, xstate int
	task         *format.Task
	tags         tagTable
	// slab is where bytes come from, and taken how many it gave.
	slab  []byte
	taken int
}

func newEncoder(ctx context.Context, d *dialect, img *format.Image, left *leftovers) *encoder {
	e := &encoder{
		ctx: ctx, d: d, img: img, idx: newIndex(&img.Objects), left: left,
		refs: map[format.ObjectID]int32{}, made: map[madeKey]int32{},
		kept: map[format.ObjectID]*keptObject{},
	}
	if left == nil {
		return e
	}
	for i := range left.objects {
		k := &left.objects[i]
		e.kept[format.ObjectID(k.id)] = k
		e.reserve(k.id)
	}
	for i := range left.links {
		e.reserve(left.links[i].to)
		if left.links[i].kind > linkRealCred {
			e.reserve(left.links[i].from)
		}
	}
	e.idx.each(e.reserve) // the numbers of the model's objects
	return e
}

// mostRef bounds the numbers of objects, so that there is room for new ones.
const mostRef = math.MaxInt32 / 2

// reserve keeps a number from being given anew.
func (e *encoder) reserve(id uint32) {
	if id < mostRef {
		e.next = max(e.next, int32(id))
	}
}

// ref is an object's number in the image: its own if the image was read from a
// linux-cr image, else the next.
func (e *encoder) ref(id format.ObjectID) int32 {
	if id == 0 {
		return 0
	}
	if e.left != nil && id < mostRef {
		return int32(id)
	}
	if r, ok := e.refs[id]; ok {
		return r
	}
	e.next++
	e.refs[id] = e.next
	return e.next
}

// madeKey says what an object is that the model has no word for.
type madeKey struct {
	kind objKind
	a, b int32
	text string
}

// makeRef is the number of an object that the model has no word for: linked to
// what it belongs to, or by what it is.
func (e *encoder) makeRef(k linkKind, from format.ObjectID, index uint64, what madeKey) int32 {
	if to, ok := e.left.find(k, uint32(from), index); ok && to < mostRef {
		return int32(to)
	}
	if r, ok := e.made[what]; ok {
		return r
	}
	e.next++
	e.made[what] = e.next
	return e.next
}

// blank is an empty record of a kind.
func (e *encoder) blank(k kind) body { return e.blankWith(k, 0) }

// blankWith is an empty record with n bytes after its fixed part.
func (e *encoder) blankWith(k kind, n int) body {
	l := e.d.layout(k)
	return body{layout: l, order: e.d.order, p: e.bytes(l.size - l.head + n)}
}

// bytes are n zero bytes, cut from a larger piece: records are many and short.
func (e *encoder) bytes(n int) []byte {
	const piece = 16 << 10
	if n > piece/8 {
		return make([]byte, n)
	}
	if len(e.slab)-e.taken < n {
		e.slab, e.taken = make([]byte, piece), 0
	}
	p := e.slab[e.taken:][:n:n]
	e.taken += n
	return p
}

// recycle takes back what bytes gave. Sinks keep nothing of a record.
func (e *encoder) recycle() {
	clear(e.slab[:e.taken])
	e.taken = 0
}

// rest is what follows the fixed part of a record.
func (b body) rest() []byte { return b.p[b.size-b.head:] }

// put writes a record.
func (e *encoder) put(k kind, owner uint32, index uint64, b body) error {
	_, err := e.sink.record(k, patchKey{k, owner, index}, b.p)
	return err
}

// putBytes writes a record that is nothing but its bytes.
func (e *encoder) putBytes(k kind, owner uint32, index uint64, p []byte) error {
	_, err := e.sink.record(k, patchKey{k, owner, index}, p)
	return err
}

// object writes an object with what stands before its main record, unless it is
// written already.
func (e *encoder) object(o objKind, ref int32, write func() error) error {
	if ref == 0 || e.done.has(ref) {
		return nil
	}
	e.done.add(ref)
	b := e.blank(kObjref)
	b.set(fObjType, uint64(e.d.objNumber[o]))
	b.set(fRef, uint64(ref))
	if err := e.put(kObjref, uint32(ref), 0, b); err != nil {
		return err
	}
	return write()
}

// errEmpty: an image without tasks has no tree to write.
var errEmpty = errors.New("the image has no tasks")

func (e *encoder) encode() error {
	for _, f := range []func() error{e.head, func() error { return e.tasks(e.img.Tasks) }, e.tail} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// head writes what stands before the tasks.
func (e *encoder) head() error {
	if len(e.img.Tasks) == 0 {
		return fmt.Errorf("write %s: %w", formatName, errEmpty)
	}
	e.imageLosses()
	for _, f := range []func() error{e.header, e.container, e.tree} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) tasks(list []format.Task) error {
	for i := range list {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		if err := e.taskSection(&list[i]); err != nil {
			return fmt.Errorf("write task %d: %w", list[i].TID, err)
		}
	}
	return nil
}

func (e *encoder) tail() error {
	b := e.blank(kTail)
	b.set(fMagic, tailMagic)
	return e.put(kTail, 0, 0, b)
}

// Sizes that kernels of that time announce in the header.
const (
	taskCommLen   = 16
	auxvWordCount = 44
	signalCount   = 64
	utsLen        = 65
	rlimitCount   = 16
	ttyBufSize    = 4096
	termiosChars8 = 8
)

// uflagSubtree says that the tree is not a whole container.
const uflagSubtree = 1

func (e *encoder) header() error {
	b := e.blank(kHeader)
	id, _ := archID(e.d.gen, e.d.arch)
	binary.LittleEndian.PutUint16(b.bytes(fArchID), id)
	var major, minor, patch uint16
	fmt.Sscanf(e.img.Provenance.Kernel, "%d.%d.%d", &major, &minor, &patch) //nolint:errcheck // what is not a version stays 0
	longest := auxvWordCount
	for i := range e.img.Objects.Memories {
		longest = max(longest, len(e.img.Objects.Memories[i].Auxv))
	}
	flags, termios := uint64(uflagSubtree), uint64(termiosChars8)
	if e.img.Root == 1 {
		flags = 0
	}
	if e.d.gen >= D5 {
		termios = termiosChars
	}
	b.fill(map[field]uint64{
		fMagic: headMagic, fMajor: uint64(major), fMinor: uint64(minor), fPatch: uint64(patch),
		fRev: uint64(generations[e.d.gen].rev), fCommLen: taskCommLen, fAuxvLen: uint64(longest), fNsig: signalCount,
		fSysnameLen: utsLen, fNodenameLen: utsLen, fUtsReleaseLen: utsLen, fUtsVersionLen: utsLen, fUtsMachineLen: utsLen,
		fDomainnameLen: utsLen, fNlimits: rlimitCount, fTTYBuf: ttyBufSize, fTermiosLen: termios,
		fTime: uint64(e.img.Provenance.Time / int64(time.Second)), fUFlags: flags,
	})
	final, err := e.sink.record(kHeader, patchKey{kind: kHeader}, b.p)
	if err != nil {
		return err
	}
	b.p = final
	e.auxv = int(b.u(fAuxvLen))
	for i, s := range []string{e.img.Provenance.Kernel, "", e.d.arch.machine()} {
		p := make([]byte, utsLen)
		copy(p[:utsLen-1], s)
		if err := e.putBytes(kBuffer, 0, uint64(i), p); err != nil {
			return err
		}
	}
	return e.headerArch()
}

// machine is the name that uname(2) gives of an x86 machine.
func (a *arch) machine() string {
	if a == archX8632 {
		return "i686"
	}
	return "x86_64"
}

// headerArch announces the size of the floating point state: that of FXSAVE if
// nothing else is in use, else the longest area.
func (e *encoder) headerArch() error {
	size, wide := fxsaveSize, uint64(0)
	for i := range e.img.Tasks {
		r := e.img.Tasks[i].Registers
		if r != nil && r.AMD64 != nil && len(r.AMD64.XSave) > fxsaveSize+xsaveHeader {
			size, wide = max(size, len(r.AMD64.XSave)), 1
		}
	}
	if size > math.MaxUint16 {
		return fmt.Errorf("floating point state of %d bytes: %w", size, codec.ErrNoEncoder)
	}
	b := e.blank(kHeaderArch)
	b.fill(map[field]uint64{fHasFXSR: 1, fHasXSave: wide, fXStateSize: uint64(size)})
	final, err := e.sink.record(kHeaderArch, patchKey{kind: kHeaderArch}, b.p)
	b.p = final
	if err == nil {
		e.xstate = int(b.u(fXStateSize))
	}
	return err
}

// container writes the section marker and a security module that does nothing.
func (e *encoder) container() error {
	if err := e.put(kContainer, 0, 0, e.blank(kContainer)); err != nil {
		return err
	}
	name := make([]byte, 11)
	copy(name, "lsm_none")
	if err := e.putBytes(kBuffer, 0, 3, name); err != nil {
		return err
	}
	return e.putBytes(kLSMInfo, 0, 0, []byte("dummy"))
}
