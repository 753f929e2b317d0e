package linuxcr

import (
	"encoding/binary"
	"slices"
)

// synth writes images of any generation from the layout tables, without the
// encoder.
type synth struct {
	*dialect
	b    []byte
	next int32
}

type fields map[field]uint64

// raw appends bytes without a record.
func (s *synth) raw(p ...byte) { s.b = append(s.b, p...) }

// head appends a record's header.
func (s *synth) head(k kind, n int) {
	if s.gen.framed() {
		s.b = s.order.AppendUint32(s.b, s.numberOf[k])
		s.b = s.order.AppendUint32(s.b, uint32(n+headerSize))
		return
	}
	s.b = s.order.AppendUint16(s.b, uint16(s.numberOf[k]))
	s.b = s.order.AppendUint16(s.b, uint16(n))
	s.b = s.order.AppendUint32(s.b, 0)
}

// bytes appends a record that is nothing but its payload.
func (s *synth) bytes(k kind, p []byte) {
	s.head(k, len(p))
	s.raw(p...)
}

// rec appends a record with fields and what follows them. It gives its place.
func (s *synth) rec(k kind, f fields, tail ...byte) {
	l := s.layout(k)
	b := body{layout: l, order: s.order, p: make([]byte, l.size-l.head)}
	for name, v := range f {
		b.set(name, v)
	}
	s.bytes(k, append(b.p, tail...))
}

// obj appends an OBJREF and gives its number.
func (s *synth) obj(o objKind) uint64 {
	s.next++
	s.rec(kObjref, fields{fObjType: uint64(s.objNumber[o]), fRef: uint64(s.next)})
	return uint64(s.next)
}

func (s *synth) path(t string) { s.bytes(kFileName, append([]byte(t), 0)) }

func (s *synth) words(v ...uint32) []byte {
	var p []byte
	for _, w := range v {
		p = s.order.AppendUint32(p, w)
	}
	return p
}

// address is a native word.
func (s *synth) address(v uint64) []byte {
	if s.arch.word == 4 {
		return s.order.AppendUint32(nil, uint32(v))
	}
	return s.order.AppendUint64(nil, v)
}

// The task ids of all images: a process with a thread, and a zombie.
var synthTree = [][5]uint32{{10, 1, 10, 10, 10}, {11, 1, 10, 10, 10}, {12, 10, 12, 10, 10}}

// tasks are how many of them a generation can say.
func (g Generation) synthTasks() int {
	switch {
	case g < A3:
		return 1
	case g < B3:
		return 2
	}
	return 3
}

func (s *synth) header() {
	f := fields{
		fMagic: headMagic, fMajor: 2, fMinor: 6, fPatch: 30, fRev: uint64(generations[s.gen].rev), fTime: 1270000000, fUFlags: 1,
		fCommLen: 16, fAuxvLen: 4, fNsig: 64, fNlimits: 16, fTTYBuf: 4096, fTermiosLen: 8,
		fReleaseLen: 65, fVersionLen: 65, fMachineLen: 65,
	}
	if s.gen >= D5 {
		f[fTermiosLen] = 19
	}
	if s.gen <= c3old {
		f[fAuxvLen] = uint64(4 * s.arch.word)
		if s.arch == archX8632 && s.gen == c3old {
			f[fAuxvLen] = 176
		}
	}
	at := len(s.b)
	s.rec(kHeader, f)
	names := []string{"2.6.30-synth", "#1", map[*arch]string{
		archX8632: "i686", archX8664: "x86_64", archS390X: "s390x",
		archPPC32: "ppc", archPPC64: "ppc64", archARM: "armv7l",
	}[s.arch]}
	if !s.gen.framed() {
		for i, n := range names {
			copy(s.b[at+headerSize+32+64*i:], n)
		}
	} else {
		if s.gen >= B2 {
			id, _ := archID(s.gen, s.arch)
			binary.LittleEndian.PutUint16(s.b[at+16:], id)
		}
		for _, n := range names {
			p := make([]byte, 65)
			copy(p, n)
			s.bytes(kBuffer, p)
		}
	}
	if s.gen >= A2 {
		s.rec(kHeaderArch, fields{fXStateSize: 512, fHasFXSR: 1})
	}
	if s.gen >= C1 {
		s.rec(kContainer, nil)
	}
	if s.gen >= C2 {
		s.bytes(kBuffer, make([]byte, 11))
		s.bytes(kLSMInfo, []byte("dummy"))
	}
}

func (s *synth) tree() {
	if s.gen < A3 {
		return
	}
	n := s.gen.synthTasks()
	tag := func(pid uint32) uint32 { return pid }
	if s.gen >= D6 {
		// 10, 1, 11 and 12, the last with a number in a nested namespace.
		numbers := []uint32{0, 10, 0, 1, 0, 11, 1, 12, 2}
		offset := uint64(7)
		s.rec(kPids, fields{fCount: 4, fCount2: 1, fOffset: offset})
		s.bytes(kBuffer, s.words(numbers...))
		if s.gen == D6 {
			offset++
		}
		tag = func(pid uint32) uint32 {
			return uint32(offset) + uint32(slices.Index([]uint32{10, 1, 11, 12}, pid))
		}
	}
	s.rec(kTree, fields{fCount: uint64(n)})
	l := s.gen.entryLayout()
	var table []byte
	for i, t := range synthTree[:n] {
		e := make([]byte, l.size)
		for j, at := range []int{l.pid, l.ppid, l.tgid, l.pgid, l.sid} {
			if at >= 0 {
				s.order.PutUint32(e[4*at:], tag(t[j]))
			}
		}
		if l.depth >= 0 && i == 2 {
			s.order.PutUint32(e[4*l.depth:], 1)
		}
		table = append(table, e...)
	}
	if s.gen <= B1 {
		s.raw(table...)
		return
	}
	s.bytes(kBuffer, table)
	if s.gen == D1 || s.gen == D2 {
		s.rec(kVPids, fields{fCount: 1})
	}
	if s.gen >= D1 && s.gen <= D5 {
		s.bytes(kBuffer, s.words(2))
	}
}

// image writes everything.
func (s *synth) image() []byte {
	s.header()
	s.tree()
	for i, t := range synthTree[:s.gen.synthTasks()] {
		switch i {
		case 2:
			s.task(fields{fState: 64, fExitState: 16, fExitCode: 0x700}, t[0], "zombie")
		case 1:
			s.task(fields{fExitSignal: 0xffffffff, fClearTID: 0x1234, fRobust: 0x5000, fRobustLen: 24}, t[0], "thread")
		default:
			s.task(fields{fExitSignal: 17, fPDeath: 9, fAltStack: 0x7000, fAltStackSize: 8192}, t[0], "root")
		}
		if i < 2 && !s.gen.framed() {
			s.oldTask(i)
		} else if i < 2 {
			s.newTask(i)
		}
	}
	s.rec(kTail, fields{fMagic: tailMagic})
	return s.b
}

func (s *synth) task(f fields, pid uint32, name string) {
	f[fCommLen] = 16
	at := len(s.b)
	s.rec(kTask, f)
	if !s.gen.framed() {
		s.order.PutUint32(s.b[at+4:], pid)
	}
	p := make([]byte, 16)
	copy(p, name)
	s.bytes(kString, p)
}

const synthStart, synthEnd = 0x10000, 0x14000

func (s *synth) pages(indexed bool) {
	addr := func(v uint64) []byte {
		if indexed {
			v = v/pageSize - synthStart/pageSize
		}
		return s.address(v)
	}
	var p []byte
	for _, a := range []uint64{synthStart, synthStart + 2*pageSize} {
		p = append(p, addr(a)...)
	}
	for i := range 2 {
		page := make([]byte, pageSize)
		page[0] = byte('a' + i)
		p = append(p, page...)
	}
	s.rec(kPgarr, fields{fCount: 2})
	if s.gen <= B1 {
		s.raw(p...)
	} else {
		s.bytes(kBuffer, p)
	}
	s.rec(kPgarr, fields{fCount: 0})
}

func (s *synth) cpu() {
	if !s.arch.x86 {
		n := 64
		if l := s.layout(kCPU); l != nil {
			n = l.size - l.head
			if l.open {
				n += 64
			}
		}
		s.bytes(kCPU, slices.Repeat([]byte{0x5a}, n))
		return
	}
	cs, ds := uint64(segUser32CS), uint64(segUser32DS)
	if s.gen <= B2 {
		cs, ds = 0x73, 0x7b
	}
	f := fields{fRIP: 0x10010, fRSP: 0x13ff0, fRAX: 7, fRFlags: 0x202, fCS: cs, fSS: ds, fDS: ds, fES: ds, fUsedMath: 1}
	fpu := make([]byte, 512)
	fpu[24] = 0x80
	switch {
	case s.gen == A1:
		s.rec(kCPU, f, fpu...)
	case s.gen <= B1:
		s.rec(kCPU, f)
		s.raw(fpu...)
	default:
		s.rec(kCPU, f)
		s.bytes(kFPU, fpu)
	}
}

func (s *synth) thread() {
	switch {
	case s.layout(kThread) == nil:
	case !s.arch.x86:
		s.rec(kThread, nil)
	case s.gen <= B1:
		s.rec(kThread, fields{fGDTEntry: 6, fTLSSize: 24, fTLSCount: 3})
		s.raw(make([]byte, 24)...)
	case s.gen == B2:
		s.rec(kThread, fields{fGDTEntry: 6, fTLSSize: 24, fTLSCount: 3})
		s.bytes(kThreadTLS, make([]byte, 24))
	default:
		s.rec(kThread, fields{fGDTEntry: 6, fTLSSize: 24}, make([]byte, 24)...)
	}
}

// oldTask is the section of a live task of the cr era.
func (s *synth) oldTask(i int) {
	s.rec(kMM, fields{fCount: 2, fStartCode: synthStart, fEndCode: synthEnd})
	s.rec(kVMA, fields{fKind: oldAnon, fStart: synthStart, fEnd: synthEnd, fFlags: 3})
	s.pages(false)
	s.rec(kVMA, fields{fKind: oldFile, fStart: 0x20000, fEnd: 0x21000, fFlags: 5, fPgoff: 1})
	s.path("/bin/x")
	s.rec(kPgarr, fields{fCount: 0})
	s.rec(kMMContext, fields{fEntrySize: 8, fCount: 1})
	s.raw(make([]byte, 8)...)
	s.rec(kFileTable, fields{fCount: 1})
	s.rec(kFileDesc, fields{fRef: 1, fFD: 3, fCloseOnExec: 1})
	if i == 0 {
		s.rec(kFile, fields{fKind: 1, fFlags: 2, fPos: 42})
		s.path("/tmp/file")
	}
	s.thread()
	s.cpu()
}

// shared are the numbers that the second task repeats.
type sharedRefs struct{ cred, ns, files, mm, fs, hand, signal uint64 }

var synthRefs sharedRefs

// newTask is the section of a live task of the ckpt era.
func (s *synth) newTask(i int) {
	r := &synthRefs
	late := s.gen >= C1
	if late {
		s.state()
	}
	if i == 0 {
		*r = sharedRefs{}
		s.credentials(r)
	}
	if s.gen >= B3 {
		s.rec(kTaskCreds, fields{fRef: r.cred, fRef2: r.cred})
	}
	if i == 0 {
		s.namespaces(r)
	}
	if s.gen >= B2 {
		s.rec(kTaskNS, fields{fRef: r.ns})
	}
	if i == 0 {
		s.objects(r)
	}
	s.rec(kTaskObjs, fields{fFilesRef: r.files, fMMRef: r.mm, fFSRef: r.fs, fSighandRef: r.hand, fSignalRef: r.signal})
	if s.gen >= B3 && i == 0 {
		limits := s.layout(kSignal)
		b := body{layout: limits, order: s.order, p: make([]byte, limits.size-limits.head)}
		s.order.PutUint64(b.p, 5)
		b.set(fITVirt, 3000)
		s.bytes(kSignal, b.p)
		s.pending(0)
	}
	if !late {
		s.state()
	}
	if s.gen >= B3 {
		s.pending(10)
		s.rec(kSignalTask, nil)
	}
}

func (s *synth) state() {
	s.thread()
	s.rec(kRestart, fields{fFunction: restartFutex, fArg4: 99})
	s.cpu()
}

// pending appends a queue, with one signal if sig is not 0.
func (s *synth) pending(sig uint64) {
	if sig == 0 {
		s.rec(kSigPending, nil)
		return
	}
	l := s.gen.siginfo()
	e := body{layout: l.layout, order: s.order, p: make([]byte, l.size)}
	e.set(fSigno, sig)
	e.set(fPID, 10)
	s.rec(kSigPending, fields{fCount: 1}, e.p...)
}

// credentials, namespaces and objects append what the tasks share.
func (s *synth) credentials(r *sharedRefs) {
	if s.gen >= B3 {
		r.cred = s.obj(oCred)
		groups := s.obj(oGroupInfo)
		s.rec(kGroupInfo, fields{fCount: 1}, s.words(0)...)
		user := s.obj(oUser)
		ns := s.obj(oUserNS)
		s.rec(kUserNS, nil)
		s.rec(kUser, fields{fUID: 5, fRef: ns})
		s.rec(kCred, fields{fUID: 5, fUserRef: user, fGroupsRef: groups})
	}
}

func (s *synth) namespaces(r *sharedRefs) {
	if s.gen >= B2 {
		r.ns = s.obj(oNS)
		uts := s.obj(oUTSNS)
		s.rec(kUTSNS, nil)
		ipc := s.obj(oIPCNS)
		s.ipc()
		s.rec(kNS, fields{fRef: uts, fRef2: ipc})
	}
}

func (s *synth) objects(r *sharedRefs) {
	r.files = s.obj(oFileTable)
	s.fileTable(r)
	r.mm = s.obj(oMM)
	exe := s.obj(oFile)
	s.file(fileGeneric, r)
	s.path("/bin/x")
	s.memory(exe)
	if s.gen >= c3old {
		r.fs = s.obj(oFS)
		s.rec(kFS, fields{fUmask: 0o27})
		s.path("/tmp")
		s.path("/")
	}
	if s.gen >= B3 {
		r.hand = s.obj(oSighand)
		actions := make([]byte, 64*actionSize)
		s.order.PutUint64(actions, 0x10020)
		s.bytes(kSighand, actions)
		s.next++
		r.signal = uint64(s.next)
	}
}

func (s *synth) ipc() {
	s.rec(kIPCNS, nil)
	s.rec(kIPC, fields{fKind: uint64(s.numberOf[kShm]), fCount: 1})
	s.next++
	s.rec(kShm, fields{fSize: 3 * pageSize, fRef: uint64(s.next), fKey: 77})
	s.pages(true)
	s.rec(kIPC, fields{fKind: uint64(s.numberOf[kMsg]), fCount: 1})
	s.rec(kMsg, fields{fCount: 1, fMaxBytes: 16384})
	s.rec(kMsgMsg, fields{fMsgType: 2, fSize: 5})
	s.bytes(kBuffer, []byte("hello"))
	s.rec(kIPC, fields{fKind: uint64(s.numberOf[kSem]), fCount: 1})
	s.rec(kSem, fields{fCount: 2})
	s.bytes(kBuffer, s.words(3, 10, 4, 10))
}

// file appends a FILE record.
func (s *synth) file(typ uint64, r *sharedRefs, tail ...byte) {
	s.rec(kFile, fields{fKind: typ, fFlags: 2, fMode: 7, fPos: 42, fCredRef: r.cred}, tail...)
}

func (s *synth) fileTable(r *sharedRefs) {
	type desc struct {
		typ  uint64
		tail []byte
		then func()
	}
	list := []desc{{fileGeneric, nil, func() { s.path("/tmp/file") }}}
	if s.gen >= B2 {
		list = append(list, desc{filePipe, nil, func() { s.bytes(kPipeBuf, []byte("in the pipe")) }})
	}
	if s.gen >= C1 {
		list = append(list, desc{fileEpoll, nil, nil}, desc{fileEventfd, append(s.order.AppendUint64(nil, 6), s.words(1, 0)...), nil})
	}
	s.rec(kFileTable, fields{fCount: uint64(len(list))})
	var first, epoll uint64
	for i, f := range list {
		ref := s.obj(oFile)
		switch f.typ {
		case filePipe:
			s.next++
			f.tail = s.words(uint32(s.next), 0)
		case fileEpoll:
			epoll = ref
		case fileGeneric:
			first = ref
		}
		s.file(f.typ, r, f.tail...)
		if f.then != nil {
			f.then()
		}
		s.rec(kFileDesc, fields{fRef: ref, fFD: uint64(i + 3)})
	}
	if epoll != 0 {
		s.rec(kEpollItems, fields{fRef: epoll, fCount: 1})
		s.bytes(kBuffer, append(s.order.AppendUint64(nil, 55), s.words(3, uint32(first), 1, 0)...))
	}
}
