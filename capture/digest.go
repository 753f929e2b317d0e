package capture

import (
	"context"
	"errors"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/filedigest"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// digests are those of files that were read, with what the files were like then.
type digests struct {
	digester filedigest.Digester
	known    map[inode]fileDigest
}

type fileDigest struct {
	st  sys.FileInfo
	sum []byte
}

func newDigests() *digests { return &digests{known: make(map[inode]fileDigest)} }

// of gives the digest of a file that is as it was when it was read.
func (d *digests) of(st sys.FileInfo) ([]byte, bool) {
	k, ok := d.known[inode{st.Dev, st.Ino}]
	return k.sum, ok && filedigest.Same(k.st, st)
}

// readableFiles are the regular files that a tree executes, has mapped or open for
// reading, and those among them that it can write to.
type readableFiles struct {
	// list has each file once, with a link of /proc that leads to it.
	list    []readableFile
	seen    map[inode]bool
	written map[inode]bool
}

type readableFile struct {
	link string
	st   sys.FileInfo
}

func newReadableFiles() readableFiles {
	return readableFiles{seen: make(map[inode]bool), written: make(map[inode]bool)}
}

// add takes note of a file that is read.
func (r *readableFiles) add(link string, st sys.FileInfo) {
	k := inode{st.Dev, st.Ino}
	if st.Mode&sys.ModeType != sys.ModeRegular || r.seen[k] {
		return
	}
	r.seen[k] = true
	r.list = append(r.list, readableFile{link, st})
}

// mapped takes note of the file behind an area of smaps. Shared memory that may
// become writable ("mw") is of a file that was opened for writing.
func (r *readableFiles) mapped(link string, st sys.FileInfo, m *procfs.Map) {
	if m.Shared && m.Has("mw") {
		r.written[inode{st.Dev, st.Ino}] = true
	}
	r.add(link, st)
}

// opened takes note of an open file by its flags.
func (r *readableFiles) opened(link string, st sys.FileInfo, flags uint32) {
	f := format.OpenFile{Flags: flags}
	switch {
	case flags&format.OPath != 0: // neither
	case f.Writable():
		r.written[inode{st.Dev, st.Ino}] = true
	default:
		r.add(link, st)
	}
}

// missing are the files that want a digest and have none.
func (r *readableFiles) missing(d *digests) (list []readableFile, bytes int64) {
	for _, f := range r.list {
		if _, ok := d.of(f.st); ok || r.written[inode{f.st.Dev, f.st.Ino}] {
			continue
		}
		list = append(list, f)
		bytes += f.st.Size
	}
	return list, bytes
}

// hashAhead digests the files of a tree that still runs, so that it does not have
// to stand still for that. What cannot be read, because it goes away meanwhile, is
// left to hashFiles.
func (c *capturer) hashAhead(ctx context.Context) error {
	if !c.opts.HashFiles {
		return nil
	}
	found := newReadableFiles()
	err := c.eachRunning(func(pid int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.findReadable(pid, &found)
		return nil
	})
	if err != nil {
		return err
	}
	return c.hash(ctx, &found, func(readableFile, error) {})
}

// eachRunning calls f for the processes of a tree that is not frozen.
func (c *capturer) eachRunning(f func(pid int) error) error {
	seen := make(map[int]bool)
	for todo := []int{c.root}; len(todo) > 0; {
		pid := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pid] { // of a process that was adopted meanwhile
			continue
		}
		seen[pid] = true
		if err := f(pid); err != nil {
			return err
		}
		tids, err := procfs.Tasks(pid)
		if err != nil {
			continue // it is gone
		}
		children, err := c.children(pid, tids)
		if err != nil {
			return err
		}
		todo = append(todo, children...)
	}
	return nil
}

// findReadable looks for the files of a process that runs, as far as they can be
// seen: what is not found now is found when it stands still.
func (c *capturer) findReadable(pid int, found *readableFiles) {
	maps, err := c.r.Smaps(pid)
	if err != nil {
		return
	}
	for i := range maps {
		m := &maps[i]
		if m.Inode == 0 || isSegment(m) || isShmemMap(m) {
			continue
		}
		if link, st, err := c.mappedFile(pid, m); err == nil {
			found.mapped(link, st, m)
		}
	}
	if st, err := sys.Stat(procfs.Path(pid, "exe")); err == nil {
		found.add(procfs.Path(pid, "exe"), st)
	}
	fds, err := procfs.FDs(pid)
	if err != nil {
		return
	}
	for _, fd := range fds {
		link := procfs.Path(pid, "fd/"+itoa(fd))
		st, err := sys.Stat(link)
		if err != nil || st.Mode&sys.ModeType != sys.ModeRegular {
			continue
		}
		if info, err := c.r.FDInfo(pid, fd); err == nil {
			found.opened(link, st, info.Flags)
		}
	}
}

// hash digests what has no digest yet, each file once, and tells failed of those
// that cannot be read.
func (c *capturer) hash(ctx context.Context, files *readableFiles, failed func(readableFile, error)) error {
	d := c.opts.digests
	list, total := files.missing(d)
	done := int64(0)
	d.digester.Progress = func(n int) {
		done += int64(n)
		c.opts.Progress(PhaseHash, int(done), int(total))
	}
	for _, f := range list {
		sum, err := d.digester.Of(ctx, f.link, f.st)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			failed(f, err)
			continue
		}
		d.known[inode{f.st.Dev, f.st.Ino}] = fileDigest{f.st, sum}
	}
	return nil
}

// hashFiles gives the files of the frozen tree their digests. Those that are new
// since hashAhead, or have changed, are read now.
func (c *capturer) hashFiles(ctx context.Context) error {
	if !c.opts.HashFiles {
		return nil
	}
	why := make(map[inode]error)
	err := c.hash(ctx, &c.readable, func(f readableFile, err error) { why[inode{f.st.Dev, f.st.Ino}] = err })
	if err != nil {
		return err
	}
	sums := make(map[inode]fileDigest)
	for _, f := range c.readable.list {
		k := inode{f.st.Dev, f.st.Ino}
		if sum, ok := c.opts.digests.of(f.st); ok && !c.readable.written[k] {
			sums[k] = fileDigest{f.st, sum}
		}
	}
	for ref := range c.img.Objects.FileRefs() {
		k := inode{ref.Device, ref.Inode}
		if ref.Deleted != 0 {
			continue // the image has the contents
		}
		if d, ok := sums[k]; ok && uint64(d.st.Size) == ref.Size && d.st.MTime == ref.MTime {
			ref.SHA256 = d.sum
		} else if err := why[k]; err != nil && !errors.Is(err, filedigest.ErrKernelFile) {
			c.warnOnce(0, "there is no digest of "+ref.Path+": "+plainReason(err))
		}
	}
	return nil
}

// plainReason leaves out of an error which link of /proc it is about.
func plainReason(err error) string {
	if errors.Is(err, filedigest.ErrChanged) {
		return filedigest.ErrChanged.Error()
	}
	return err.Error()
}
