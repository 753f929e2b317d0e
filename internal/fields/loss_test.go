package fields

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/codec/linuxcr"
	"github.com/thaw-cr/thaw/format"
)

// hashed is a directory of which only the digest of each file is kept.
type hashed struct{ out *bytes.Buffer }

type hashedFile struct {
	io.Writer
	name string
	sum  interface{ Sum64() uint64 }
	out  *bytes.Buffer
}

func (d hashed) Create(name string) (io.WriteCloser, error) {
	h := fnv.New64a()
	return &hashedFile{h, name, h, d.out}, nil
}

func (f *hashedFile) Close() error {
	_, err := fmt.Fprintf(f.out, "%s %x\n", f.name, f.sum.Sum64())
	return err
}

// written is what becomes of an image in another format, and what is lost.
type written struct {
	text   string
	losses []codec.Loss
}

// A toTarget writes an image in another format.
type toTarget func(ctx context.Context, img *format.Image) (written, error)

// targets are formats that tell what they lose.
var targets = map[string]toTarget{
	"linux-cr": func(ctx context.Context, img *format.Image) (written, error) {
		var b bytes.Buffer
		losses, err := codec.EncodeReport(ctx, linuxcr.Format(), &b, img, codec.EncodeOptions{})
		return written{b.String(), losses}, err
	},
	"criu": func(ctx context.Context, img *format.Image) (written, error) {
		var b bytes.Buffer
		losses, err := codec.EncodeDirReport(ctx, criu.Format(), hashed{&b}, img, codec.EncodeOptions{})
		return written{b.String(), losses}, err
	},
}

// ownerPlace is the beginning of a place in a task or an object.
var ownerPlace = regexp.MustCompile(`^(?:Objects\.)?(\w+)\[(\d+)\]`)

// owner finds the task or object that a place is in; zeroes for the image itself.
func owner(img *format.Image, place string) (format.PID, format.ObjectID) {
	m := ownerPlace.FindStringSubmatch(place)
	if m == nil {
		return 0, 0
	}
	i, err := strconv.Atoi(m[2])
	if err != nil {
		return 0, 0
	}
	if m[1] == "Tasks" {
		return img.Tasks[i].TID, 0
	}
	list := reflect.ValueOf(&img.Objects).Elem().FieldByName(m[1])
	if !list.IsValid() {
		return 0, 0
	}
	return 0, list.Index(i).FieldByName("ID").Interface().(format.ObjectID)
}

// unsaid are the fields of which a target says nothing, and why none is told.
var unsaid = map[string][]judgement{
	"linux-cr": append([]judgement{
		{"said by the path alone", "DeviceFile.Major DeviceFile.Minor"},
		{"told of each task that has one", "Cgroup.Paths CgroupPath.* SeccompFilter.*"},
		{"told of the file that was removed", "DirectoryFile.File.Deleted FS.Deleted"},
		{"what is left is written, whether it is known or not", "Restart.Known"},
		{"a guess about the past of a process", "Task.Creator"},
		{"of a connection not yet accepted: told of the socket at which it waits", "UnixSocket.PeerGone"},
	}, unsaidByAll...),
	"criu": append([]judgement{
		{"said by the path alone", "DeviceFile.Major DeviceFile.Minor"},
		{"said by the name of the open file", "DeletedFile.Path DeletedFile.Links"},
		{"said by the directory's own record", "FS.Deleted"},
		{"said by the descriptor that is watched", "EpollWatch.File"},
		{"of a flock, which is its description's", "FileLock.Owner"},
		{"said by the session of the terminal", "Process.Terminal Terminal.Inherited Terminal.Path"},
		{"there is one namespace of a kind in an image of CRIU", "*Key.Namespace"},
		{"a number that tells sockets of one image apart", "InetSocket.SocketCommon.Inode"},
		{"said by the mappings", "SharedMemory.Size"},
	}, unsaidByAll...),
}

// unsaidByAll is what no target but thaw's own format says.
var unsaidByAll = []judgement{
	{"words for people", "Image.Provenance.* Image.Warnings Warning.*"},
	{"of another format, told once for each record", "Attachment.*"},
	{"about the container around the tree", "Image.Containers"},
	{"identity of files on the machine that captured", `
		*.File.BuildID *.File.Device *.File.Inode *.File.MTime *.File.Mode *.File.Size PipeBuffer.Fifo.BuildID
		PipeBuffer.Fifo.Device PipeBuffer.Fifo.Inode PipeBuffer.Fifo.MTime PipeBuffer.Fifo.Size`},
	{"of a memfd, not of anonymous memory", "SharedMemory.GID SharedMemory.UID SharedMemory.Mode"},
	{"numbers of objects are the target's", "SysVMessages.ID SysVSemaphores.ID"},
}

// TestLosses asks of every field that another format either says its value or tells
// that it is lost: a value that is another changes what is written, or what is told.
func TestLosses(t *testing.T) {
	images := vectors(t)
	pool := Collect(images...)
	for target, write := range targets {
		t.Run(target, func(t *testing.T) {
			before := map[*format.Image]written{}
			said := 0
			for name, p := range places(images) {
				b, ok := before[p.img]
				if !ok {
					b = must(t, write, p.img)
					before[p.img] = b
				}
				if b.text == "" {
					continue // the target holds no such image at all
				}
				if says(t, write, p, pool, b) {
					said++
				} else if judgementIn(unsaid[target], name) == "" {
					t.Errorf("%s is lost, and nobody is told", name)
				}
			}
			if said < len(Names())/3 {
				t.Errorf("only %d fields were tried", said)
			}
		})
	}
}

// must writes an image; nothing if the target cannot hold it.
func must(t *testing.T, write toTarget, img *format.Image) written {
	t.Helper()
	w, err := write(t.Context(), img)
	if err != nil && !errors.Is(err, codec.ErrNoEncoder) {
		t.Fatal(err)
	}
	if err != nil {
		return written{}
	}
	return w
}

// says reports whether any other value of a field shows in what is written or told,
// or something was told of its task or object already. Without another value that
// is valid there is nothing to be lost.
func says(t *testing.T, write toTarget, p place, pool *Pool, before written) bool {
	t.Helper()
	task, object := owner(p.img, p.site.Place)
	if slices.ContainsFunc(before.losses, func(l codec.Loss) bool {
		return task != 0 && l.Task == task || object != 0 && l.Object == object
	}) {
		return true
	}
	tried, shows := false, false
	for _, m := range p.site.Mutations(pool) {
		p.site.Try(m, func() {
			if shows || refused(t, p.img) {
				return
			}
			w, err := write(t.Context(), p.img)
			tried, shows = true, err != nil || w.text != before.text || !slices.Equal(w.losses, before.losses)
		})
	}
	return shows || !tried
}
