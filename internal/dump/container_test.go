package dump_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
)

// contained is an image of a tree in a container.
func contained() *format.Image {
	return &format.Image{Containers: []format.Container{{
		ID: "0fc369d68de78cb8464493a3", Name: "web", Engine: "podman", EngineVersion: "4.3.1", CRIUVersion: "40201",
		Runtime: "/usr/sbin/runc", RuntimeVersion: "runc version 1.1.5\nspec: 1.0.2\n", Image: "localhost/bb:1",
		ImageDigest: "5b88a21f", Created: 1_795_285_844_510_714_731, Started: 1_795_285_845_000_000_000,
		IP: "10.88.0.2", Pod: "shop", Args: []string{"/bin/sh", "-c", "echo 'a b'", ""}, Env: []string{"TERM=xterm\x1b[31m"},
		Cwd: "/", HostName: "0fc369d68de7", User: "0:0", Root: "/merged", RootReadonly: true, CgroupsPath: "/pod/web",
		Capabilities: []string{"CAP_CHOWN", "CAP_KILL"}, Privileged: true,
		Namespaces:  []format.ContainerNS{{Type: "pid"}, {Type: "network", Path: "/run/netns/x"}},
		Mounts:      []format.ContainerMount{{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "nodev"}}},
		External:    []format.ContainerMount{{Destination: "/data", Source: "/srv/data"}},
		Devices:     []format.ContainerDevice{{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229}},
		Hooks:       []format.ContainerHook{{When: "prestart", Path: "/bin/hook", Args: []string{"hook", "--now"}}},
		Annotations: []format.Annotation{{Key: "io.container.manager", Value: "libpod"}},
		Members:     []format.ContainerFile{{Name: "config.dump", Mode: 0o100600, Size: 8140}},
		Changed: []format.ContainerFile{
			{Name: "etc/mtab", Mode: 0o120777, Link: "/proc/mounts"},
			{Name: "dev/sda", Mode: 0o060660, GID: 6, Major: 8},
			{Name: "bin/su", Mode: 0o106755, Size: 100, UID: 1},
			{Name: "tmp", Mode: 0o041776},
		},
		Deleted: []string{"/bin/sleep\n"},
	}, {ID: "11223344556677889900aabb"}}}
}

func TestContainers(t *testing.T) {
	for name, print := range map[string]func(*dump.Printer) error{
		"container":         (*dump.Printer).Containers,
		"container-summary": func(p *dump.Printer) error { return p.Summary(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := print(dump.New(&out, contained(), dump.Options{})); err != nil {
				t.Fatal(err)
			}
			if i := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
				t.Errorf("control character at %d", i)
			}
			checkGolden(t, name, out.Bytes())
		})
	}
	var out bytes.Buffer
	if err := dump.New(&out, &format.Image{}, dump.Options{}).Containers(); err != nil || !strings.Contains(out.String(), "does not say") {
		t.Errorf("without a container: %q, %v", out.String(), err)
	}
}
