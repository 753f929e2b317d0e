package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// The directories of CRIU's images in a checkpoint of a container.
const (
	checkpointDir    = "checkpoint"
	preCheckpointDir = "pre-checkpoint"
)

// The documents of a checkpoint, as Podman, CRI-O and containerd name them
// (checkpointctl: lib/metadata.go; Podman: libpod/container_internal_common.go).
const (
	configDump    = "config.dump"
	specDump      = "spec.dump"
	networkStatus = "network.status"
	statusDump    = "status.dump"
	statusFile    = "status"
	deletedFiles  = "deleted.files"
	rootfsDiff    = "rootfs-diff.tar"
	bindMounts    = "bind.mounts"
	podOptions    = "pod.options"
)

// knownMembers are what engines put at the top of a checkpoint.
var knownMembers = map[string]bool{
	checkpointDir: true, preCheckpointDir: true, configDump: true, specDump: true, networkStatus: true,
	statusDump: true, statusFile: true, deletedFiles: true, rootfsDiff: true, bindMounts: true, podOptions: true,
	"pod.dump": true, "stats-dump": true, "dump.log": true, "restore.log": true, devshmTar: true,
	volumesDir: true, "artifacts": true, "ctr.log": true, "container.log": true, "descriptors.json": true,
	"io.kubernetes.cri-o.LogPath": true,
}

// checkpoint is the envelope of a container's checkpoint: a directory with
// CRIU's images in checkpoint/ and what the engine knows beside it.
type checkpoint struct{}

func (checkpoint) Name() string { return "container" }

func (checkpoint) Detect(_ []byte, dir fs.FS) bool {
	if dir == nil {
		return false
	}
	for _, name := range []string{configDump, specDump, podOptions} {
		if isFile(dir, name) {
			return true
		}
	}
	return imagesIn(dir) != ""
}

// imagesIn gives the directory with CRIU's images; empty if there is none.
func imagesIn(dir fs.FS) string {
	for _, name := range []string{checkpointDir, preCheckpointDir} {
		if isFile(dir, name+"/inventory.img") {
			return name
		}
	}
	for _, name := range []string{checkpointDir, preCheckpointDir} {
		if isFile(dir, name+"/pstree.img") {
			return name
		}
	}
	return ""
}

func (c checkpoint) Unpack(ctx context.Context, src codec.Source, lim codec.Limits) (*codec.Content, error) {
	if isFile(src.Dir, podOptions) && !isFile(src.Dir, configDump) {
		return c.pod(ctx, src)
	}
	r := &containerReader{dir: src.Dir, lim: lim, c: &format.Container{}}
	r.file = src.Name
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	images := imagesIn(src.Dir)
	if images == "" {
		images = checkpointDir
	}
	sub, err := fs.Sub(src.Dir, images)
	if err == nil && !isDir(src.Dir, images) || isFile(src.Dir, images) {
		err = fs.ErrNotExist
	}
	if errors.Is(err, fs.ErrNotExist) {
		e := codec.Errorf(codec.Missing, "", 0, "no folder checkpoint/: the images of the tree are not in it")
		return nil, errors.Join(append([]error{e}, asErrors(r.all())...)...)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", images, err)
	}
	return &codec.Content{Source: codec.Source{Name: src.Name, Dir: sub}, Container: r.c, Faults: r.all()}, nil
}

func asErrors(list []*codec.FormatError) []error {
	errs := make([]error, len(list))
	for i, e := range list {
		errs[i] = e
	}
	return errs
}

// pod opens the checkpoint of a pod, which holds one of each container: the
// first by name.
func (c checkpoint) pod(_ context.Context, src codec.Source) (*codec.Content, error) {
	list, err := fs.ReadDir(src.Dir, ".")
	if err != nil {
		return nil, err
	}
	f := faults{file: src.Name}
	var found []fs.DirEntry
	for _, e := range list {
		sub, err := fs.Sub(src.Dir, e.Name())
		switch {
		case e.IsDir() && err == nil && c.Detect(nil, sub):
			found = append(found, e)
		case !e.IsDir() && strings.Contains(e.Name(), ".tar"):
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return nil, codec.Errorf(codec.Missing, podOptions, 0, "a pod without the checkpoint of a container")
	}
	if len(found) > 1 {
		f.add(codec.ManyImages, podOptions, 0, "a pod of %d containers: %.100q is shown", len(found), found[0].Name())
	}
	content := &codec.Content{Faults: f.all(), Source: codec.Source{Name: src.Name}}
	if found[0].IsDir() {
		content.Source.Dir, err = fs.Sub(src.Dir, found[0].Name())
	} else {
		content.Source, content.Close, err = fileSource(src.Dir, found[0].Name(), src.Name)
	}
	return content, err
}

// containerReader reads what an engine wrote about a container.
type containerReader struct {
	faults
	dir fs.FS
	lim codec.Limits
	c   *format.Container
}

// read reads all documents. What is wrong with one is a fault.
func (r *containerReader) read(ctx context.Context) error {
	for _, step := range []func() error{
		r.askDocuments, r.readSpec, r.readConfig, r.readStatus, r.readNetwork, r.readDeleted, r.readBindMounts, r.readMembers,
		func() error { return r.readLayers(ctx) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	r.guessEngine()
	return nil
}

// askDocuments asks for the two documents that every engine writes. Of a checkpoint
// that has neither nobody expects them.
func (r *containerReader) askDocuments() error {
	var there, missing []string
	for _, name := range []string{configDump, specDump} {
		b, err := readFile(r.dir, name)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && string(bytes.TrimSpace(b)) == "null":
			missing = append(missing, name)
		default: // what is wrong with one, reading it tells
			there = append(there, name)
		}
	}
	if len(there) == 1 && len(missing) == 1 {
		r.add(codec.MissingDocument, missing[0], 0, "it is not there, or says nothing, and %s is there", there[0])
	}
	return nil
}

// guessEngine tells the engine by what only it writes.
func (r *containerReader) guessEngine() {
	manager := r.annotation("io.container.manager")
	switch {
	case manager == "libpod":
		r.c.Engine = "podman"
	case manager != "":
		r.c.Engine = manager
	case isFile(r.dir, statusFile) || isFile(r.dir, statusDump) || r.annotation("io.kubernetes.cri.container-type") != "":
		r.c.Engine = "containerd"
	}
}

func (r *containerReader) annotation(key string) string {
	for _, a := range r.c.Annotations {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// readMembers lists the files beside CRIU's images.
func (r *containerReader) readMembers() error {
	budget := r.lim.Members
	return fs.WalkDir(r.dir, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("list %s: %w", name, err)
		case name == ".":
			return nil
		case !strings.Contains(name, "/") && !knownMembers[name] && !strings.HasSuffix(name, ".log"):
			r.add(codec.UnknownMember, member(name), 0, "no engine known puts it into a checkpoint")
		case name == checkpointDir || name == preCheckpointDir:
			return fs.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		if budget--; budget < 0 {
			return fs.SkipAll
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) { // gone since the folder was listed
			return nil
		}
		if err != nil {
			return err
		}
		r.c.Members = append(r.c.Members, format.ContainerFile{Name: path.Clean(name), Mode: unixMode(info.Mode()), Size: info.Size()})
		return nil
	})
}

// unixMode is st_mode of a mode.
func unixMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	for _, bit := range []struct {
		is   fs.FileMode
		unix uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&bit.is != 0 {
			mode |= bit.unix
		}
	}
	return mode | unixType(m)
}

func unixType(m fs.FileMode) uint32 {
	switch {
	case m.IsDir():
		return 0o040000
	case m&fs.ModeSymlink != 0:
		return 0o120000
	case m&fs.ModeCharDevice != 0:
		return 0o020000
	case m&fs.ModeDevice != 0:
		return 0o060000
	case m&fs.ModeNamedPipe != 0:
		return 0o010000
	case m&fs.ModeSocket != 0:
		return 0o140000
	}
	return 0o100000
}
