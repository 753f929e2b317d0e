package linuxcr

import (
	"strconv"

	"github.com/thaw-cr/thaw/format"
)

// linkKind is a relation between objects that the model does not have.
type linkKind uint8

const (
	linkNone     linkKind = iota
	linkNS                // task → NS
	linkRealCred          // task → CRED
	linkNSUTS             // NS → UTS_NS
	linkNSIPC             // NS → IPC_NS
	linkNSNet             // NS → NET_NS
	linkNetNS             // NET_NS → its own number
	linkUser              // CRED → USER
	linkGroups            // CRED → GROUPINFO
	linkUserUID           // USER → its uid
	linkUserNS            // USER → USER_NS
	linkCreator           // USER_NS → USER
	linkExe               // MM → FILE
	linkVMAFile           // MM and address → FILE
	linkFileCred          // FILE → CRED
	numLinkKinds
)

// link is one relation.
type link struct {
	kind linkKind
	// from is an object's number or a task's, index what of it.
	from  uint32
	index uint64
	to    uint32
}

// keptObject is the record of an object that the model does not hold: a file
// that only mappings use, with its path, or credentials that only files have.
type keptObject struct {
	kind kind
	id   uint32
	path string
	raw  []byte
}

// leftovers are what the model cannot say of an image.
type leftovers struct {
	links   []link
	objects []keptObject
}

func (l *leftovers) link(k linkKind, from uint32, index uint64, to format.ObjectID) {
	l.links = append(l.links, link{k, from, index, uint32(to)})
}

func (l *leftovers) keep(k kind, id format.ObjectID, path string, raw []byte) {
	l.objects = append(l.objects, keptObject{k, uint32(id), path, raw})
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
