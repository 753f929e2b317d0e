package validate

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/format"
)

// contain puts the image into a container that nothing is wrong with, and then
// changes it.
func contain(change func(*format.Container)) func(*vector) {
	return func(v *vector) {
		c := format.Container{
			ID: "0fc369d6", Name: "web", Engine: "podman", Image: "registry.example/web@sha256:00",
			Env:          []string{"PATH=/bin"},
			Capabilities: []string{"CAP_CHOWN"},
			Namespaces:   []format.ContainerNS{{Type: "pid"}, {Type: "network"}, {Type: "ipc"}, {Type: "uts"}, {Type: "mount"}},
			Mounts: []format.ContainerMount{
				{Destination: "/proc", Type: "proc", Source: "proc"},
				{Destination: "/etc/hosts", Type: "bind", Source: "/run/containers/storage/hosts", Options: []string{"rbind"}},
			},
			Annotations: []format.Annotation{{Key: "io.container.manager", Value: "libpod"}},
			Changed:     []format.ContainerFile{{Name: "data/", Mode: 0o040755}, {Name: "etc/mtab", Mode: 0o120777, Link: "/proc/mounts"}},
			Deleted:     []string{"/bin/sleep.bak"},
		}
		change(&c)
		v.Image.Containers = append(v.Image.Containers, c)
	}
}

func changed(files ...format.ContainerFile) func(*vector) {
	return contain(func(c *format.Container) { c.Changed = append(c.Changed, files...) })
}

var containerMutations = []mutation{
	{"A040", "deleted-file-of-host", contain(func(c *format.Container) { c.Deleted = append(c.Deleted, "../../../etc/shadow") })},
	{"A041", "rootfs-member-of-host", changed(format.ContainerFile{Name: "../../etc/passwd", Mode: 0o100644})},
	{"A041", "rootfs-hard-link-to-host", changed(format.ContainerFile{Name: "x", Mode: 0o100644, Link: "../etc/shadow", HardLink: true})},
	{"A042", "rootfs-below-link", changed(format.ContainerFile{Name: "x", Mode: 0o120777, Link: "/host"}, format.ContainerFile{Name: "x/y/passwd", Mode: 0o100644})},
	{"A043", "rootfs-disk", changed(format.ContainerFile{Name: "dev/sda", Mode: 0o060600, Major: 8})},
	{"A044", "rootfs-setuid", changed(format.ContainerFile{Name: "tmp/sh", Mode: 0o104755, Size: 100})},
	{"A045", "bind-etc", contain(func(c *format.Container) {
		c.Mounts = append(c.Mounts, format.ContainerMount{Destination: "/mnt", Source: "/etc", Options: []string{"rbind"}})
	})},
	{"A045", "bind-beside-engine", contain(func(c *format.Container) {
		c.Mounts = append(c.Mounts, format.ContainerMount{Destination: "/mnt", Type: "bind", Source: "/run/containers/../../etc"})
	})},
	{"A046", "mount-to-host", contain(func(c *format.Container) {
		c.Mounts = append(c.Mounts, format.ContainerMount{Destination: "/data/../../etc", Type: "tmpfs"})
	})},
	{"A047", "privileged", contain(func(c *format.Container) { c.Privileged = true })},
	{"A047", "sys-admin", contain(func(c *format.Container) { c.Capabilities = append(c.Capabilities, "CAP_SYS_ADMIN") })},
	{"A048", "cdi-annotation", contain(func(c *format.Container) {
		c.Annotations = append(c.Annotations, format.Annotation{Key: "cdi.k8s.io/gpu", Value: "vendor.com/gpu=all"})
	})},
	{"A049", "image-by-tag", contain(func(c *format.Container) { c.Image = "docker.io/library/redis:7" })},
	{"A050", "hook", contain(func(c *format.Container) { c.Hooks = []format.ContainerHook{{When: "prestart", Path: "/tmp/x"}} })},
	{"A051", "host-network", contain(func(c *format.Container) { c.Namespaces = append(c.Namespaces[:1:1], c.Namespaces[2:]...) })},
	{"A052", "secret", contain(func(c *format.Container) { c.Env = append(c.Env, "DB_PASSWORD=hunter2") })},
	{"A053", "id-is-path", contain(func(c *format.Container) { c.ID = "../../../etc" })},
	{"A054", "disk", contain(func(c *format.Container) {
		c.Devices = []format.ContainerDevice{{Path: "/dev/sda", Type: "b", Major: 8}}
	})},
	{"A055", "made-on-host", contain(func(c *format.Container) {
		c.External = []format.ContainerMount{{Destination: "/x", Source: "/etc/cron.d/x"}}
	})},
}

const archiveDir = "../testdata/archive"

// TestArchiveVectors opens every archive of testdata/archive, which codec/archive
// makes, and wants the code of each kind of fault that expect.json lists. The
// image inside is cut off everywhere; what its codec says of that is left out.
func TestArchiveVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(archiveDir, "expect.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expect map[string][]codec.Kind
	if err := json.Unmarshal(b, &expect); err != nil {
		t.Fatal(err)
	}
	reg := codec.NewRegistry(criu.Format()).With(archive.Envelopes()...)
	seen := map[string]bool{}
	for name, kinds := range expect {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(archiveDir, name+".tar"))
			if err != nil {
				t.Fatal(err)
			}
			f, err := reg.Open(t.Context(), codec.Source{Name: name, At: bytes.NewReader(b), Size: int64(len(b))}, codec.Limits{})
			found := FromError(err)
			if f != nil {
				defer f.Close()
				found = append(FromFaults(f.Faults), Image(t.Context(), f.Image, Options{Only: []string{"A"}})...)
			}
			want := []string{}
			for _, k := range kinds {
				if code := archiveCodes[k]; code != "" {
					want = append(want, code)
					seen[code] = true
				}
			}
			slices.Sort(want)
			found = slices.DeleteFunc(found, func(f Finding) bool { return f.Code[0] != 'A' })
			if diff := cmp.Diff(want, codesOf(found)); diff != "" {
				t.Errorf("codes (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
	for kind, code := range archiveCodes {
		if !seen[code] && kind != codec.TooManyMembers { // which takes a million of them; codec/archive tries it with a lower limit
			t.Errorf("%s (%s) has no vector", code, kind)
		}
	}
}
