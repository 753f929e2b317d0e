package malformed

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// archiveContainers are faults of what the documents and changes of a container
// ask of its host.
var archiveContainers = []archiveFault{
	{fault{"deleted-traversal", "a list of deleted files with a name that leads to the host", "member deleted.files", "A040"}, plus(member{name: "deleted.files", body: `["/../../../etc/passwd"]`})},
	{fault{"deleted-not-json", "a list of deleted files that is no JSON", "member deleted.files", "A027"}, plus(member{name: "deleted.files", body: `[`})},
	{fault{"rootfs-traversal", "a changed file with a name that leads to the host", "rootfs-diff.tar, member ../../etc/x", "A041"}, plus(rootfs(member{name: "../../etc/x", body: "x"}))},
	{fault{"rootfs-hard-link", "a changed file that is a hard link to one of the host", "rootfs-diff.tar, member x", "A041"}, plus(rootfs(member{name: "x", typ: tar.TypeLink, link: "../../etc/shadow"}))},
	{fault{"rootfs-below-link", "a changed file below a symbolic link", "rootfs-diff.tar, member x/y", "A042"}, plus(rootfs(
		member{name: "x", typ: tar.TypeSymlink, link: "/etc"}, member{name: "x/passwd", body: "x"}))},
	{fault{"rootfs-disk", "a changed file that is a disk", "rootfs-diff.tar, member dev/sda", "A043"}, plus(rootfs(member{name: "dev/sda", typ: tar.TypeBlock, change: device(8, 0)}))},
	{fault{"rootfs-setuid", "a changed file that runs as root", "rootfs-diff.tar, member bin/su", "A044"}, plus(rootfs(member{name: "bin/su", body: "x", change: func(h *tar.Header) { h.Mode = 0o4755 }}))},
	{fault{"rootfs-cut", "changed files that are cut off", "rootfs-diff.tar", "A015"}, plus(member{name: "rootfs-diff.tar", body: string(tarOf(member{name: "a", body: strings.Repeat("x", 600)})[:1000])})},
	{fault{"rootfs-bomb", "changed files of 288 MiB in ten KiB", "rootfs-diff.tar", "A009"}, plus(member{name: "rootfs-diff.tar", body: string(zeroBomb("a"))})},
	{fault{"mount-host-etc", "a mount of the host's /etc", "spec.dump, mounts", "A081"}, mounts("/etc", "/mnt")},
	{fault{"mount-host-root", "a mount of the host's root", "spec.dump, mounts", "A081"}, mounts("/", "/host")},
	{fault{"mount-beside-engine", "a mount that leads out of the engine's folder by ..", "spec.dump, mounts", "A081"}, mounts("/var/lib/containers/../../../etc", "/mnt")},
	{fault{"mount-to-host", "a mount to a place that leads to the host", "spec.dump, mounts", "A046"}, mounts("/var/lib/containers/storage/x", "/../../etc")},
	{fault{"capability-sys-admin", "the right to administer the system", "spec.dump, capabilities", "A047"}, func(c checkpoint) []byte {
		return c.spec(func(spec, _ map[string]any) {
			spec["process"] = map[string]any{"capabilities": map[string]any{"bounding": []string{"CAP_SYS_ADMIN"}}}
		})
	}},
	{fault{"annotation-device", "an annotation that attaches a device", "spec.dump, annotations", "A048"}, func(c checkpoint) []byte {
		return c.spec(func(spec, _ map[string]any) {
			spec["annotations"] = map[string]any{"cdi.k8s.io/x": "vendor.com/gpu=all"}
		})
	}},
	{fault{"image-by-tag", "an image that is named by its tag alone", "config.dump, rootfsImageName", "A049"}, func(c checkpoint) []byte {
		return c.config(map[string]any{"rootfsImageName": "registry.example/web:latest"})
	}},
	{fault{"hook", "a program to be run on the host", "spec.dump, hooks", "A050"}, func(c checkpoint) []byte {
		return c.spec(func(spec, _ map[string]any) {
			spec["hooks"] = map[string]any{"prestart": []any{map[string]any{"path": "/bin/sh"}}}
		})
	}},
	{fault{"host-network", "the host's network", "spec.dump, namespaces", "A051"}, func(c checkpoint) []byte {
		return c.spec(func(_, linux map[string]any) {
			linux["namespaces"] = []any{map[string]any{"type": "pid"}, map[string]any{"type": "mount"}, map[string]any{"type": "ipc"}}
		})
	}},
	{fault{"secret", "a password in the environment", "spec.dump, env", "A052"}, func(c checkpoint) []byte {
		return c.spec(func(spec, _ map[string]any) { spec["process"] = map[string]any{"env": []string{"DB_PASSWORD=x"}} })
	}},
	{fault{"id-is-path", "a container whose number is a path", "config.dump, id", "A053"}, func(c checkpoint) []byte {
		return c.config(map[string]any{"id": "../../../etc"})
	}},
	{fault{"device-disk", "a device of the host", "spec.dump, devices", "A054"}, func(c checkpoint) []byte {
		return c.spec(func(_, linux map[string]any) {
			linux["devices"] = []any{map[string]any{"path": "/dev/sda", "type": "b", "major": 8, "minor": 0}}
		})
	}},
}

func rootfs(members ...member) member {
	return member{name: "rootfs-diff.tar", body: string(tarOf(members...))}
}

func mounts(source, destination string) func(checkpoint) []byte {
	return func(c checkpoint) []byte {
		return c.spec(func(spec, _ map[string]any) {
			spec["mounts"] = []any{map[string]any{"source": source, "destination": destination, "type": "bind", "options": []string{"bind"}}}
		})
	}
}

// blobs are the files of an OCI layout.
type blobs map[string]string

func (l blobs) add(b []byte) (digest string, size int) {
	d := digestOf(b)
	l["blobs/sha256/"+d] = string(b)
	return "sha256:" + d, len(b)
}

// Media types of OCI (image specification 1.1, media-types).
const (
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
)

// describe is a descriptor.
func describe(mediaType, digest string, size int, more string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d%s}`, mediaType, digest, size, more)
}

// image adds a manifest with a layer that is described like this.
func (l blobs) image(layer string) string {
	config, size := l.add([]byte(`{"architecture":"amd64","os":"linux"}`))
	d, n := l.add(fmt.Appendf(nil, `{"schemaVersion":2,"config":%s,"layers":[%s],"annotations":{"org.criu.checkpoint.engine.name":"podman"}}`,
		describe(configType, config, size, ""), layer))
	return describe(manifestType, d, n, "")
}

// pack is the layout as an archive.
func (l blobs) pack(manifests ...string) []byte {
	l["oci-layout"] = `{"imageLayoutVersion":"1.0.0"}`
	l["index.json"] = `{"schemaVersion":2,"manifests":[` + strings.Join(manifests, ",") + `]}`
	members := make([]member, 0, len(l))
	for _, name := range slices.Sorted(maps.Keys(l)) {
		members = append(members, member{name: name, body: l[name]})
	}
	return tarOf(members...)
}

// layered is a layout with one layer, which is described as described says.
func layered(described func(digest string, size int) string) func(checkpoint) []byte {
	return func(c checkpoint) []byte {
		l := blobs{}
		return l.pack(l.image(described(l.add(gzipOf(c.with())))))
	}
}

// rightly describes a layer as it is.
func rightly(digest string, size int) string { return describe(layerType, digest, size, "") }

// indexed nests a layout's index so many times.
func indexed(levels int) func(checkpoint) []byte {
	return func(c checkpoint) []byte {
		l := blobs{}
		m := l.image(rightly(l.add(gzipOf(c.with()))))
		for range levels {
			d, n := l.add([]byte(`{"schemaVersion":2,"manifests":[` + m + `]}`))
			m = describe(indexType, d, n, "")
		}
		return l.pack(m)
	}
}

// archiveLayouts are faults of OCI image layouts around a checkpoint.
var archiveLayouts = []archiveFault{
	{fault{"oci-digest-config", "a blob that is not what its digest says", "configuration blob", "A020"}, func(c checkpoint) []byte {
		return bytes.Replace(layered(rightly)(c), []byte(`amd64`), []byte(`arm64`), 1)
	}},
	{fault{"oci-size-more", "a blob that is a byte shorter than its descriptor says", "layer, size", "A021"}, layered(func(d string, n int) string { return describe(layerType, d, n+1, "") })},
	{fault{"oci-size-less", "a blob that is a byte longer than its descriptor says", "layer, size", "A021"}, layered(func(d string, n int) string { return describe(layerType, d, n-1, "") })},
	{fault{"oci-size-negative", "a blob of a negative size", "layer, size", "A021"}, layered(func(d string, _ int) string { return describe(layerType, d, -1, "") })},
	{fault{"oci-blob-missing", "a blob that is not there", "layer, digest", "A022 F001"}, layered(func(string, int) string { return describe(layerType, "sha256:"+digestOf(nil), 0, "") })},
	{fault{"oci-foreign-url", "a layer to be fetched from elsewhere", "layer, urls", "A023"}, layered(func(d string, n int) string {
		return describe(layerType, d, n, `,"urls":["https://evil.example/layer"]`)
	})},
	{fault{"oci-nondistributable", "a layer of a type that is fetched from elsewhere", "layer, mediaType", "A023"}, layered(func(d string, n int) string {
		return describe("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", d, n, "")
	})},
	{fault{"oci-index-recursive", "indexes inside each other", "index", "A024 F009"}, indexed(5)},
	{fault{"oci-digest-is-path", "a digest that is a path", "layer, digest", "A025 F001"}, layered(func(_ string, n int) string { return describe(layerType, "sha256:../../../etc/passwd", n, "") })},
	{fault{"oci-digest-unknown", "a digest of an algorithm that is not known", "layer, digest", "A025 F001"}, layered(func(_ string, n int) string {
		return describe(layerType, "md5:d41d8cd98f00b204e9800998ecf8427e", n, "")
	})},
	{fault{"oci-digest-short", "a digest that is too short", "layer, digest", "A025 F001"}, layered(func(_ string, n int) string { return describe(layerType, "sha256:00", n, "") })},
	{fault{"oci-media-type", "a layer of a type that does not exist", "layer, mediaType", "A025"}, layered(func(d string, n int) string { return describe("something", d, n, "") })},
	{fault{"oci-index-not-json", "an index that is no JSON", "index.json", "A027 F009"}, func(checkpoint) []byte {
		return tarOf(member{name: "index.json", body: "{"}, member{name: "oci-layout", body: "{}"})
	}},
	{fault{"oci-no-manifests", "an index of nothing", "index.json", "F009"}, func(checkpoint) []byte { return blobs{}.pack() }},
	{fault{"oci-manifest-not-json", "a manifest that is no JSON", "manifest", "A027 F009"}, func(checkpoint) []byte {
		l := blobs{}
		d, n := l.add([]byte("{"))
		return l.pack(describe(manifestType, d, n, ""))
	}},
	{fault{"oci-layer-escape", "a layer with a name that leads out of it", "layer, member ../x", "A001"}, func(c checkpoint) []byte {
		l := blobs{}
		return l.pack(l.image(rightly(l.add(gzipOf(c.with(member{name: "../x", body: "x"}))))))
	}},
	{fault{"oci-layer-cut", "a layer whose compressed data end early", "layer", "F003 F009"}, func(c checkpoint) []byte {
		l := blobs{}
		b := gzipOf(c.with())
		return l.pack(l.image(rightly(l.add(b[:len(b)/2]))))
	}},
	{fault{"oci-layer-not-gzip", "a layer that is not compressed as its type says", "layer", "A015 F001"}, func(c checkpoint) []byte {
		l := blobs{}
		return l.pack(l.image(rightly(l.add([]byte("not compressed")))))
	}},
	{fault{"oci-two-images", "two checkpoints in one layout", "index.json", "A026"}, func(c checkpoint) []byte {
		l := blobs{}
		first := l.image(rightly(l.add(gzipOf(c.with()))))
		return l.pack(first, l.image(rightly(l.add(gzipOf(c.with(member{name: "dump.log"}))))))
	}},
}
