package archive_test

import (
	"archive/tar"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// checkpointOf packs documents beside an image.
func checkpointOf(documents map[string]string) []byte {
	entries := []entry{{name: "checkpoint/pstree.img", body: pstree}}
	for _, name := range []string{"config.dump", "spec.dump", "status.dump", "status", "network.status", "deleted.files", "bind.mounts", "rootfs-diff.tar", "volumes/v.tar"} {
		if body, ok := documents[name]; ok {
			entries = append(entries, entry{name: name, body: body})
		}
	}
	return tarOf(entries...)
}

// TestEngines reads the documents of each engine, as its sources say that it
// writes them.
func TestEngines(t *testing.T) {
	volume := string(tarOf(entry{name: "f", body: "xy", change: func(h *tar.Header) {
		h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "c"}
	}}))
	for _, tt := range []struct {
		name      string
		documents map[string]string
		want      format.Container
	}{
		{"podman", map[string]string{
			"config.dump":    `{"id":"aa","name":"web","rootfsImageName":"localhost/bb:1","rootfsImageID":"5b","runtime":"/usr/bin/crun","createdTime":"2026-11-21T18:30:44.5Z","checkpointedTime":"2026-11-21T18:30:50Z","privileged":true,"pod":"bb"}`,
			"spec.dump":      `{"process":{"args":["sh"],"user":{"uid":5,"gid":6},"capabilities":{"bounding":["CAP_KILL"]}},"root":{"path":"/r","readonly":true},"hooks":{"poststop":[{"path":"/b"}],"createRuntime":[{"path":"/a","args":["a","b"]}]},"annotations":{"z":"1","io.container.manager":"libpod"},"linux":{"cgroupsPath":"/x","devices":[{"path":"/dev/fuse","type":"c","major":10,"minor":229}],"namespaces":[{"type":"pid","path":"/run/p"}]}}`,
			"network.status": `{"podman":{"interfaces":{"eth0":{"subnets":[{"ipnet":"10.88.0.2/16","gateway":"10.88.0.1"}],"mac_address":"x"}}}}`,
			"deleted.files":  `["/bin/x","/etc/y"]`,
		}, format.Container{
			ID: "aa", Name: "web", Engine: "podman", Image: "localhost/bb:1", ImageDigest: "5b", Runtime: "/usr/bin/crun", Pod: "bb", Privileged: true,
			Created: 1795285844500000000, Checkpointed: 1795285850000000000, IP: "10.88.0.2", Args: []string{"sh"}, User: "5:6",
			Capabilities: []string{"CAP_KILL"}, Root: "/r", RootReadonly: true, CgroupsPath: "/x",
			Namespaces:  []format.ContainerNS{{Type: "pid", Path: "/run/p"}},
			Devices:     []format.ContainerDevice{{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229}},
			Hooks:       []format.ContainerHook{{When: "createRuntime", Path: "/a", Args: []string{"a", "b"}}, {When: "poststop", Path: "/b"}},
			Annotations: []format.Annotation{{Key: "io.container.manager", Value: "libpod"}, {Key: "z", Value: "1"}},
			Deleted:     []string{"/bin/x", "/etc/y"},
			Confinement: &format.Confinement{},
			Orders: format.ContainerOrders{
				Images:   []format.Annotation{{Key: "rootfsImageName", Value: "localhost/bb:1"}, {Key: "rootfsImageID", Value: "5b"}},
				Networks: []format.ContainerNetwork{{Name: "podman", Interface: "eth0", MAC: "x", Addresses: []string{"10.88.0.2/16"}}},
			},
		}},
		{"podman's orders", map[string]string{
			"config.dump": `{"exitCommand":["/usr/bin/podman","container","cleanup","aa"],"rootfs":"/r","logPath":"/l","mounts":["/m"],"netNsCtr":"cc","Dependencies":["dd"],
				"namedVolumes":[{"volumeName":"v","dest":"/v","options":["rw"]}],"overlayVolumes":[{"dest":"/o","source":"/s"}]}`,
			"spec.dump": `{"process":{"apparmorProfile":"p","selinuxLabel":"s","rlimits":[{"type":"RLIMIT_CORE","hard":2,"soft":1}],
				"capabilities":{"bounding":["CAP_KILL"],"effective":["CAP_KILL","CAP_BPF"],"ambient":["CAP_BPF"]}},
				"linux":{"maskedPaths":["/a"],"readonlyPaths":["/b"],"uidMappings":[{"containerID":0,"hostID":1,"size":2}],"gidMappings":[{"containerID":3,"hostID":4,"size":5}],
				"sysctl":{"net.x":"1"},"rootfsPropagation":"shared","seccomp":{"defaultAction":"SCMP_ACT_ERRNO"},"resources":{"devices":[{"allow":true,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":3}]}}}`,
			"network.status": `{"none":null,"podman":{"interfaces":{"a":{"mac_address":"m"},"b":5}}}`,
			"volumes/v.tar":  volume,
		}, format.Container{
			Capabilities: []string{"CAP_KILL"}, User: "0:0",
			Mounts: []format.ContainerMount{{Destination: "/o", Type: "bind", Source: "/s"}},
			Confinement: &format.Confinement{
				Seccomp: "SCMP_ACT_ERRNO", AppArmor: "p", SELinux: "s", MaskedPaths: []string{"/a"}, ReadonlyPaths: []string{"/b"}, Capabilities: []string{"CAP_BPF"},
				UIDMaps: []format.ContainerIDMap{{Host: 1, Size: 2}}, GIDMaps: []format.ContainerIDMap{{Container: 3, Host: 4, Size: 5}},
				Rlimits: []format.ContainerRlimit{{Type: "RLIMIT_CORE", Hard: 2, Soft: 1}}, Sysctls: []format.Annotation{{Key: "net.x", Value: "1"}}, Propagation: "shared",
				DeviceRules: []format.ContainerDeviceRule{{Allow: true, Major: -1, Minor: -1, Access: "rwm"}, {Allow: true, Type: "c", Major: 1, Minor: 3}},
			},
			Orders: format.ContainerOrders{
				ExitCommand: []string{"/usr/bin/podman", "container", "cleanup", "aa"}, Rootfs: "/r",
				Files:    []format.Annotation{{Key: "logPath", Value: "/l"}, {Key: "mounts", Value: "/m"}},
				Joins:    []format.Annotation{{Key: "netNsCtr", Value: "cc"}, {Key: "Dependencies", Value: "dd"}},
				Volumes:  []format.ContainerVolume{{Name: "v", Destination: "/v", Options: []string{"rw"}}},
				Networks: []format.ContainerNetwork{{Name: "none"}, {Name: "podman", Interface: "a", MAC: "m"}, {Name: "podman", Interface: "b"}},
			},
			Layers: []format.ContainerLayer{{
				Name: "volumes/v.tar", Stored: 3072, Size: 2,
				Files: []format.ContainerFile{{Name: "f", Mode: 0o100644, Size: 2, XAttrs: []string{"security.capability"}}},
			}},
		}},
		{"cri-o", map[string]string{
			"config.dump": `{"id":"aa","name":"k8s_counter","rootfsImageName":"quay.io/x/counter:1","rootfsImageRef":"quay.io/x/counter@sha256:00","runtime":"runc"}`,
			"spec.dump":   `{"annotations":{"io.container.manager":"cri-o","io.kubernetes.cri-o.Created":"2026-11-21T18:30:44Z","io.kubernetes.cri-o.SandboxName":"pod-1","io.kubernetes.cri-o.IP.0":"10.0.0.7"}}`,
			"bind.mounts": `[{"source":"/etc/resolv.conf","destination":"/etc/resolv.conf","file_type":"file","permissions":420}]`,
		}, format.Container{
			ID: "aa", Name: "k8s_counter", Engine: "cri-o", Image: "quay.io/x/counter:1", ImageDigest: "quay.io/x/counter@sha256:00", Runtime: "runc",
			Created: 1795285844000000000, Pod: "pod-1", IP: "10.0.0.7",
			External: []format.ContainerMount{{Destination: "/etc/resolv.conf", Type: "file", Source: "/etc/resolv.conf"}},
			Orders: format.ContainerOrders{
				Images: []format.Annotation{{Key: "rootfsImageName", Value: "quay.io/x/counter:1"}, {Key: "rootfsImageRef", Value: "quay.io/x/counter@sha256:00"}},
			},
			Annotations: []format.Annotation{
				{Key: "io.container.manager", Value: "cri-o"},
				{Key: "io.kubernetes.cri-o.Created", Value: "2026-11-21T18:30:44Z"},
				{Key: "io.kubernetes.cri-o.IP.0", Value: "10.0.0.7"},
				{Key: "io.kubernetes.cri-o.SandboxName", Value: "pod-1"},
			},
		}},
		{"containerd", map[string]string{
			"config.dump": `{"id":"aa","name":"counter","rootfsImageName":"docker.io/library/counter:1","runtime":"io.containerd.runc.v2"}`,
			"status.dump": `{"CreatedAt":1795285844000000000,"StartedAt":1795285845000000000,"Pid":7}`,
			// containerd compresses it
			"rootfs-diff.tar": string(gzipped(tarOf(entry{name: "a", body: "xyz"}, entry{name: "b", typ: '2', link: "/c"}))),
		}, format.Container{
			ID: "aa", Name: "counter", Engine: "containerd", Image: "docker.io/library/counter:1", Runtime: "io.containerd.runc.v2",
			Created: 1795285844000000000, Started: 1795285845000000000,
			Changed: []format.ContainerFile{{Name: "a", Mode: 0o100644, Size: 3}, {Name: "b", Mode: 0o120644, Link: "/c"}},
			Layers:  []format.ContainerLayer{{Name: "rootfs-diff.tar", Stored: 114, Size: 3}},
			Orders:  format.ContainerOrders{Images: []format.Annotation{{Key: "rootfsImageName", Value: "docker.io/library/counter:1"}}},
		}},
		{"times out of range", map[string]string{
			"config.dump": `{"createdTime":"0001-01-01T00:00:00Z","checkpointedTime":"9999-01-01T00:00:00Z"}`,
			"status":      `{"CreatedAt":-5,"StartedAt":-9}`,
		}, format.Container{Engine: "containerd"}},
		{"null everywhere", map[string]string{
			"config.dump": "null", "spec.dump": "null", "network.status": "null", "deleted.files": "null", "bind.mounts": "null", "status.dump": "null",
		}, format.Container{Engine: "containerd"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := openBytes(t, checkpointOf(tt.documents), false, codec.Limits{})
			if err != nil || len(f.Faults) > 0 {
				t.Fatal(err, f)
			}
			got := f.Image.Containers[0]
			got.Members = nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("container (-want +got):\n%s", diff)
			}
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
