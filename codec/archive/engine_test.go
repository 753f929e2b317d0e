package archive_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/thaw-cr/thaw/codec"
)

// documents of a checkpoint that engines write beside the image, in the order of
// the archive.
var documents = []string{
	"config.dump", "spec.dump", "status.dump", "status", "network.status", "deleted.files", "bind.mounts", "rootfs-diff.tar", "volumes/v.tar",
}

// checkpointOf packs documents beside an image.
func checkpointOf(list map[string]string) []byte {
	entries := []entry{{name: "checkpoint/pstree.img", body: pstree}}
	for _, name := range documents {
		body, ok := list[name]
		if !ok && (name == "config.dump" || name == "spec.dump") { // every engine writes them
			body, ok = "{}", true
		}
		if ok {
			entries = append(entries, entry{name: name, body: body})
		}
	}
	return tarOf(entries...)
}

// TestEngines reads the documents of each engine, as its sources say that it
// writes them: those of testdata/engines/NAME.txtar make the container of
// NAME.json.
func TestEngines(t *testing.T) {
	const dir = "testdata/engines"
	archives := map[string]map[string]string{
		"podman-orders": {"volumes/v.tar": string(tarOf(entry{name: "f", body: "xy", change: func(h *tar.Header) {
			h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "c"}
		}}))},
		// containerd compresses it
		"containerd": {"rootfs-diff.tar": string(gzipped(tarOf(entry{name: "a", body: "xyz"}, entry{name: "b", typ: '2', link: "/c"})))},
	}
	names, err := filepath.Glob(dir + "/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, file := range names {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			list := maps.Clone(archives[name])
			if list == nil {
				list = map[string]string{}
			}
			for _, f := range a.Files {
				if !slices.Contains(documents, f.Name) {
					t.Fatalf("no engine writes %s", f.Name)
				}
				list[f.Name] = string(f.Data)
			}
			f, err := openBytes(t, checkpointOf(list), false, codec.Limits{})
			if err != nil || len(f.Faults) > 0 {
				t.Fatal(err, f)
			}
			c := f.Image.Containers[0]
			c.Members = nil
			want, err := json.MarshalIndent(c, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			vectorFiles.Check(t, filepath.Join(dir, name+".json"), append(want, '\n'))
		})
	}
}

// TestBadDocuments: a document that is none is a fault, and the rest is read.
func TestBadDocuments(t *testing.T) {
	for name, body := range map[string]string{
		"config.dump": `{"id":5}`, "spec.dump": `{"mounts":"x"}`, "deleted.files": `{"a":1}`, "network.status": `nil`,
		"bind.mounts": `["x"]`, "status.dump": `{} {}`,
	} {
		f, err := openBytes(t, checkpointOf(map[string]string{name: body}), false, codec.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{string(codec.BadDocument)}, kinds(f, nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestFolderForDocument: so is a folder where a document belongs.
func TestFolderForDocument(t *testing.T) {
	for _, name := range []string{"config.dump", "spec.dump", "deleted.files", "network.status", "bind.mounts", "status.dump"} {
		list := slices.DeleteFunc(healthy(), func(e entry) bool { return e.name == name })
		f, err := openBytes(t, tarOf(append(list, entry{name: name + "/", typ: tar.TypeDir})...), false, codec.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{string(codec.BadDocument)}, kinds(f, nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestFileForFolder: a file where the folder of images belongs is none.
func TestFileForFolder(t *testing.T) {
	f, err := openBytes(t, tarOf(append(healthy()[:2], entry{name: "checkpoint", body: "x"})...), false, codec.Limits{})
	if diff := cmp.Diff([]string{string(codec.Missing)}, kinds(f, err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPods opens the first container of a pod's checkpoint.
func TestPods(t *testing.T) {
	options := entry{name: "pod.options", body: `{"version":1,"containers":{"a":"a-full","b":"b-full"}}`}
	for _, tt := range []struct {
		name    string
		entries []entry
		want    []string
	}{
		{"archives", []entry{options, {name: "b.tar", body: string(with())}, {name: "a.tar.gz", body: string(gzipped(with()))}}, []string{"many-images"}},
		{"one archive", []entry{options, {name: "a.tar", body: string(zstded(with()))}}, []string{}},
		{"directories", append([]entry{options}, below("a/", healthy())...), []string{}},
		{"nothing", []entry{options, {name: "x"}}, []string{"missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := openBytes(t, tarOf(tt.entries...), false, codec.Limits{})
			if diff := cmp.Diff(tt.want, append([]string{}, kinds(f, err)...)); diff != "" {
				t.Fatalf("kinds (-want +got):\n%s\n%v", diff, err)
			}
			if err == nil && f.Image.Containers[0].Name != "web" {
				t.Errorf("container %+v", f.Image.Containers[0])
			}
		})
	}
}

// TestLayersOverlaid: upper layers hide and replace what lower ones have.
func TestLayersOverlaid(t *testing.T) {
	l := blobs{}
	lower := tarOf(append(healthy(), entry{name: "checkpoint/a", body: "low"}, entry{name: "checkpoint/b", body: "low"}, entry{name: "checkpoint/d/x", body: "low"})...)
	upper := tarOf(entry{name: "checkpoint/a", body: "high"}, entry{name: "checkpoint/.wh.b"}, entry{name: "checkpoint/d/.wh..wh..opq"}, entry{name: "checkpoint/d/y", body: "high"})
	ld, ln := l.add(lower)
	ud, un := l.add(gzipped(upper))
	b := l.tar(l.image(desc("image.layer.v1.tar", ld, ln, "") + "," + desc(layerType, ud, un, "")))
	f, err := openBytes(t, b, false, codec.Limits{})
	if err != nil || len(f.Faults) > 0 {
		t.Fatal(err, f)
	}
	got := map[string]string{}
	for _, a := range f.Image.Attachments {
		got[a.Record] = a.Place
	}
	want := map[string]string{"pstree.img": digest([]byte(pstree)), "a": digest([]byte("high")), "d/y": digest([]byte("high"))}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestLayerLimit refuses an image of too many layers.
func TestLayerLimit(t *testing.T) {
	for _, tt := range []struct {
		n    int
		kind codec.Kind
	}{{128, ""}, {129, codec.TooLarge}} {
		l := blobs{}
		d, n := l.add(with())
		list := desc("image.layer.v1.tar", d, n, "")
		all := list
		for range tt.n - 1 {
			all += "," + list
		}
		_, err := openBytes(t, l.tar(l.image(all)), false, codec.Limits{})
		fe, _ := errors.AsType[*codec.FormatError](err)
		if fe == nil && tt.kind != "" || fe != nil && fe.Kind != tt.kind {
			t.Errorf("%d layers: %v", tt.n, err)
		}
	}
}
