package criu

import (
	"strings"

	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/netdev"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/timens"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/userns"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/utsns"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// nsKey is what CRIU calls a namespace.
type nsKey struct {
	kind format.NamespaceKind
	id   uint32
}

// nsKinds are the kinds in the order of the model, with their numbers in a
// process's ids and their bits of clone(2).
var nsKinds = []struct {
	kind  format.NamespaceKind
	field func(*criu_core.TaskKobjIdsEntry) **uint32
	clone uint32
}{
	{format.NSPid, func(e *criu_core.TaskKobjIdsEntry) **uint32 { return &e.PidNsId }, 0x20000000},
	{format.NSMount, func(e *criu_core.TaskKobjIdsEntry) **uint32 { return &e.MntNsId }, 0x00020000},
	{format.NSUTS, func(e *criu_core.TaskKobjIdsEntry) **uint32 { return &e.UtsNsId }, 0x04000000},
	{format.NSIPC, func(e *criu_core.TaskKobjIdsEntry) **uint32 { return &e.IpcNsId }, 0x08000000},
	{format.NSNet, func(e *criu_core.TaskKobjIdsEntry) **uint32 { return &e.NetNsId }, 0x40000000},
	{format.NSUser, func(e *criu_core.TaskKobjIdsEntry) **uint32 { return &e.UserNsId }, 0x10000000},
	{format.NSCgroup, func(e *criu_core.TaskKobjIdsEntry) **uint32 { return &e.CgroupNsId }, 0x02000000},
	{format.NSTime, func(e *criu_core.TaskKobjIdsEntry) **uint32 { return &e.TimeNsId }, 0x00000080},
}

// nsCount is how many kinds there are.
const nsCount = 8

// namespacesOf gives the namespaces that a process's ids name. Those of CRIU
// itself, which the inventory lists, are the host's.
func (d *decoder) namespacesOf(ids *criu_core.TaskKobjIdsEntry) []format.ObjectID {
	var key [nsCount]uint32
	for i := range nsKinds {
		if p := *nsKinds[i].field(ids); p != nil {
			key[i] = *p
		}
	}
	if list, ok := d.nsSets[key]; ok {
		return list
	}
	var list []format.ObjectID
	for i, k := range nsKinds {
		if key[i] == 0 {
			continue
		}
		list = append(list, d.namespace(nsKey{k.kind, key[i]}, i))
	}
	d.nsSets[key] = list
	return list
}

func (d *decoder) namespace(key nsKey, i int) format.ObjectID {
	if id, ok := d.namespaces[key]; ok {
		return id
	}
	own := *nsKinds[i].field(d.rootIDs())
	o := format.Namespace{ID: d.newID(), Kind: key.kind, Host: own != nil && *own == key.id}
	if own == nil {
		o.Host = !d.hasContents(key)
	}
	d.namespaces[key] = o.ID
	d.nsOrder = append(d.nsOrder, key)
	d.img.Objects.Namespaces = append(d.img.Objects.Namespaces, o)
	return o.ID
}

func (d *decoder) rootIDs() *criu_core.TaskKobjIdsEntry {
	if ids := d.inv.GetRootIds(); ids != nil {
		return ids
	}
	return &criu_core.TaskKobjIdsEntry{}
}

// nsFiles are the files that tell what is in a namespace.
var nsFiles = map[format.NamespaceKind]string{
	format.NSPid: kPidNS, format.NSMount: kMounts, format.NSUTS: kUTS, format.NSIPC: kIPCVar, format.NSNet: kNetNS,
	format.NSUser: kUserNS, format.NSTime: kTimeNS,
}

func (d *decoder) hasContents(key nsKey) bool {
	name, ok := nsFiles[key.kind]
	return ok && d.find(name, d.nsNumber(key)) != nil
}

// nsNumber is the number in the names of a namespace's files: its own, or, in images
// of CRIU before 1.3, that of the first process.
func (d *decoder) nsNumber(key nsKey) uint64 {
	if d.inv.GetNsPerId() || len(d.procs) == 0 {
		return uint64(key.id)
	}
	return uint64(d.procs[0].GetPid())
}

// namespaceContents reads what is in the namespaces of the image.
func (d *decoder) namespaceContents() error {
	if t, ok := entry[*timens.TimensEntry](d.find(kTimeNS, 0)); ok {
		f := d.find(kTimeNS, 0)
		check(d, f, &f.records[0], t, clockOddities)
		// File 0 is CRIU's own: the clocks of the machine.
		d.img.Provenance.Boottime = int64(min(t.GetBoottime().GetTvSec(), 1<<33))*1e9 + int64(min(t.GetBoottime().GetTvNsec(), 1e9))
	}
	for _, key := range d.nsOrder {
		o := d.namespaceObject(d.namespaces[key])
		if o.Host {
			continue
		}
		d.checkNamespace(key)
		if err := d.contents(key, o); err != nil {
			return err
		}
	}
	d.checkMountIDs()
	return nil
}

func (d *decoder) namespaceObject(id format.ObjectID) *format.Namespace {
	if o := at(d.img.Objects.Namespaces, id, func(o *format.Namespace) format.ObjectID { return o.ID }); o != nil {
		return o
	}
	return &format.Namespace{}
}

func (d *decoder) contents(key nsKey, o *format.Namespace) error {
	n := d.nsNumber(key)
	switch key.kind {
	case format.NSUTS:
		e, _ := entry[*utsns.UtsnsEntry](d.find(kUTS, n))
		o.HostName, o.DomainName = e.GetNodename(), e.GetDomainname()
	case format.NSUser:
		e, _ := entry[*userns.UsernsEntry](d.find(kUserNS, n))
		o.UIDMap, o.GIDMap = idMap(e.GetUidMap()), idMap(e.GetGidMap())
	case format.NSMount:
		return d.mounts(d.find(kMounts, n), o)
	case format.NSNet:
		d.interfaces(n, o)
	case format.NSTime:
		if d.find(kTimeNS, n) != nil {
			d.warn(0, "the image tells the clocks of a time namespace, not its offsets")
		}
	default: // of others the image tells nothing, or files of their own do
	}
	return nil
}

func idMap(list []*userns.UidGidExtent) []format.IDMap {
	out := make([]format.IDMap, 0, len(list))
	for _, e := range list {
		out = append(out, format.IDMap{Inside: e.GetFirst(), Outside: e.GetLowerFirst(), Count: e.GetCount()})
	}
	return out
}

// interfaces reads the network interfaces of a namespace.
func (d *decoder) interfaces(n uint64, o *format.Namespace) {
	for _, e := range entries[*netdev.NetDeviceEntry](d.find(kNetdev, n)) {
		o.Links = append(o.Links, format.NetLink{
			Index: e.GetIfindex(), Name: e.GetName(), Type: strings.ToLower(e.GetType().String()), Flags: e.GetFlags(), MTU: e.GetMtu(),
			Hardware: e.GetAddress(),
		})
	}
}

// namespaceFile makes an open file of /proc/PID/ns.
func (d *decoder) namespaceFile(e *entryOf, o *format.OpenFile) error {
	v := e.GetNsf()
	if v == nil {
		return lacks(e)
	}
	for i, k := range nsKinds {
		if k.clone == v.GetNsCflag() {
			o.Kind, o.Flags = format.FileNamespace, v.GetFlags()
			o.Namespace = &format.NamespaceFile{Namespace: d.namespace(nsKey{k.kind, v.GetNsId()}, i)}
			return nil
		}
	}
	return fault(e.file, e.rec, codec.UnsupportedVersion, "open file %d is a namespace of kind %#x", e.GetId(), v.GetNsCflag())
}
