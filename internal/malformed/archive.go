package malformed

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// member is a member of an archive.
type member struct {
	name, body string
	// typ is that of a regular file if zero; link its target.
	typ  byte
	link string
	// change is done to the header; raw stands instead of all.
	change func(h *tar.Header)
	raw    []byte
}

// tarOf packs members.
func tarOf(members ...member) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		if m.raw != nil {
			w.Flush() //nolint:errcheck // into memory
			b.Write(m.raw)
			continue
		}
		h := &tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.body)), Typeflag: m.typ, Linkname: m.link, Format: tar.FormatPAX}
		if m.typ == 0 {
			h.Typeflag = tar.TypeReg
		}
		if m.change != nil {
			m.change(h)
		}
		if err := w.WriteHeader(h); err != nil {
			panic(err) // a mistake in a table
		}
		io.WriteString(w, m.body) //nolint:errcheck // into memory
	}
	w.Close() //nolint:errcheck // into memory
	return b.Bytes()
}

func gzipOf(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b) //nolint:errcheck // into memory
	w.Close()  //nolint:errcheck // into memory
	return out.Bytes()
}

// The documents of a checkpoint that nothing is wrong with.
const (
	goodConfig = `{"id":"0fc369d6","name":"web","rootfsImageName":"registry.example/web@sha256:0000000000000000000000000000000000000000000000000000000000000000"}`
	goodSpec   = `{"ociVersion":"1.0.2","linux":{"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"network"}]}}`
)

// checkpoint is a container's checkpoint around an image of CRIU.
type checkpoint struct {
	images []member
}

// whole are the members of one that nothing is wrong with.
func (c checkpoint) whole() []member { return c.documents(goodConfig, goodSpec) }

func (c checkpoint) documents(config, spec string) []member {
	return slices.Concat([]member{
		{name: "config.dump", body: config}, {name: "spec.dump", body: spec}, {name: "checkpoint/", typ: tar.TypeDir},
	}, c.images)
}

// with has more members.
func (c checkpoint) with(more ...member) []byte { return tarOf(slices.Concat(c.whole(), more)...) }

// without lacks the members of a name.
func (c checkpoint) without(name string) []byte {
	return tarOf(slices.DeleteFunc(c.whole(), func(m member) bool { return m.name == name })...)
}

// spec replaces parts of the document that says how the container is run.
func (c checkpoint) spec(change func(spec, linux map[string]any)) []byte {
	var spec map[string]any
	if err := json.Unmarshal([]byte(goodSpec), &spec); err != nil {
		panic(err) // a constant
	}
	change(spec, spec["linux"].(map[string]any))
	b, err := json.Marshal(spec)
	if err != nil {
		panic(err) // of a table
	}
	return tarOf(c.documents(goodConfig, string(b))...)
}

// config replaces fields of the document that says what the container is.
func (c checkpoint) config(fields map[string]any) []byte {
	var config map[string]any
	if err := json.Unmarshal([]byte(goodConfig), &config); err != nil {
		panic(err) // a constant
	}
	maps.Copy(config, fields)
	b, err := json.Marshal(config)
	if err != nil {
		panic(err) // of a table
	}
	return tarOf(c.documents(string(b), goodSpec)...)
}

// archiveFault is a faulty archive.
type archiveFault struct {
	fault
	make func(c checkpoint) []byte
}

func makeArchives(w *workshop) {
	base, ok := w.bases[criuThreads]
	if !ok {
		w.errs = append(w.errs, fmt.Errorf("there is no base %s", criuThreads))
		return
	}
	var c checkpoint
	for _, f := range base.Files {
		c.images = append(c.images, member{name: "checkpoint/" + f.Name, body: string(f.Data)})
	}
	for _, table := range [][]archiveFault{archiveMembers, archiveHeaders(), archiveEnds, archiveContainers, archiveLayouts} {
		for _, f := range table {
			w.addFile(formatArchive, f.fault, criuThreads, ".tar", f.make(c))
		}
	}
}

// plus are archives with more members.
func plus(more ...member) func(checkpoint) []byte {
	return func(c checkpoint) []byte { return c.with(more...) }
}

func device(major, minor int64) func(*tar.Header) {
	return func(h *tar.Header) { h.Devmajor, h.Devminor = major, minor }
}

// archiveMembers are faults of names, links and kinds of members.
var archiveMembers = []archiveFault{
	{fault{"path-escape", "a name that leads out of the archive", "member ../../etc/cron.d/x", "A001"}, plus(member{name: "../../etc/cron.d/x", body: "x"})},
	{fault{"path-escape-inside", "a name that leads out of the archive from inside", "member checkpoint/../../x", "A001"}, plus(member{name: "checkpoint/../../x", body: "x"})},
	{fault{"path-up-and-back", "a name with .. that stays inside", "member checkpoint/../x.log", "A001"}, plus(member{name: "checkpoint/../x.log", body: "x"})},
	{fault{"absolute-name", "a name that begins at the root", "member /root/.ssh/authorized_keys", "A002"}, plus(member{name: "/root/.ssh/authorized_keys", body: "x"})},
	{fault{"symlink-escape", "a symbolic link that leads out of the archive", "member checkpoint/pages-9.img", "A003"}, plus(member{name: "checkpoint/pages-9.img", typ: tar.TypeSymlink, link: "/etc/shadow"})},
	{fault{"symlink-escape-relative", "a symbolic link that leads out of the archive by ..", "member checkpoint/pages-9.img", "A003"}, plus(member{name: "checkpoint/pages-9.img", typ: tar.TypeSymlink, link: "../../etc/shadow"})},
	{fault{"symlink-escape-by-steps", "two symbolic links that together lead out of the archive", "members checkpoint/a and b", "A003"}, plus(
		member{name: "checkpoint/a", typ: tar.TypeSymlink, link: ".."}, member{name: "checkpoint/b", typ: tar.TypeSymlink, link: "a/../x"})},
	{fault{"hardlink-escape", "a hard link that leads out of the archive", "member checkpoint/pages-9.img", "A003"}, plus(member{name: "checkpoint/pages-9.img", typ: tar.TypeLink, link: "../../etc/shadow"})},
	{fault{"hardlink-absolute", "a hard link to a file of the host", "member checkpoint/pages-9.img", "A003"}, plus(member{name: "checkpoint/pages-9.img", typ: tar.TypeLink, link: "/etc/shadow"})},
	{fault{"symlink-dangling", "a symbolic link to nowhere", "member checkpoint/parent", "A004"}, plus(member{name: "checkpoint/parent", typ: tar.TypeSymlink, link: "../0"})},
	{fault{"symlink-circle", "two symbolic links to each other", "members checkpoint/a and b", "A004"}, plus(
		member{name: "checkpoint/a", typ: tar.TypeSymlink, link: "b"}, member{name: "checkpoint/b", typ: tar.TypeSymlink, link: "a"})},
	{fault{"hardlink-dangling", "a hard link to nowhere", "member checkpoint/pages-9.img", "A004"}, plus(member{name: "checkpoint/pages-9.img", typ: tar.TypeLink, link: "checkpoint/none"})},
	{fault{"below-symlink", "a member that is written through a symbolic link", "member checkpoint/x/y", "A005"}, plus(
		member{name: "checkpoint/x", typ: tar.TypeSymlink, link: "."}, member{name: "checkpoint/x/y", body: "x"})},
	{fault{"below-file", "a member below a file", "member checkpoint/pstree.img/x", "A005"}, plus(member{name: "checkpoint/pstree.img/x", body: "x"})},
	{fault{"block-device", "a disk", "member checkpoint/pages-9.img", "A006"}, plus(member{name: "checkpoint/pages-9.img", typ: tar.TypeBlock, change: device(8, 0)})},
	{fault{"char-device", "a device", "member checkpoint/pages-9.img", "A006"}, plus(member{name: "checkpoint/pages-9.img", typ: tar.TypeChar, change: device(1, 5)})},
	{fault{"fifo", "a FIFO, which a reader would wait for", "member checkpoint/pages-9.img", "A006"}, plus(member{name: "checkpoint/pages-9.img", typ: tar.TypeFifo})},
	{fault{"duplicate", "a member twice, with other contents", "member checkpoint/pstree.img", "A007"}, plus(member{name: "checkpoint/pstree.img", body: "other"})},
	{fault{"duplicate-other-name", "a member twice, by another form of its name", "member ./checkpoint//pstree.img", "A007"}, plus(member{name: "./checkpoint//pstree.img", body: "other"})},
	{fault{"duplicate-of-folder", "a file by the name of a folder", "member checkpoint", "A007"}, plus(member{name: "checkpoint", body: "a file"})},
	{fault{"name-control", "a name that writes to terminals", "member checkpoint/ESC[2Jx", "A012"}, plus(member{name: "checkpoint/\x1b[2Jx", body: "x"})},
	{fault{"name-not-utf8", "a name that is no text", "member checkpoint/ff fe", "A012"}, plus(member{raw: rawMember("checkpoint/\xff\xfe", '0', "x")})},
	{fault{"name-long", "a name with a part of 300 bytes", "member checkpoint/xxx…", "A012"}, plus(member{name: "checkpoint/" + strings.Repeat("x", 300), body: "x"})},
	{fault{"unknown-member", "a member that no engine writes", "member payload.sh", "A013"}, plus(member{name: "payload.sh", body: "#!/bin/sh\n"})},
	{fault{"config-cut", "a document that is cut off", "member config.dump", "A027"}, func(c checkpoint) []byte { return tarOf(c.documents(`{"id":`, goodSpec)...) }},
	{fault{"config-array", "a document that is an array", "member config.dump", "A027"}, func(c checkpoint) []byte { return tarOf(c.documents(`[]`, goodSpec)...) }},
	{fault{"config-deep", "a document of a hundred thousand arrays inside each other", "member config.dump", "A027"}, func(c checkpoint) []byte {
		return tarOf(c.documents(`{"id":`+strings.Repeat("[", 100000)+strings.Repeat("]", 100000)+`}`, goodSpec)...)
	}},
	{fault{"spec-not-json", "a document that is no JSON", "member spec.dump", "A027"}, func(c checkpoint) []byte { return tarOf(c.documents(goodConfig, "\x00\x01")...) }},
	{fault{"no-images", "a checkpoint without its image", "archive", "F009"}, func(c checkpoint) []byte {
		return tarOf(c.whole()[:2]...)
	}},
	{fault{"no-pstree", "a checkpoint whose image lacks the processes", "member checkpoint/pstree.img", "F009"}, func(c checkpoint) []byte { return c.without("checkpoint/pstree.img") }},
	{fault{"no-inventory", "a checkpoint whose image lacks the inventory", "member checkpoint/inventory.img", "F009"}, func(c checkpoint) []byte { return c.without("checkpoint/inventory.img") }},
	{fault{"no-pages", "a checkpoint whose image lacks the pages", "member checkpoint/pages-1.img", "F009"}, func(c checkpoint) []byte { return c.without("checkpoint/pages-1.img") }},
	{fault{"pages-cut", "a checkpoint whose pages are cut off", "member checkpoint/pages-1.img", "F003"}, func(c checkpoint) []byte {
		list := c.whole()
		i := slices.IndexFunc(list, func(m member) bool { return m.name == "checkpoint/pages-1.img" })
		list[i].body = list[i].body[:pageSize]
		return tarOf(list...)
	}},
}
