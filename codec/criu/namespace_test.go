package criu

import (
	"context"
	"errors"
	"testing"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/ns"
	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// TestNamespaceFiles: an open file of /proc/PID/ns is of the kind that its bit of
// clone(2) says, and names the namespace that processes name.
func TestNamespaceFiles(t *testing.T) {
	open := func(d *decoder, number, bit uint32) (*format.OpenFile, error) {
		o := &format.OpenFile{}
		e := &entryOf{FileEntry: &fdinfo.FileEntry{Nsf: &ns.NsFileEntry{
			Id: new(uint32(5)), NsId: new(number), NsCflag: new(bit), Flags: new(format.OLargeFile),
		}}, file: &file{name: "files.img"}, rec: &record{}}
		return o, d.namespaceFile(e, o)
	}
	for _, k := range nsKinds {
		d := newDecoder(context.Background(), &image{ofKind: make([][]*file, len(kinds))})
		o, err := open(d, 7, k.clone)
		if err != nil || o.Kind != format.FileNamespace || o.Flags != format.OLargeFile || o.Namespace == nil {
			t.Errorf("%s: %+v, %v", k.kind, o, err)
			continue
		}
		want := []format.Namespace{{ID: o.Namespace.Namespace, Kind: k.kind, Host: true}}
		if diff := cmp.Diff(want, d.img.Objects.Namespaces); diff != "" {
			t.Errorf("%s (-want +got):\n%s", k.kind, diff)
		}
		again, err := open(d, 7, k.clone)
		if err != nil || again.Namespace.Namespace != o.Namespace.Namespace || len(d.img.Objects.Namespaces) != 1 {
			t.Errorf("%s once more: %+v, %v", k.kind, again, err)
		}
	}
	d := newDecoder(context.Background(), &image{})
	_, err := open(d, 7, 1)
	if fe, ok := errors.AsType[*codec.FormatError](err); !ok || fe.Kind != codec.UnsupportedVersion {
		t.Errorf("of no kind: %v", err)
	}
}
