package linuxcr

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// rareImage is an image with what no real image at hand has: terminals, sockets
// with queues, labels, network namespaces, huge pages, semaphore adjustments, a
// local descriptor table.
func rareImage(g Generation, a *arch) []byte {
	s := &synth{dialect: newDialect(g, a)}
	s.header()
	if g >= D6 {
		s.rec(kPids, fields{fCount: 1, fOffset: 1})
		s.bytes(kBuffer, s.words(0, 10))
	}
	s.rec(kTree, fields{fCount: 1})
	pid := uint32(10)
	switch {
	case g == D6:
		pid = 2
	case g > D6:
		pid = 1
	}
	s.bytes(kBuffer, s.words(pid, 0, pid, pid, pid, 0))
	s.task(fields{fExitSignal: 17}, 10, "rare")
	s.state()
	var r sharedRefs
	s.labelled(&r)
	s.rec(kTaskCreds, fields{fRef: r.cred, fRef2: r.cred})
	s.netNamespaces(&r)
	s.rec(kTaskNS, fields{fRef: r.ns})
	tty := s.rareFiles(&r)
	s.rareMemory(&r)
	undo := uint64(0)
	if g >= D4 {
		undo = s.obj(oSemUndo)
		s.rec(kSemUndoList, fields{fCount: 1})
		s.rec(kSemUndo, fields{fID: 0, fCount: 2})
		s.bytes(kBuffer, s.order.AppendUint16(s.order.AppendUint16(nil, 0), 0xffff))
	}
	s.next++
	s.rec(kTaskObjs, fields{fFilesRef: r.files, fMMRef: r.mm, fUndoRef: undo, fSignalRef: uint64(s.next)})
	s.rec(kSignal, fields{fRef: tty, fTTYGroup: uint64(pid), fTTYOldGroup: uint64(uint32(g.nullPID()))})
	s.pending(0)
	s.pending(0)
	s.rec(kSignalTask, nil)
	s.rec(kTail, fields{fMagic: tailMagic})
	return s.b
}

// labelled appends credentials with a security label.
func (s *synth) labelled(r *sharedRefs) {
	label := uint64(0)
	if s.gen >= C2 {
		label = s.obj(oSecurity)
		s.rec(kSecurity, fields{fRef: label, fSecType: 4})
		s.bytes(kString, []byte("user_t\x00"))
	}
	r.cred = s.obj(oCred)
	groups := s.obj(oGroupInfo)
	s.rec(kGroupInfo, nil)
	user := s.obj(oUser)
	ns := s.obj(oUserNS)
	s.rec(kUserNS, nil)
	s.rec(kUser, fields{fRef: ns})
	s.rec(kCred, fields{fUserRef: user, fGroupsRef: groups, fSecRef: label})
}

func (s *synth) netNamespaces(r *sharedRefs) {
	r.ns = s.obj(oNS)
	uts := s.obj(oUTSNS)
	s.rec(kUTSNS, nil)
	ipc := s.obj(oIPCNS)
	s.ipc()
	net := uint64(0)
	if s.gen >= D2 {
		net = s.obj(oNetNS)
		s.rec(kNetNS, fields{fRef: net})
		s.obj(oNetDev)
		s.rec(kNetDev, fields{fRef: net})
		s.bytes(kNetDevAddr, make([]byte, 24))
	}
	s.rec(kNS, fields{fRef: uts, fRef2: ipc, fRef3: net})
}

// rareFiles appends a table with both sides of a terminal and three sockets. It
// gives the number of the terminal's slave.
func (s *synth) rareFiles(r *sharedRefs) uint64 {
	r.files = s.obj(oFileTable)
	s.rec(kFileTable, fields{fCount: 5})
	master := s.obj(oFile)
	m := s.obj(oTTY)
	s.rec(kTTY, fields{fDriverSubtype: 1, fIndex: 3})
	s.rec(kTTYLdisc, nil)
	slave := s.obj(oTTY)
	s.rec(kTTY, fields{fDriverSubtype: 2, fIndex: 3, fRef: m, fRows: 24, fColumns: 80})
	s.rec(kTTYLdisc, fields{fDataLen: 5})
	s.bytes(kBuffer, []byte("typed"))
	s.file(fileTTY, r, s.words(uint32(m), 0)...)
	s.rec(kFileDesc, fields{fRef: master, fFD: 3})
	f := s.obj(oFile)
	s.file(fileTTY, r, s.words(uint32(slave), 0)...)
	s.rec(kFileDesc, fields{fRef: f, fFD: 4})

	f = s.obj(oFile)
	one := s.obj(oSock)
	two := one + 2
	s.rec(kSocket, fields{fFamily: familyUnix, fType: 1, fHasBuffers: 1})
	s.rec(kSockUnix, fields{fRef: one, fRef2: two, fLocalLen: 7}, []byte{}...)
	s.queue([]byte("unread"))
	s.rec(kSockQueue, nil)
	s.file(fileSocket, r, s.words(uint32(one), 0)...)
	s.rec(kFileDesc, fields{fRef: f, fFD: 5})
	f = s.obj(oFile)
	if got := s.obj(oSock); got != two {
		panic("numbers of sockets")
	}
	s.rec(kSocket, fields{fFamily: familyUnix, fType: 1, fHasBuffers: 1})
	s.rec(kSockUnix, fields{fRef: two, fRef2: one})
	s.file(fileSocket, r, s.words(uint32(two), 0)...)
	s.rec(kFileDesc, fields{fRef: f, fFD: 6})
	f = s.obj(oFile)
	in := s.obj(oSock)
	s.rec(kSocket, fields{fFamily: familyInet, fType: 1, fProtocolState: tcpListen, fBacklog: 5})
	s.rec(kSockInet, fields{fLocalLen: 16})
	s.file(fileSocket, r, s.words(uint32(in), 0)...)
	s.rec(kFileDesc, fields{fRef: f, fFD: 7})
	// The second socket's queues come late.
	s.rec(kSockQueue, nil)
	s.rec(kSockQueue, nil)
	return slave
}

// queue appends a queue with one buffer, half of it in a page where the
// generation can say that.
func (s *synth) queue(data []byte) {
	s.rec(kSockQueue, fields{fCount: 1})
	if s.gen < C2 {
		s.rec(kSockBuffer, nil)
		s.bytes(kBuffer, data)
		return
	}
	half := len(data) / 2
	s.rec(kSockBuffer, fields{fLinear: uint64(half), fFrags: 1})
	s.bytes(kBuffer, data[:half])
	s.rec(kSockFrag, fields{fSize: uint64(len(data) - half), fOffset: 100})
	page := make([]byte, pageSize)
	copy(page[100:], data[half:])
	s.raw(page...)
}

func (s *synth) rareMemory(r *sharedRefs) {
	r.mm = s.obj(oMM)
	n := uint64(1)
	if s.gen >= D7 {
		n = 2
	}
	s.rec(kMM, fields{fCount: n})
	width := 8
	if s.gen < C3 {
		width = s.arch.word
	}
	s.bytes(kBuffer, make([]byte, 4*width))
	s.next++
	s.rec(kVMA, fields{fKind: vmaSharedFirst, fStart: synthStart, fEnd: synthEnd, fFlags: 0xfb, fInoRef: uint64(s.next), fInoSize: 4 * pageSize})
	s.pages(true)
	if n == 2 {
		s.rec(kVMA, fields{fKind: vmaHugeFirst, fStart: 0x200000, fEnd: 0x400000, fFlags: 0x400073, fHugeShift: 21})
		s.rec(kHpage, fields{fStart: 0x200000, fHugeShift: 21})
		huge := make([]byte, 2<<20)
		huge[pageSize] = 'h'
		s.bytes(kBuffer, huge)
	}
	s.rec(kMMContext, fields{fEntrySize: 8, fCount: 1})
	s.bytes(kLDT, make([]byte, 8))
}

// TestRareState decodes what no real image at hand has.
func TestRareState(t *testing.T) {
	for _, g := range []Generation{B4, C1, C2, C3, D3, D4, D5, D6, D7} {
		a := archX8632
		t.Run(g.String(), func(t *testing.T) {
			data := rareImage(g, a)
			f := openBytes(t, data)
			if f.Version != g.String() {
				t.Fatalf("generation %s", f.Version)
			}
			img := f.Image
			wantTerminal(t, img)
			wantSockets(t, img)
			if c := img.Objects.Creds[0]; g >= C2 && c.Label != "user_t" {
				t.Errorf("label %q", c.Label)
			}
			if n := len(img.Objects.Namespaces); g >= D2 && n != 3 {
				t.Errorf("%d namespaces", n)
			}
			undo := img.Objects.Semaphores[0].Undo
			if g >= D4 && !slices.Equal(undo, []format.SysVUndo{{Process: 10, Semaphore: 1, Adjust: -1}}) {
				t.Errorf("adjustments %v", undo)
			}
			mm := img.Objects.Memories[0]
			if v := mm.VMAs[0]; v.Kind != format.VMAShared || !v.SharedMap || v.Prot != format.ProtRead|format.ProtWrite {
				t.Errorf("shared memory %+v", v)
			}
			if g >= D7 {
				p := make([]byte, pageSize)
				if err := img.Pages.ReadPages(t.Context(), mm.ID, 0x201, p); err != nil || p[0] != 'h' {
					t.Errorf("huge page %q, %v", p[0], err)
				}
			}
			var kept []string
			for _, a := range img.Attachments {
				kept = append(kept, a.Record)
			}
			for _, want := range []string{"TTY", "SOCKET", "SOCKET_UNIX", "SOCKET_INET", "MM_CONTEXT_LDT"} {
				if !slices.Contains(kept, want) {
					t.Errorf("no %s among the attachments %v", want, kept)
				}
			}
			wantAllListed(t, data)
			for i := 0; i < len(data); i += 31 {
				if !inPages(data, i) && checkDamaged(t, data[:i]) == nil {
					t.Fatalf("cut at %d: no error", i)
				}
			}
		})
	}
}

func wantTerminal(t *testing.T, img *format.Image) {
	t.Helper()
	if len(img.Objects.Terminals) != 1 {
		t.Fatalf("terminals %+v", img.Objects.Terminals)
	}
	tty := img.Objects.Terminals[0]
	if tty.Path != "/dev/pts/3" || tty.Major != 136 || tty.Minor != 3 || tty.Rows != 24 || tty.Columns != 80 ||
		string(tty.Input) != "typed" || tty.Inherited || tty.Session != 10 || tty.Group != 10 || len(tty.Settings) != termiosSize {
		t.Errorf("terminal %+v", tty)
	}
	if p := img.Objects.Processes[0]; p.Terminal != tty.ID {
		t.Errorf("controlling terminal %d, not %d", p.Terminal, tty.ID)
	}
	idx := format.NewIndex(img)
	entries := img.Objects.FileTables[0].Entries
	for i, master := range []bool{true, false} {
		if f := idx.File(entries[i].File).TTY; f.Terminal != tty.ID || f.Master != master {
			t.Errorf("descriptor %d: %+v", entries[i].FD, f)
		}
	}
}

func wantSockets(t *testing.T, img *format.Image) {
	t.Helper()
	idx := format.NewIndex(img)
	entries := img.Objects.FileTables[0].Entries
	one, two := idx.File(entries[2].File), idx.File(entries[3].File)
	if one.Unix.Peer != two.ID || two.Unix.Peer != one.ID || len(one.Unix.Queue) != 1 || string(one.Unix.Queue[0].Data) != "unread" ||
		len(one.Unix.Name) != 5 {
		t.Errorf("sockets %+v and %+v", one.Unix, two.Unix)
	}
	in := idx.File(entries[4].File).Inet
	if !in.Listening || in.Backlog != 5 || in.Family != familyInet || len(in.Local) != 16 {
		t.Errorf("socket %+v", in)
	}
}

// TestLossOfRareState: writing such an image tells what it loses.
func TestLossOfRareState(t *testing.T) {
	f := openBytes(t, rareImage(D5, archX8664))
	losses, err := Format().Losses(t.Context(), f.Image, codec.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[codec.LossCode]int{}
	for _, l := range losses {
		got[l.Code]++
		if l.Message == "" || !strings.Contains(l.String(), string(l.Code)) {
			t.Errorf("loss %+v", l)
		}
	}
	for code, want := range map[codec.LossCode]int{codec.LossFile: 5, codec.LossTerminal: 1, codec.LossProcess: 1, codec.LossCreds: 1} {
		if got[code] != want {
			t.Errorf("%d losses of %s, want %d (all: %v)", got[code], code, want, losses)
		}
	}
	var b bytes.Buffer
	if _, err := Format().EncodeReport(t.Context(), &b, f.Image, codec.EncodeOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := len(openBytes(t, b.Bytes()).Image.Objects.FileTables[0].Entries); n != 0 {
		t.Errorf("%d descriptors are left", n)
	}
}

// TestLossesOfToday: what captures of today have and no generation can say.
func TestLossesOfToday(t *testing.T) {
	f := openBytes(t, synthetic(D3, archX8664))
	img := f.Image
	root := &img.Tasks[0]
	root.Sched, root.Rseq, root.Times = &format.Sched{Nice: 5}, &format.Rseq{Address: 1}, &format.Times{User: 1}
	root.SeccompMode, root.Personality, root.StopUnreported, root.Cgroup = 2, 0x40000, true, 99
	root.AltStack = &format.AltStack{Base: 0x1000, Size: 4096}
	img.Tasks[2].Status = format.SignalStatus(format.SIGSEGV, true)
	p := &img.Objects.Processes[0]
	p.Subreaper, p.Timers = true, []format.PosixTimer{{Number: 1}}
	p.Limits = append(p.Limits, format.Limit{Resource: 17})
	img.Objects.Creds[0].Ambient = 1
	img.Objects.Deleted = []format.DeletedFile{{ID: 500, Path: "/gone"}}
	img.Objects.Memories[0].VMAs[0].Flags |= format.VMAHuge
	img.Attachments = append(img.Attachments, format.Attachment{Format: "criu", Record: "x"})
	want := []codec.LossCode{
		codec.LossSched, codec.LossRseq, codec.LossTimes, codec.LossSeccomp, codec.LossPersonality, codec.LossStop, codec.LossCgroup, codec.LossAltStack, codec.LossStatus, codec.LossProcess, codec.LossTimer,
		codec.LossLimit, codec.LossCreds, codec.LossDeleted, codec.LossMemory, codec.LossAttachment,
	}
	losses, err := Format().Losses(t.Context(), img, codec.EncodeOptions{Version: "v21"})
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range want {
		if !slices.ContainsFunc(losses, func(l codec.Loss) bool { return l.Code == code }) {
			t.Errorf("no loss of %s", code)
		}
	}
	if len(losses) != len(want) {
		t.Errorf("%d losses, want %d: %v", len(losses), len(want), losses)
	}
}
