package criu

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	core_x86 "github.com/checkpoint-restore/go-criu/v8/crit/images/core-x86"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/format"
)

// anyMessage fills all numbers of a message, and those inside it, but for lists.
func anyMessage(t *rapid.T, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsList():
		case f.Kind() == protoreflect.MessageKind:
			anyMessage(t, m.Mutable(f).Message())
		case f.Kind() == protoreflect.Uint32Kind:
			m.Set(f, protoreflect.ValueOfUint32(rapid.Uint32().Draw(t, string(f.Name()))))
		case f.Kind() == protoreflect.Uint64Kind:
			m.Set(f, protoreflect.ValueOfUint64(rapid.Uint64().Draw(t, string(f.Name()))))
		case f.Kind() == protoreflect.BoolKind:
			m.Set(f, protoreflect.ValueOfBool(rapid.Bool().Draw(t, string(f.Name()))))
		}
	}
}

// anyThread is a thread_info_x86 with anything that CRIU could write into it.
func anyThread(t *rapid.T) *core_x86.ThreadInfoX86 {
	m := &core_x86.ThreadInfoX86{}
	anyMessage(t, m.ProtoReflect())
	m.Gpregs.Mode = rapid.SampledFrom([]core_x86.UserX86RegsMode{core_x86.UserX86RegsMode_NATIVE, core_x86.UserX86RegsMode_COMPAT}).Draw(t, "mode").Enum()
	fp := m.Fpregs
	words := func(n int, name string) []uint32 {
		return rapid.SliceOfN(rapid.OneOf(rapid.Just(uint32(0)), rapid.Uint32()), 0, n).Draw(t, name)
	}
	fp.StSpace, fp.XmmSpace = words(32, "st"), words(64, "xmm")
	if rapid.Bool().Draw(t, "without xsave") {
		fp.Xsave = nil
	} else {
		fp.Xsave.Cet = nil
		for i := range components {
			c := &components[i]
			if c.words32 != nil {
				*c.words32(fp.Xsave) = words(c.size/4, c.what())
				continue
			}
			*c.words64(fp.Xsave) = rapid.SliceOfN(rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64()), 0, c.size/8).Draw(t, c.what())
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "descriptors") {
		e := &core_x86.UserDescT{}
		anyMessage(t, e.ProtoReflect())
		m.Tls = append(m.Tls, e)
	}
	return m
}

// areaOfMessage is the XSAVE area that a message stands for.
func areaOfMessage(fp *core_x86.UserX86FpregsEntry, amd bool) []byte {
	var area [xsaveRoom]byte
	le := binary.LittleEndian
	for i, v := range []uint32{fp.GetCwd(), fp.GetSwd(), fp.GetTwd(), fp.GetFop()} {
		le.PutUint16(area[2*i:], uint16(v))
	}
	le.PutUint64(area[8:], fp.GetRip())
	le.PutUint64(area[16:], fp.GetRdp())
	le.PutUint32(area[24:], fp.GetMxcsr())
	le.PutUint32(area[28:], fp.GetMxcsrMask())
	put := func(at int, words []uint32) {
		for i, w := range words {
			le.PutUint32(area[at+4*i:], w)
		}
	}
	put(fxST, fp.GetStSpace())
	put(fxXMM, fp.GetXmmSpace())
	if fp.Xsave == nil {
		le.PutUint64(area[xsaveBV:], bvLegacy)
		return area[:xsaveLegacy]
	}
	le.PutUint64(area[xsaveBV:], fp.Xsave.GetXstateBv())
	end := xsaveLegacy
	for i := range components {
		c := &components[i]
		at := c.off
		if amd {
			at = c.offAMD
		}
		var words []uint32
		if c.words32 != nil {
			words = *c.words32(fp.Xsave)
		} else {
			for _, w := range *c.words64(fp.Xsave) {
				words = append(words, uint32(w), uint32(w>>32))
			}
		}
		if at == 0 || len(words) == 0 {
			continue
		}
		put(at, words)
		end = max(end, at+c.size)
	}
	return trimXSave(area[:end])
}

// TestThread: registers decoded by hand are those that the messages say.
func TestThread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyThread(t)
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		l := &lists{}
		if _, err := new(image).takeThread(l, b, 0); err != nil {
			t.Fatal(err)
		}
		th, g := l.thread, m.GetGpregs()
		if th.clear != m.GetClearTidAddr() || th.mode != g.GetMode() {
			t.Errorf("clear_tid_addr %#x, mode %s", th.clear, th.mode)
		}
		want := format.RegistersAMD64{
			R15: g.GetR15(), R14: g.GetR14(), R13: g.GetR13(), R12: g.GetR12(), RBP: g.GetBp(), RBX: g.GetBx(),
			R11: g.GetR11(), R10: g.GetR10(), R9: g.GetR9(), R8: g.GetR8(), RAX: g.GetAx(), RCX: g.GetCx(), RDX: g.GetDx(),
			RSI: g.GetSi(), RDI: g.GetDi(), OrigAX: g.GetOrigAx(), RIP: g.GetIp(), CS: g.GetCs(), RFlags: g.GetFlags(),
			RSP: g.GetSp(), SS: g.GetSs(), FSBase: g.GetFsBase(), GSBase: g.GetGsBase(), DS: g.GetDs(), ES: g.GetEs(),
			FS: g.GetFs(), GS: g.GetGs(), XSave: areaOfMessage(m.GetFpregs(), false),
		}
		if d := gocmp.Diff(want, *th.registers.AMD64); d != "" {
			t.Errorf("registers (-message +thaw):\n%s", d)
		}
		if d := gocmp.Diff(areaOfMessage(m.GetFpregs(), true), amdLayout(th.general.XSave, th.components)); d != "" {
			t.Errorf("as AMD lays it out (-message +thaw):\n%s", d)
		}
		sameDescriptors(t, m.GetTls(), th.registers.Raw)
	})
}

func sameDescriptors(t *rapid.T, list []*core_x86.UserDescT, raw []format.RegisterSet) {
	inUse := slices.ContainsFunc(list, func(e *core_x86.UserDescT) bool { return !e.GetSegNotPresent() })
	if (len(raw) == 1) != inUse {
		t.Fatalf("%d register sets, in use %v", len(raw), inUse)
	}
	if !inUse {
		return
	}
	var want []byte
	for _, e := range list {
		bits := uint32(0)
		for i, on := range []bool{
			e.GetSeg_32Bit(), e.GetContentsL(), e.GetContentsH(), e.GetReadExecOnly(), e.GetLimitInPages(), e.GetSegNotPresent(), e.GetUsable(),
		} {
			if on {
				bits |= 1 << i
			}
		}
		for _, w := range []uint32{e.GetEntryNumber(), e.GetBaseAddr(), e.GetLimit(), bits} {
			want = binary.LittleEndian.AppendUint32(want, w)
		}
	}
	if d := gocmp.Diff(want, raw[0].Data); d != "" || raw[0].Type != noteTLS {
		t.Errorf("descriptors (-message +thaw):\n%s", d)
	}
}

// what names a component in a test.
func (c *component) what() string { return string(rune('0' + c.bit)) }

// TestThreadRefused: what cannot be registers is an error.
func TestThreadRefused(t *testing.T) {
	good := func() *core_x86.ThreadInfoX86 {
		var m *core_x86.ThreadInfoX86
		rapid.Check(t, func(t *rapid.T) { m = anyThread(t) })
		m.Fpregs.Xsave = &core_x86.UserX86XsaveEntry{XstateBv: proto.Uint64(7)}
		return m
	}()
	encode := func(change func(*core_x86.ThreadInfoX86)) []byte {
		m, _ := proto.Clone(good).(*core_x86.ThreadInfoX86)
		change(m)
		b, err := proto.MarshalOptions{AllowPartial: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	whole := encode(func(*core_x86.ThreadInfoX86) {})
	for _, tt := range []struct {
		name string
		b    []byte
		is   error
	}{
		{"no general registers", encode(func(m *core_x86.ThreadInfoX86) { m.Gpregs = nil }), errNoField},
		{"no floating point registers", encode(func(m *core_x86.ThreadInfoX86) { m.Fpregs = nil }), errNoField},
		{"no instruction pointer", encode(func(m *core_x86.ThreadInfoX86) { m.Gpregs.Ip = nil }), errNoField},
		{"no control word", encode(func(m *core_x86.ThreadInfoX86) { m.Fpregs.Cwd = nil }), errNoField},
		{"no xstate_bv", encode(func(m *core_x86.ThreadInfoX86) { m.Fpregs.Xsave.XstateBv = nil }), errNoField},
		{"general registers twice", append(slices.Clone(whole), encode(func(m *core_x86.ThreadInfoX86) { m.Fpregs, m.Tls = nil, nil })...), errTwice},
		{"too many words", encode(func(m *core_x86.ThreadInfoX86) { m.Fpregs.StSpace = make([]uint32, 33) }), nil},
		{"too much of a component", encode(func(m *core_x86.ThreadInfoX86) { m.Fpregs.Xsave.Pkru = make([]uint32, 3) }), nil},
		{"cut off", whole[:len(whole)-1], nil},
	} {
		if _, err := new(image).takeThread(&lists{}, tt.b, 0); err == nil || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

// TestPacked: lists of numbers may be packed, and fields unknown.
func TestPacked(t *testing.T) {
	m := &core_x86.UserX86FpregsEntry{}
	for _, p := range []**uint32{&m.Cwd, &m.Swd, &m.Twd, &m.Fop, &m.Mxcsr, &m.MxcsrMask} {
		*p = proto.Uint32(1)
	}
	m.Rip, m.Rdp = proto.Uint64(2), proto.Uint64(3)
	bare, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	m.StSpace = []uint32{5, 1 << 31, 7}
	plain, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var list []byte
	for _, w := range m.StSpace {
		list = protowire.AppendVarint(list, uint64(w))
	}
	packed := protowire.AppendBytes(protowire.AppendTag(bare, fpST, protowire.BytesType), list)
	packed = protowire.AppendFixed64(protowire.AppendTag(packed, 100, protowire.Fixed64Type), 1)
	want, err := decodeFloat(plain)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeFloat(packed)
	if d := gocmp.Diff(want.area, got.area); d != "" || err != nil {
		t.Errorf("error %v (-one by one +packed):\n%s", err, d)
	}
}

// TestMapEntry: the short way to read an entry of a pagemap and the long one agree
// on whatever bytes.
func TestMapEntry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		for range rapid.IntRange(0, 6).Draw(t, "fields") {
			b = protowire.AppendTag(b, protowire.Number(rapid.IntRange(1, 6).Draw(t, "field")), rapid.SampledFrom([]protowire.Type{
				protowire.VarintType, protowire.VarintType, protowire.VarintType, protowire.BytesType,
			}).Draw(t, "type"))
			b = protowire.AppendVarint(b, rapid.OneOf(rapid.Uint64(), rapid.Just(uint64(0x7fff00001000)), rapid.Uint64Range(0, 200)).Draw(t, "value"))
		}
		b = append(b, rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "rest")...)
		short, err := decodeMapEntry(b)
		long, longErr := decodeOddEntry(b)
		if short != long || (err == nil) != (longErr == nil) {
			t.Errorf("% x: %+v and %v, the long way %+v and %v", b, short, err, long, longErr)
		}
	})
}
