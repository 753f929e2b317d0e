// Package attack makes checkpoints of containers as an attacker would: each is a
// healthy one with one thing changed, by which restoring it with Podman, CRI-O or
// containerd would reach the host. The archives are in testdata/archive/attacks
// with the codes that must be found in them, for other projects, too; a test of
// package validate writes and judges them.
//
// The image of the tree in them is a stub: they are about what is around it.
package attack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"slices"
)

// pstree begins as the file of CRIU's images by which they are known (criu:
// include/magic.h, IMG_COMMON_MAGIC and PSTREE_MAGIC), and ends there.
const pstree = "\x19\x44\x64\x54\x16\x03\x19\x50"

type (
	object = map[string]any
	list   = []any
)

// checkpoint is what an archive is made of.
type checkpoint struct {
	config, spec, network object
	deleted               []string
	// binds is bind.mounts; nil leaves it out.
	binds list
	// rootfs are the members of rootfs-diff.tar.
	rootfs []tar.Header
	// packRootfs packs it once more; nil leaves it as it is.
	packRootfs func([]byte) []byte
	// layers are other archives in it, by name.
	layers []layer
	// members are more members at the top.
	members []tar.Header
}

type layer struct {
	name  string
	files []tar.Header
}

const (
	containerID = "0fc369d6a1b24c6d8e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f"
	userdata    = "/var/lib/containers/storage/overlay-containers/" + containerID + "/userdata"
	digest      = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	image       = "registry.example/web@" + digest
)

// healthy is a checkpoint that nothing is wrong with, as Podman makes it.
func healthy() *checkpoint {
	capabilities := list{"CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	return &checkpoint{
		config: object{
			"id": containerID, "name": "web", "rootfsImageName": image, "RawImageName": image, "runtime": "/usr/bin/crun",
			"rootfsImageID": "5b88a21f12d87831a766a5b378343833a74223247ef5b1094677d1ff5717b83c",
			"createdTime":   "2026-11-21T18:30:28Z", "staticDir": userdata, "logPath": userdata + "/ctr.log", "ShmDir": userdata + "/shm",
			"conmonPidFile": "/run/containers/storage/overlay-containers/" + containerID + "/userdata/conmon.pid",
			"exitCommand":   list{"/usr/bin/podman", "--root", "/var/lib/containers/storage", "container", "cleanup", containerID},
			"namedVolumes":  list{object{"volumeName": "data", "dest": "/data", "options": list{"rw"}}},
		},
		spec: object{
			"ociVersion": "1.2.0", "hostname": "web-1",
			"process": object{
				"args": list{"/bin/web"}, "env": list{"PATH=/bin"}, "cwd": "/", "user": object{"uid": 0, "gid": 0},
				"capabilities": object{"bounding": capabilities, "effective": capabilities, "permitted": capabilities},
				"rlimits":      list{object{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}},
			},
			"root": object{"path": "/var/lib/containers/storage/overlay/39a06ff1/merged"},
			"mounts": list{
				object{"destination": "/proc", "type": "proc", "source": "proc"},
				object{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": list{"ro"}},
				object{"destination": "/etc/hosts", "type": "bind", "source": userdata + "/hosts", "options": list{"bind", "rprivate"}},
			},
			"annotations": object{"io.container.manager": "libpod"},
			"linux": object{
				"namespaces":    list{object{"type": "pid"}, object{"type": "network"}, object{"type": "ipc"}, object{"type": "uts"}, object{"type": "mount"}},
				"seccomp":       object{"defaultAction": "SCMP_ACT_ERRNO"},
				"maskedPaths":   list{"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"},
				"readonlyPaths": list{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
				"resources":     object{"devices": list{object{"allow": false, "access": "rwm"}}},
			},
		},
		network: object{"podman": object{"interfaces": object{"eth0": object{
			"subnets": list{object{"ipnet": "10.88.0.2/16", "gateway": "10.88.0.1"}}, "mac_address": "9a:4e:2d:00:00:01",
		}}}},
		deleted: []string{"/tmp/old"},
		rootfs:  []tar.Header{folder("data/"), file("data/log")},
		layers:  []layer{{"devshm-checkpoint.tar", []tar.Header{folder("./")}}, {"volumes/data.tar", []tar.Header{folder("./"), file("./a")}}},
	}
}

// in goes down a document by keys.
func in(o object, keys ...string) object {
	for _, k := range keys {
		o, _ = o[k].(object)
	}
	return o
}

// add appends to the list that a key of an object holds.
func add(o object, key string, values ...any) {
	old, _ := o[key].(list)
	o[key] = append(slices.Clip(old), values...)
}

func folder(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755}
}

func file(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: 1}
}

func symlink(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to, Mode: 0o777}
}

func hardLink(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: to, Mode: 0o644}
}

func blockDevice(name string, major, minor int64) tar.Header {
	return tar.Header{Typeflag: tar.TypeBlock, Name: name, Mode: 0o666, Devmajor: major, Devminor: minor}
}

// archive packs a checkpoint.
func (c *checkpoint) archive() ([]byte, error) {
	var members []tar.Header
	bodies := map[string][]byte{"checkpoint/pstree.img": []byte(pstree)}
	put := func(name string, body []byte) {
		h := file(name)
		h.Size = int64(len(body))
		members, bodies[name] = append(members, h), body
	}
	documents := []struct {
		name  string
		value any
	}{{"config.dump", c.config}, {"spec.dump", c.spec}, {"network.status", c.network}, {"deleted.files", c.deleted}}
	if c.binds != nil {
		documents = append(documents, struct {
			name  string
			value any
		}{"bind.mounts", c.binds})
	}
	for _, d := range documents {
		b, err := json.Marshal(d.value)
		if err != nil {
			return nil, err
		}
		put(d.name, b)
	}
	for _, l := range append([]layer{{"rootfs-diff.tar", c.rootfs}}, c.layers...) {
		b, err := pack(l.files, nil)
		if err != nil {
			return nil, err
		}
		if l.name == "rootfs-diff.tar" && c.packRootfs != nil {
			b = c.packRootfs(b)
		}
		put(l.name, b)
	}
	put("checkpoint/pstree.img", []byte(pstree))
	return pack(append(members, c.members...), bodies)
}

// pack makes an archive of headers; files without a body hold x.
func pack(headers []tar.Header, bodies map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := range headers {
		h := headers[i]
		h.Format = tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
		body, ok := bodies[h.Name]
		if !ok && h.Typeflag == tar.TypeReg {
			body = bytes.Repeat([]byte("x"), int(h.Size))
		}
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// gzipped is b in gzip. Writing to memory does not fail.
func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}
