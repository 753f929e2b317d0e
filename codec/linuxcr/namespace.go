package linuxcr

import (
	"bytes"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// nsproxy reads an NS object: the namespaces that a task has together.
func (d *decoder) nsproxy(id format.ObjectID) error {
	b, err := d.record(kNS)
	if err != nil {
		return err
	}
	for _, r := range []struct {
		field field
		kind  objKind
		link  linkKind
	}{{fRef, oUTSNS, linkNSUTS}, {fRef2, oIPCNS, linkNSIPC}, {fRef3, oNetNS, linkNSNet}} {
		ns, err := d.ref(b, r.field, r.kind)
		if err != nil {
			return err
		}
		if ns != 0 {
			d.ns[id] = append(d.ns[id], ns)
		}
		d.extra.link(r.link, uint32(id), 0, ns)
	}
	return d.charge(64)
}

// addNamespace adds a namespace. Whether it was the machine's own is decided at
// the end.
func (d *decoder) addNamespace(n format.Namespace) error {
	d.img.Objects.Namespaces = append(d.img.Objects.Namespaces, n)
	return d.charge(256)
}

// utsNamespace reads a UTS_NS object.
func (d *decoder) utsNamespace(id format.ObjectID) error {
	b, err := d.record(kUTSNS)
	if err != nil {
		return err
	}
	n := format.Namespace{ID: id, Kind: format.NSUTS}
	n.HostName = strings.Clone(text(b.bytes(fNodename)))
	n.DomainName = strings.Clone(text(b.bytes(fDomainname)))
	if d.img.Provenance.Host == "" {
		d.img.Provenance.Host = n.HostName
	}
	return d.addNamespace(n)
}

// ipcNamespace reads an IPC_NS object with its shared memory, message queues
// and semaphores.
func (d *decoder) ipcNamespace(id format.ObjectID) error {
	if _, err := d.record(kIPCNS); err != nil {
		return err
	}
	if err := d.addNamespace(format.Namespace{ID: id, Kind: format.NSIPC}); err != nil {
		return err
	}
	if err := d.ipcItems(id, kShm, (*decoder).sysvMemory); err != nil {
		return err
	}
	if err := d.ipcItems(id, kMsg, (*decoder).sysvMessages); err != nil {
		return err
	}
	return d.ipcItems(id, kSem, (*decoder).sysvSemaphores)
}

// ipcItems reads the objects of one kind.
func (d *decoder) ipcItems(ns format.ObjectID, k kind, read func(*decoder, format.ObjectID) error) error {
	b, err := d.record(kIPC)
	if err != nil {
		return err
	}
	if got := b.u32(fKind); got != d.numberOf[k] {
		return d.fault(codec.Malformed, "IPC record", b.at, "kind %d, %d belongs here", got, d.numberOf[k])
	}
	for range b.u32(fCount) {
		if err := read(d, ns); err != nil {
			return err
		}
	}
	return nil
}

// netNamespace reads a NET_NS object.
func (d *decoder) netNamespace(id format.ObjectID) error {
	b, err := d.record(kNetNS)
	if err != nil {
		return err
	}
	d.extra.link(linkNetNS, uint32(id), 0, format.ObjectID(b.u32(fRef)))
	return d.addNamespace(format.Namespace{ID: id, Kind: format.NSNet})
}

// netDevice reads a NETDEV object, which is kept as it stands. The framing of
// its addresses is not known: all records of their type are kept.
func (d *decoder) netDevice(id format.ObjectID) error {
	h, err := d.want(kNetDev)
	if err != nil {
		return err
	}
	for {
		p, err := d.data(h)
		if err != nil {
			return err
		}
		if err := d.attach(h, id, bytes.Clone(p)); err != nil {
			return err
		}
		if h, err = d.peek(); err != nil {
			return err
		}
		if h.kind != kNetDevAddr {
			return nil
		}
		if err := d.take(h); err != nil {
			return err
		}
	}
}

// settleNamespaces decides which namespaces are the tree's surroundings: those
// of its first task, since the image does not say.
func (d *decoder) settleNamespaces() {
	for i := range d.img.Objects.Namespaces {
		n := &d.img.Objects.Namespaces[i]
		n.Host = d.home[n.ID]
	}
	if len(d.home) > 0 {
		d.warn("whether the first task's namespaces were the machine's own is not recorded: they are taken to have been")
	}
}
