package linuxcr

import (
	"fmt"
	"slices"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// credentials writes the task's credentials and what names them.
func (e *encoder) credentials(t *format.Task) error {
	real := t.Creds
	if to, ok := e.left.find(linkRealCred, uint32(t.TID), 0); ok {
		real = to
	}
	for _, id := range []format.ObjectID{real, t.Creds} {
		if err := e.cred(id); err != nil {
			return err
		}
	}
	b := e.blank(kTaskCreds)
	b.set(fRef, uint64(e.ref(real)))
	b.set(fRef2, uint64(e.ref(t.Creds)))
	return e.put(kTaskCreds, uint32(t.TID), 0, b)
}

// cred writes a CRED object with its groups and user.
func (e *encoder) cred(id format.ObjectID) error {
	c, k := e.idx.creds.get(id), e.kept[id]
	if c == nil && (k == nil || k.kind != kCred || len(k.raw) != len(e.blank(kCred).p)) {
		return nil
	}
	ref := e.ref(id)
	return e.object(oCred, ref, func() error {
		var groups []uint32
		uid := uint32(0)
		if c != nil {
			groups, uid = c.Groups, c.UID
		}
		group := e.makeRef(linkGroups, id, 0, madeKey{kind: oGroupInfo, text: fmt.Sprint(groups)})
		if err := e.object(oGroupInfo, group, func() error { return e.groupInfo(uint32(group), groups) }); err != nil {
			return err
		}
		user := e.makeRef(linkUser, id, 0, madeKey{kind: oUser, a: int32(uid)})
		if err := e.object(oUser, user, func() error { return e.user(user, uid) }); err != nil {
			return err
		}
		if c == nil {
			return e.putBytes(kCred, uint32(ref), 0, slices.Clone(k.raw))
		}
		return e.credRecord(c, ref, user, group)
	})
}

func (e *encoder) credRecord(c *format.Credentials, ref, user, group int32) error {
	e.losses.If(c.Ambient != 0 || c.Label != "", codec.LossCreds, 0, c.ID, "ambient capabilities %#x, label %q", c.Ambient, c.Label)
	b := e.blank(kCred)
	b.fill(map[field]uint64{
		fUID: uint64(c.UID), fSUID: uint64(c.SUID), fEUID: uint64(c.EUID), fFSUID: uint64(c.FSUID),
		fGID: uint64(c.GID), fSGID: uint64(c.SGID), fEGID: uint64(c.EGID), fFSGID: uint64(c.FSGID),
		fUserRef: uint64(user), fGroupsRef: uint64(group), fSecureBits: uint64(c.SecureBits),
	})
	for i, set := range capSets(c) {
		p := b.bytes(fCapInh)[8*i:]
		e.d.order.PutUint32(p, uint32(*set))
		e.d.order.PutUint32(p[4:], uint32(*set>>32))
	}
	return e.put(kCred, uint32(ref), 0, b)
}

// groupInfo writes a list of groups. Its array begins in the fixed part.
func (e *encoder) groupInfo(ref uint32, groups []uint32) error {
	sorted := slices.Compact(slices.Sorted(slices.Values(groups)))
	b := e.blankWith(kGroupInfo, 4*len(sorted))
	b.set(fCount, uint64(len(sorted)))
	for i, g := range sorted {
		e.d.order.PutUint32(b.p[4+4*i:], g)
	}
	return e.put(kGroupInfo, ref, 0, b)
}

// user writes a USER object with its namespaces.
func (e *encoder) user(ref int32, uid uint32) error {
	ns := e.makeRef(linkUserNS, format.ObjectID(ref), 0, madeKey{kind: oUserNS})
	err := e.object(oUserNS, ns, func() error {
		creator, ok := e.left.find(linkCreator, uint32(ns), 0)
		b := e.blank(kUserNS)
		if ok && creator != 0 && creator < mostRef {
			id, _ := e.left.find(linkUserUID, uint32(creator), 0)
			if err := e.object(oUser, int32(creator), func() error { return e.user(int32(creator), uint32(id)) }); err != nil {
				return err
			}
			b.set(fRef, uint64(creator))
		}
		return e.put(kUserNS, uint32(ns), 0, b)
	})
	if err != nil {
		return err
	}
	b := e.blank(kUser)
	b.set(fUID, uint64(uid))
	b.set(fRef, uint64(ns))
	return e.put(kUser, uint32(ref), 0, b)
}

// namespaces writes the task's namespaces.
func (e *encoder) namespaces(t *format.Task) error {
	var uts, ipc *format.Namespace
	for _, id := range t.Namespaces {
		switch n := e.idx.namespaces.get(id); {
		case n == nil:
		case n.Kind == format.NSUTS:
			uts = n
		case n.Kind == format.NSIPC:
			ipc = n
		default:
		}
	}
	utsRef, ipcRef := e.namespaceRef(uts, oUTSNS), e.namespaceRef(ipc, oIPCNS)
	ref := e.makeRef(linkNS, format.ObjectID(t.TID), 0, madeKey{kind: oNS, a: utsRef, b: ipcRef})
	err := e.object(oNS, ref, func() error {
		if err := e.object(oUTSNS, utsRef, func() error { return e.utsNamespace(utsRef, uts) }); err != nil {
			return err
		}
		if err := e.object(oIPCNS, ipcRef, func() error { return e.ipcNamespace(ipcRef, ipc) }); err != nil {
			return err
		}
		b := e.blank(kNS)
		b.set(fRef, uint64(utsRef))
		b.set(fRef2, uint64(ipcRef))
		return e.put(kNS, uint32(ref), 0, b)
	})
	if err != nil {
		return err
	}
	b := e.blank(kTaskNS)
	b.set(fRef, uint64(ref))
	return e.put(kTaskNS, uint32(t.TID), 0, b)
}

// namespaceRef is a namespace's number; one is made where the model has none.
func (e *encoder) namespaceRef(n *format.Namespace, kind objKind) int32 {
	if n != nil {
		return e.ref(n.ID)
	}
	return e.makeRef(linkNone, 0, 0, madeKey{kind: kind})
}

func (e *encoder) utsNamespace(ref int32, n *format.Namespace) error {
	b := e.blank(kUTSNS)
	names := map[field]string{fSysname: "Linux", fNSRelease: e.img.Provenance.Kernel, fNSMachine: e.d.arch.machine(), fDomainname: "(none)"}
	if n != nil {
		names[fNodename], names[fDomainname] = n.HostName, n.DomainName
	}
	for f, s := range names {
		b.put(f, []byte(s[:min(len(s), utsLen-1)]))
	}
	return e.put(kUTSNS, uint32(ref), 0, b)
}

// ipcLimits are those of a kernel of that time: shared memory, message queues,
// semaphores (ipc/ of 2.6.33).
var ipcLimits = struct {
	wide   [2]uint64
	narrow [8]uint32
}{[2]uint64{0x2000000, 0x200000}, [8]uint32{4096, 8192, 16384, 500, 250, 32000, 32, 128}}

func (e *encoder) ipcNamespace(ref int32, n *format.Namespace) error {
	b := e.blank(kIPCNS)
	p := b.bytes(fLimits)
	for i, v := range ipcLimits.wide {
		e.d.order.PutUint64(p[8*i:], v)
	}
	for i, v := range ipcLimits.narrow {
		e.d.order.PutUint32(p[16+4*i:], v)
	}
	if err := e.put(kIPCNS, uint32(ref), 0, b); err != nil {
		return err
	}
	id := format.ObjectID(0)
	if n != nil {
		id = n.ID
	}
	return e.ipcItems(uint32(ref), id)
}

// handlers writes a SIGHAND object.
func (e *encoder) handlers(t *format.Task) error {
	h := e.idx.handlers.get(t.Handlers)
	if h == nil {
		return nil
	}
	ref := e.ref(h.ID)
	return e.object(oSighand, ref, func() error {
		p := make([]byte, signalCount*actionSize)
		for _, a := range h.Actions {
			if !a.Signal.Valid() {
				continue
			}
			q := p[int(a.Signal-1)*actionSize:]
			e.d.order.PutUint64(q, uint64(a.Handler))
			e.d.order.PutUint64(q[8:], a.Flags)
			e.d.order.PutUint64(q[16:], uint64(a.Restorer))
			e.d.putSigset(q[24:], a.Mask)
		}
		return e.putBytes(kSighand, uint32(ref), 0, p)
	})
}

// signals writes the process's state with its first task, then the task's
// pending and blocked signals.
func (e *encoder) signals(t *format.Task) error {
	if p := e.idx.processes.get(t.Process); p != nil && !e.done.has(e.ref(p.ID)) {
		e.done.add(e.ref(p.ID))
		if err := e.process(p); err != nil {
			return err
		}
	}
	if err := e.pending(uint32(t.TID), 1, t.Pending); err != nil {
		return err
	}
	b := e.blank(kSignalTask)
	e.d.putSigset(b.bytes(fMask), t.SignalMask)
	return e.put(kSignalTask, uint32(t.TID), 0, b)
}

// processLosses are what no generation says of a process.
func (e *encoder) processLosses(p *format.Process) {
	e.losses.If(p.Subreaper || p.OOMScoreAdj != 0, codec.LossProcess, 0, p.ID, "subreaper %t, OOM score %d", p.Subreaper, p.OOMScoreAdj)
	e.losses.If(len(p.Timers) > 0, codec.LossTimer, 0, p.ID, "%d timers of timer_create", len(p.Timers))
}

func (e *encoder) process(p *format.Process) error {
	e.processLosses(p)
	b := e.blank(kSignal)
	limits := b.bytes(fLimits)
	put := func(q []byte, v uint64) {
		if e.d.arch.word == 4 {
			v = min(v, 0xffffffff)
		}
		e.d.order.PutUint64(q, v)
	}
	if !allLimits(p.Limits) {
		for i := range 2 * rlimitCount {
			put(limits[8*i:], format.Unlimited)
		}
	}
	for _, l := range p.Limits {
		e.losses.If(l.Resource >= rlimitCount, codec.LossLimit, 0, p.ID, "limit %d", l.Resource)
		if l.Resource < rlimitCount {
			put(limits[16*l.Resource:], l.Soft)
			put(limits[16*l.Resource+8:], l.Hard)
		}
	}
	for _, t := range p.Intervals {
		e.losses.If(int(t.Which) >= len(itimers), codec.LossITimer, 0, p.ID, "interval timer %d", t.Which)
		if int(t.Which) < len(itimers) {
			b.set(itimers[t.Which].value, t.Remaining*1000)
			b.set(itimers[t.Which].interval, t.Interval*1000)
		}
	}
	b.set(fTTYGroup, uint64(uint32(e.d.gen.nullPID())))
	b.set(fTTYOldGroup, uint64(uint32(e.d.gen.nullPID())))
	owner := uint32(e.ref(p.ID))
	if err := e.put(kSignal, owner, 0, b); err != nil {
		return err
	}
	return e.pending(owner, 0, p.Pending)
}

// allLimits says that a list begins with the limits of that time, in order.
func allLimits(list []format.Limit) bool {
	if len(list) < rlimitCount {
		return false
	}
	for i := range rlimitCount {
		if list[i].Resource != uint32(i) {
			return false
		}
	}
	return true
}

// pending writes a queue of signals; of is 0 for a process's, 1 for a task's.
func (e *encoder) pending(owner uint32, of uint64, list []format.SigInfo) error {
	l := e.d.gen.siginfo()
	b := e.blankWith(kSigPending, len(list)*l.size)
	b.set(fCount, uint64(len(list)))
	var mask format.SignalSet
	for i, s := range list {
		if s.Signal.Valid() {
			mask = mask.With(s.Signal)
		}
		putSigInfo(body{layout: l.layout, order: e.d.order, p: b.rest()[i*l.size:]}, l, s)
	}
	e.d.putSigset(b.bytes(fMask), mask)
	return e.put(kSigPending, owner, of, b)
}
