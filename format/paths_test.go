package format_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/format"
)

// mapOne maps one path.
func mapOne(p string, maps ...format.PathMap) string {
	img := &format.Image{Objects: format.Objects{FS: []format.FS{{Cwd: p}}}}
	format.MapPaths(img, maps)
	return img.Objects.FS[0].Cwd
}

func TestMapPaths(t *testing.T) {
	tmp, deep, all := format.PathMap{Old: "/tmp", New: "/new"}, format.PathMap{Old: "/tmp/a/", New: "/deep/"}, format.PathMap{Old: "/", New: "/root"}
	for _, tt := range []struct {
		name, path string
		maps       []format.PathMap
		want       string
	}{
		{"itself", "/tmp", []format.PathMap{tmp}, "/new"},
		{"below", "/tmp/x/y", []format.PathMap{tmp}, "/new/x/y"},
		{"beside", "/tmpfs/x", []format.PathMap{tmp}, "/tmpfs/x"},
		{"above", "/", []format.PathMap{tmp}, "/"},
		{"no map", "/tmp/../x", nil, "/tmp/../x"},
		{"longest", "/tmp/a/b", []format.PathMap{all, tmp, deep}, "/deep/b"},
		{"longest does not fit", "/tmp/ab", []format.PathMap{deep, tmp}, "/new/ab"},
		{"first of equals", "/tmp/x", []format.PathMap{tmp, {Old: "/tmp/", New: "/other"}}, "/new/x"},
		{"not twice", "/tmp/x", []format.PathMap{tmp, {Old: "/new", New: "/third"}}, "/new/x"},
		{"root", "/usr/bin", []format.PathMap{all}, "/root/usr/bin"},
		{"root itself", "/", []format.PathMap{all}, "/root"},
		{"to the root", "/tmp/x", []format.PathMap{{Old: "/tmp", New: "/"}}, "/x"},
		{"climbing out", "/../../etc/shadow", []format.PathMap{all}, "/root/etc/shadow"},
		{"climbing out of a part", "/tmp/../etc/shadow", []format.PathMap{tmp}, "/tmp/../etc/shadow"},
		{"no path", "", []format.PathMap{all}, ""},
		{"relative", "tmp/x", []format.PathMap{all}, "tmp/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := mapOne(tt.path, tt.maps...); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// fillPaths gives every FileRef within v a path of its own.
func fillPaths(v reflect.Value, n *int) {
	if v.Type() == reflect.TypeFor[format.FileRef]() {
		*n++
		v.FieldByName("Path").SetString(fmt.Sprintf("/file/%d", *n))
		return
	}
	switch v.Kind() { //nolint:exhaustive // the others hold no paths
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fillPaths(v.Elem(), n)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			for i := range v.Len() {
				fillPaths(v.Index(i), n)
			}
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			fillPaths(f, n)
		}
	}
}

// collectPaths gives the paths of all FileRefs within v.
func collectPaths(v reflect.Value, to *[]string) {
	if v.Type() == reflect.TypeFor[format.FileRef]() {
		*to = append(*to, v.FieldByName("Path").String())
		return
	}
	switch v.Kind() { //nolint:exhaustive // the others hold no paths
	case reflect.Pointer:
		if !v.IsNil() {
			collectPaths(v.Elem(), to)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collectPaths(v.Index(i), to)
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			collectPaths(f, to)
		}
	}
}

// TestMapPathsReachesAll fills a file of each kind, one after the other, so that
// a new field with a FileRef that is not mapped is found.
func TestMapPathsReachesAll(t *testing.T) {
	img := &format.Image{}
	n := 0
	o := reflect.ValueOf(&img.Objects).Elem()
	for i := range o.NumField() {
		if o.Type().Field(i).Name != "Files" {
			fillPaths(o.Field(i), &n)
		}
	}
	open := reflect.TypeFor[format.OpenFile]()
	for i := range open.NumField() {
		if open.Field(i).Type.Kind() == reflect.Pointer {
			f := reflect.New(open).Elem()
			fillPaths(f.Field(i), &n)
			img.Objects.Files = append(img.Objects.Files, f.Interface().(format.OpenFile))
		}
	}
	img.Objects.Deleted = []format.DeletedFile{{Path: "/file/gone", Link: "/file/link"}}
	img.Objects.FS = []format.FS{{Cwd: "/file/cwd", Root: "/file"}}
	format.MapPaths(img, []format.PathMap{{Old: "/file", New: "/there"}})
	var got, want []string
	collectPaths(reflect.ValueOf(img).Elem(), &got)
	for i := range n {
		want = append(want, fmt.Sprintf("/there/%d", i+1))
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" || n < 12 {
		t.Errorf("%d paths (-want +got):\n%s", n, d)
	}
	if d := cmp.Diff(format.FS{Cwd: "/there/cwd", Root: "/there"}, img.Objects.FS[0]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(format.DeletedFile{Path: "/there/gone", Link: "/there/link"}, img.Objects.Deleted[0]); d != "" {
		t.Error(d)
	}
}

// TestMapPathsStaysInside: whatever an image names, under one root it stays
// there.
func TestMapPathsStaysInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"..", ".", "", "a", "root", "\x00", "…"})).Draw(t, "parts")
		got := mapOne("/"+strings.Join(parts, "/"), format.PathMap{Old: "/", New: "/root"})
		if got != "/root" && !strings.HasPrefix(got, "/root/") || strings.Contains(got+"/", "/../") {
			t.Errorf("%q is outside /root", got)
		}
	})
}

// TestDigested: each file and digest is told once, and who has enough is not given
// more.
func TestDigested(t *testing.T) {
	ref := func(path string, sum ...byte) format.FileRef { return format.FileRef{Path: path, SHA256: sum} }
	o := format.Objects{
		Memories: []format.AddressSpace{{Exe: ref("/bin/a", 1), VMAs: []format.VMA{{File: ref("/bin/a", 1)}, {}, {File: ref("/lib/b", 2)}}}},
		Files: []format.OpenFile{
			{Regular: &format.RegularFile{File: ref("/lib/b", 2)}},
			{Inotify: &format.Inotify{Watches: []format.InotifyWatch{{File: ref("/lib/b", 3)}, {File: ref("/x")}}}},
			{Fanotify: &format.Fanotify{Marks: []format.FanotifyMark{{File: ref("/bin/c", 1)}}}},
		},
		Pipes: []format.PipeBuffer{{Fifo: ref("/fifo")}},
	}
	var got []string
	for _, f := range o.Digested() {
		got = append(got, fmt.Sprintf("%s %x", f.Path, f.SHA256))
	}
	if diff := cmp.Diff([]string{"/bin/a 01", "/lib/b 02", "/lib/b 03", "/bin/c 01"}, got); diff != "" {
		t.Errorf("digests (-want +got):\n%s", diff)
	}
	all := slices.Collect(o.FileRefs())
	if len(all) != 9 {
		t.Errorf("%d files, want 9", len(all))
	}
	for n := 1; n <= len(all); n++ {
		for f := range o.FileRefs() {
			if f == all[n-1] {
				break
			}
		}
	}
}
