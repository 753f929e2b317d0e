package archive_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/internal/golden"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
)

var update = flag.Bool("update", false, "write the vectors")

var vectorFiles = golden.Set{Update: update, How: "go generate ./codec/archive"}

// vectorDir holds an archive for each vector, and expect.json says what must be
// found in it: other projects can use them.
const vectorDir = "../../testdata/archive"

// pstree is a file by which CRIU's images are known: its magic number
// (criu: include/magic.h, IMG_COMMON_MAGIC and PSTREE_MAGIC) and nothing else.
const pstree = "\x19\x44\x64\x54\x16\x03\x19\x50"

const noSpec = `{"ociVersion":"1.0.2","linux":{"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"network"}]}}`

// healthy are the members of a checkpoint that nothing is wrong with.
func healthy() []entry {
	return []entry{
		{name: "config.dump", body: `{"id":"0fc369d6","name":"web","rootfsImageName":"registry.example/web@sha256:00"}`},
		{name: "spec.dump", body: noSpec},
		{name: "checkpoint/", typ: tar.TypeDir},
		{name: "checkpoint/pstree.img", body: pstree},
	}
}

func with(more ...entry) []byte { return tarOf(append(healthy(), more...)...) }

// A vector is an archive with the kinds of faults that must be found in it.
type vector struct {
	name  string
	kinds []codec.Kind
	bytes []byte
}

// hostileTars are archives wrong in one way each.
func hostileTars() []vector {
	good := with()
	long := strings.Repeat("x", 300)
	return []vector{
		{"path-escape", []codec.Kind{codec.PathEscape}, with(entry{name: "../../etc/cron.d/x", body: "x"})},
		{"path-escape-inside", []codec.Kind{codec.PathEscape}, with(entry{name: "checkpoint/../../x", body: "x"})},
		{"absolute-name", []codec.Kind{codec.AbsoluteName}, with(entry{name: "/root/.ssh/authorized_keys", body: "x"})},
		{"symlink-escape", []codec.Kind{codec.LinkEscape}, with(entry{name: "checkpoint/pages-1.img", typ: tar.TypeSymlink, link: "/etc/shadow"})},
		{"symlink-escape-by-steps", []codec.Kind{codec.LinkEscape}, with(
			entry{name: "checkpoint/a", typ: tar.TypeSymlink, link: ".."},
			entry{name: "checkpoint/b", typ: tar.TypeSymlink, link: "a/../x"})},
		{"hardlink-escape", []codec.Kind{codec.LinkEscape}, with(entry{name: "checkpoint/pages-1.img", typ: tar.TypeLink, link: "../../etc/shadow"})},
		{"symlink-dangling", []codec.Kind{codec.DanglingLink}, with(entry{name: "checkpoint/parent", typ: tar.TypeSymlink, link: "../0"})},
		{"symlink-circle", []codec.Kind{codec.DanglingLink}, with(
			entry{name: "checkpoint/a", typ: tar.TypeSymlink, link: "b"}, entry{name: "checkpoint/b", typ: tar.TypeSymlink, link: "a"})},
		{"hardlink-dangling", []codec.Kind{codec.DanglingLink}, with(entry{name: "checkpoint/pages-1.img", typ: tar.TypeLink, link: "checkpoint/none"})},
		{"below-symlink", []codec.Kind{codec.BelowLink}, with(
			entry{name: "checkpoint/x", typ: tar.TypeSymlink, link: "."}, entry{name: "checkpoint/x/y", body: "x"})},
		{"below-file", []codec.Kind{codec.BelowLink}, with(entry{name: "checkpoint/pstree.img/x", body: "x"})},
		{"block-device", []codec.Kind{codec.SpecialMember}, with(entry{name: "checkpoint/pages-1.img", typ: tar.TypeBlock, change: func(h *tar.Header) { h.Devmajor = 8 }})},
		{"char-device", []codec.Kind{codec.SpecialMember}, with(entry{name: "checkpoint/pages-1.img", typ: tar.TypeChar, change: func(h *tar.Header) { h.Devmajor, h.Devminor = 1, 5 }})},
		{"fifo", []codec.Kind{codec.SpecialMember}, with(entry{name: "checkpoint/pages-1.img", typ: tar.TypeFifo})},
		{"duplicate", []codec.Kind{codec.DuplicateMember}, with(entry{name: "./checkpoint//pstree.img", body: "other"})},
		{"duplicate-of-folder", []codec.Kind{codec.DuplicateMember}, with(entry{name: "checkpoint", body: "a file"})},
		{"sparse", []codec.Kind{codec.SparseMember}, with(entry{raw: sparseMember()})},
		{"sparse-pax", []codec.Kind{codec.SparseMember}, with(entry{raw: paxMember("checkpoint/pages-1.img", map[string]string{
			"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "checkpoint/pages-1.img", "GNU.sparse.realsize": "9223372036854775807",
		}, "1\n0\n0\n"+strings.Repeat("\x00", 506))})},
		{"size-absurd", []codec.Kind{codec.MemberSize}, with(entry{raw: hugeMember()})},
		{"name-control", []codec.Kind{codec.BadName}, with(entry{name: "checkpoint/\x1b[2Jx", body: "x"})},
		{"name-not-utf8", []codec.Kind{codec.BadName}, with(entry{raw: rawMember("checkpoint/\xff\xfe", '0', "x")})},
		{"name-long", []codec.Kind{codec.BadName}, with(entry{name: "checkpoint/" + long, body: "x"})},
		{"unknown-member", []codec.Kind{codec.UnknownMember}, with(entry{name: "payload.sh", body: "#!/bin/sh\n"})},
		{"after-end", []codec.Kind{codec.AfterEnd}, append(with(), with()...)},
		{"cut-in-member", []codec.Kind{codec.NoEnd}, good[:len(good)-1024-512]},
		{"cut-between-members", []codec.Kind{codec.NoEnd}, good[:len(good)-1024]},
		{"pax-size", []codec.Kind{codec.AmbiguousHeader}, with(entry{raw: paxMember("checkpoint/pages-1.img", map[string]string{"size": "1024"}, strings.Repeat("x", 1024))})},
		{"pax-global", []codec.Kind{codec.AmbiguousHeader}, tarOf(append([]entry{{name: "pax_global_header", typ: tar.TypeXGlobalHeader, change: func(h *tar.Header) {
			*h = tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "g", PAXRecords: map[string]string{"path": "x"}}
		}}}, healthy()...)...)},
		{"folder-with-size", []codec.Kind{codec.AmbiguousHeader}, with(entry{raw: rawMember("checkpoint/d/", '5', strings.Repeat("x", 512))[:512]})},
		{"bad-checksum", []codec.Kind{codec.BadHeader}, with(entry{raw: func() []byte {
			b := rawMember("x", '0', "x")
			b[0] = 'y'
			return b
		}()})},
		{"config-cut", []codec.Kind{codec.BadDocument}, tarOf(append([]entry{{name: "config.dump", body: `{"id":`}}, healthy()[1:]...)...)},
		{"spec-not-json", []codec.Kind{codec.BadDocument}, tarOf(append([]entry{{name: "spec.dump", body: "\x00\x01"}, healthy()[0]}, healthy()[2:]...)...)},
		{"spec-twice-mounts", []codec.Kind{codec.AmbiguousDocument}, tarOf(append([]entry{{name: "spec.dump", body: `{"mounts":[{"source":"/"}],` + noSpec[1:len(noSpec)-1] + `,"mounts":[]}`}, healthy()[0]}, healthy()[2:]...)...)},
		{"spec-mounts-in-capitals", []codec.Kind{codec.AmbiguousDocument}, tarOf(append([]entry{{name: "spec.dump", body: `{"mounts":[{"source":"/","destination":"/host","type":"bind"}],` + noSpec[1:len(noSpec)-1] + `,"Mounts":[]}`}, healthy()[0]}, healthy()[2:]...)...)},
		{"network-in-capitals", []codec.Kind{codec.AmbiguousDocument}, with(entry{name: "network.status", body: `{"podman":{"Interfaces":{"eth0":{"mac_address":"02:00:00:00:00:01"}}}}`})},
		{"spec-missing", []codec.Kind{codec.MissingDocument}, tarOf(append(healthy()[:1:1], healthy()[2:]...)...)},
		{"config-null", []codec.Kind{codec.MissingDocument}, tarOf(append([]entry{{name: "config.dump", body: "null\n"}}, healthy()[1:]...)...)},
		{"no-images", []codec.Kind{codec.Missing}, tarOf(healthy()[:2]...)},
		{"bomb-zstd", []codec.Kind{codec.Bomb}, zeroBomb()},
		{"gzip-cut", []codec.Kind{codec.Truncated}, func() []byte { b := gzipped(good); return b[:len(b)-6] }()},
		{"rootfs-cut", []codec.Kind{codec.NoEnd}, with(entry{name: "rootfs-diff.tar", body: string(tarOf(entry{name: "a", body: strings.Repeat("x", 600)})[:1000])})},
		{"healthy", nil, good},
		{"healthy-dots", nil, tarOf(dotted(healthy())...)},
		{"healthy-gnu", nil, tarOf(inFormat(tar.FormatGNU, healthy())...)},
		{"healthy-pre-checkpoint", nil, tarOf(append(healthy()[:2:2], entry{name: "pre-checkpoint/pstree.img", body: pstree})...)},
		{"healthy-parent", nil, with(entry{name: "pre-checkpoint/pstree.img", body: pstree}, entry{name: "checkpoint/parent", typ: tar.TypeSymlink, link: "../pre-checkpoint"})},
		{"healthy-links-upward", nil, with(
			entry{name: "checkpoint/a", typ: tar.TypeSymlink, link: ".."}, entry{name: "checkpoint/b", typ: tar.TypeSymlink, link: ".."})},
		{"healthy-rootfs-gzip", nil, with(entry{name: "rootfs-diff.tar", body: string(gzipped(tarOf(entry{name: "a", body: "x"})))})},
	}
}

// dotted begins names with "./" and has a member for that.
func dotted(entries []entry) []entry {
	out := []entry{{name: "./", typ: tar.TypeDir}}
	for _, e := range entries {
		e.name = "./" + e.name
		out = append(out, e)
	}
	return out
}

func inFormat(f tar.Format, entries []entry) []entry {
	for i := range entries {
		entries[i].change = func(h *tar.Header) { h.Format = f }
	}
	return entries
}

// seal puts the checksum into a header.
func seal(h []byte) {
	copy(h[148:156], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

// rawMember is a member as ustar has it, whatever its name.
func rawMember(name string, typ byte, body string) []byte {
	b := make([]byte, 512+(len(body)+511)/512*512)
	copy(b, name)
	copy(b[100:], "0000644\x000000000\x000000000\x00"+fmt.Sprintf("%011o", len(body))+"\x0000000000000\x00")
	b[156] = typ
	copy(b[257:], "ustar\x0000")
	copy(b[512:], body)
	seal(b[:512])
	return b
}

// paxMember is a member whose header says that it is empty, and whose pax
// records say what they like.
func paxMember(name string, records map[string]string, body string) []byte {
	var text strings.Builder
	keys := make([]string, 0, len(records))
	for k := range records {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		rest := " " + k + "=" + records[k] + "\n"
		n := len(rest) + 2
		for n != len(fmt.Sprint(n))+len(rest) {
			n++
		}
		fmt.Fprintf(&text, "%d%s", n, rest)
	}
	member := rawMember(name, '0', body)
	if _, ok := records["size"]; ok {
		copy(member[124:], "00000000000")
		seal(member[:512])
	}
	return append(rawMember("pax", 'x', text.String()), member...)
}

// sparseMember is one of the old GNU format, which claims 8 EiB of nothing.
func sparseMember() []byte {
	b := rawMember("checkpoint/pages-1.img", 'S', "")
	copy(b[257:], "ustar  \x00")
	copy(b[386:], "00000000000\x0000000000000\x00")
	copy(b[483:], "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff")
	seal(b[:512])
	return b
}

// hugeMember claims 2 EiB.
func hugeMember() []byte {
	b := rawMember("checkpoint/pages-1.img", '0', "")
	copy(b[124:], "\x80\x00\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00")
	seal(b[:512])
	return b
}

// zeroBomb is a zstd frame of blocks that repeat one byte (RFC 8878, 3.1.1.2):
// the header of a member, then 288 MiB of zeroes.
func zeroBomb() []byte {
	first := tarOf(entry{name: "checkpoint/pages-1.img", body: ""})[:512]
	copy(first[124:], "02200000000\x00") // 288 MiB
	seal(first)
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0x38} // window of 128 KiB
	block := func(typ, size, last int, data ...byte) {
		h := size<<3 | typ<<1 | last
		b = append(append(b, byte(h), byte(h>>8), byte(h>>16)), data...)
	}
	block(0, 512, 0, first...)
	for range 2304 {
		block(1, 128<<10, 0, 0)
	}
	block(0, 0, 1)
	return b
}

// blobs are the files of a layout.
type blobs map[string]string

func (l blobs) add(b []byte) (digestOf string, size int) {
	d := digest(b)
	l["blobs/sha256/"+strings.TrimPrefix(d, "sha256:")] = string(b)
	return d, len(b)
}

func desc(kind, digest string, size int, more string) string {
	return fmt.Sprintf(`{"mediaType":"application/vnd.oci.%s","digest":%q,"size":%d%s}`, kind, digest, size, more)
}

const (
	layerType    = "image.layer.v1.tar+gzip"
	manifestType = "image.manifest.v1+json"
	indexType    = "image.index.v1+json"
)

// image adds a manifest with one layer, described by layer.
func (l blobs) image(layer string) string {
	config, size := l.add([]byte(`{"architecture":"amd64","os":"linux"}`))
	m := fmt.Sprintf(`{"schemaVersion":2,"config":%s,"layers":[%s],"annotations":{"org.criu.checkpoint.engine.name":"podman"}}`,
		desc("image.config.v1+json", config, size, ""), layer)
	d, n := l.add([]byte(m))
	return desc(manifestType, d, n, "")
}

// tar packs a layout with an index of manifests.
func (l blobs) tar(manifests ...string) []byte {
	l["oci-layout"] = `{"imageLayoutVersion":"1.0.0"}`
	l["index.json"] = `{"schemaVersion":2,"manifests":[` + strings.Join(manifests, ",") + `]}`
	var entries []entry
	for name, body := range l {
		entries = append(entries, entry{name: name, body: body})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return tarOf(entries...)
}

// oneLayer is a layout whose layer is described by describe.
func oneLayer(layer []byte, describe func(digest string, size int) string) []byte {
	l := blobs{}
	return l.tar(l.image(describe(l.add(layer))))
}

func hostileLayouts() []vector {
	layer := gzipped(with())
	right := func(d string, n int) string { return desc(layerType, d, n, "") }
	one := func(describe func(d string, n int) string) []byte { return oneLayer(layer, describe) }
	nested := func(levels int) []byte {
		l := blobs{}
		m := l.image(right(l.add(layer)))
		for range levels {
			d, n := l.add([]byte(`{"schemaVersion":2,"manifests":[` + m + `]}`))
			m = desc(indexType, d, n, "")
		}
		return l.tar(m)
	}
	return []vector{
		{"oci-digest", []codec.Kind{codec.BadDigest}, bytes.Replace(one(right), []byte(`amd64`), []byte(`arm64`), 1)},
		{"oci-size", []codec.Kind{codec.BlobSize}, one(func(d string, n int) string { return desc(layerType, d, n+1, "") })},
		{"oci-blob-missing", []codec.Kind{codec.MissingBlob, codec.BadMagic}, one(func(string, int) string { return desc(layerType, digest(nil), 0, "") })},
		{"oci-foreign-url", []codec.Kind{codec.ForeignLayer}, one(func(d string, n int) string { return desc(layerType, d, n, `,"urls":["https://evil.example/layer"]`) })},
		{"oci-nondistributable", []codec.Kind{codec.ForeignLayer}, one(func(d string, n int) string { return desc("image.layer.nondistributable.v1.tar+gzip", d, n, "") })},
		{"oci-index-recursive", []codec.Kind{codec.RecursiveIndex, codec.Missing}, nested(5)},
		{"oci-digest-is-path", []codec.Kind{codec.BadDescriptor, codec.BadMagic}, one(func(_ string, n int) string { return desc(layerType, "sha256:../../../etc/passwd", n, "") })},
		{"oci-digest-unknown", []codec.Kind{codec.BadDescriptor, codec.BadMagic}, one(func(_ string, n int) string { return desc(layerType, "md5:d41d8cd98f00b204e9800998ecf8427e", n, "") })},
		{"oci-media-type", []codec.Kind{codec.BadDescriptor}, one(func(d string, n int) string { return desc("something", d, n, "") })},
		{"oci-two-images", []codec.Kind{codec.ManyImages}, func() []byte {
			l := blobs{}
			m := l.image(right(l.add(layer)))
			other := l.image(right(l.add(gzipped(with(entry{name: "dump.log"})))))
			return l.tar(m, other)
		}()},
		{"oci-index-not-json", []codec.Kind{codec.BadDocument, codec.Missing}, func() []byte {
			return tarOf(entry{name: "index.json", body: "{"}, entry{name: "oci-layout", body: "{}"})
		}()},
		{"oci-layers-in-capitals", []codec.Kind{codec.AmbiguousDocument}, one(func(d string, n int) string {
			return strings.Replace(right(d, n), `"digest"`, `"digest":"sha256:00","Digest"`, 1)
		})},
		{"oci-layer-escape", []codec.Kind{codec.PathEscape}, oneLayer(gzipped(with(entry{name: "../x", body: "x"})), right)},
		{"oci-healthy", nil, one(right)},
		{"oci-healthy-nested", nil, nested(2)},
	}
}

func allVectors() []vector { return append(hostileTars(), hostileLayouts()...) }

// TestVectors compares each archive with its file and what is found in it with
// what must be, read at random, as a stream and compressed.
func TestVectors(t *testing.T) {
	expect := map[string][]codec.Kind{}
	for _, v := range allVectors() {
		if _, ok := expect[v.name]; ok {
			t.Fatalf("%s occurs twice", v.name)
		}
		slices.Sort(v.kinds)
		expect[v.name] = slices.Concat([]codec.Kind{}, v.kinds)
		t.Run(v.name, func(t *testing.T) {
			vectorFiles.Check(t, filepath.Join(vectorDir, v.name+".tar"), v.bytes)
			for _, form := range []struct {
				name   string
				bytes  []byte
				stream bool
			}{{"at random", v.bytes, false}, {"as a stream", v.bytes, true}, {"compressed", zstded(v.bytes), false}} {
				f, err := openBytes(t, form.bytes, form.stream, codec.Limits{})
				want := []string{}
				for _, k := range v.kinds {
					want = append(want, string(k))
				}
				got := append([]string{}, kinds(f, err)...)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s\n%v", form.name, diff, err)
				}
			}
		})
	}
	b, err := json.MarshalIndent(expect, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	vectorFiles.Check(t, filepath.Join(vectorDir, "expect.json"), append(b, '\n'))
}
