package host

import (
	"bytes"
	"cmp"
	"fmt"
	"path"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// Types of files in a mode (inode(7)).
const (
	modeType      = 0o170000
	modeRegular   = 0o100000
	modeDirectory = 0o040000
	modeLink      = 0o120000
	modeSocket    = 0o140000
)

func compareFiles(a, b *File) int {
	follows := func(f *File) int {
		if f.NoFollow {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(follows(b), follows(a)))
}

// memories asks for the vdso and the mapped files.
func (c *check) memories() error {
	checked := map[string]bool{}
	for i := range c.img.Objects.Memories {
		mm := &c.img.Objects.Memories[i]
		if err := c.vdso(mm); err != nil {
			return err
		}
		c.file(mm.Exe, mm.ID, checked)
		for j := range mm.VMAs {
			c.file(mm.VMAs[j].File, mm.ID, checked)
		}
	}
	return nil
}

// file asks whether a mapped or open file is the one it was.
func (c *check) file(f format.FileRef, object format.ObjectID, checked map[string]bool) {
	key := f.Path + "\x00" + string(f.SHA256)
	if f.Path == "" || f.Deleted != 0 || checked[key] {
		return
	}
	checked[key] = true
	st := c.stat(f, object)
	if st == nil {
		return
	}
	subject := validate.Subject{File: f.Path, Object: object}
	known := f.Size != 0 || len(f.SHA256) > 0 // nobody digests a file without knowing how long it is
	if f.Mode&modeType == modeRegular && known && st.Size != f.Size {
		c.add(validate.CodeFileChanged, subject, "%d bytes long, was %d", st.Size, f.Size)
		return
	}
	if len(f.BuildID) > 0 && !c.buildID(f, subject) {
		return
	}
	if len(f.SHA256) > 0 && c.contents(f, subject) || len(f.BuildID) > 0 {
		return
	}
	if !c.opts.Brief && f.MTime != 0 && st.MTime != 0 && f.MTime != st.MTime && f.Mode&modeType == modeRegular {
		c.add(validate.CodeFileTouched, subject, "it was written at another time than what was captured, and nothing tells more")
	}
}

// buildID says whether a program is of the build that it was, as far as is known.
func (c *check) buildID(f format.FileRef, subject validate.Subject) bool {
	st := c.m.file(f.Path, f.Mode&modeType == modeLink, AspectBuildID)
	switch {
	case st == nil || st.BuildID == nil:
		c.wonder("the build ids of some of the image's programs and libraries")
	case len(*st.BuildID) == 0 && c.opts.Brief: // it cannot be read; the size is right
	case !bytes.Equal(*st.BuildID, f.BuildID):
		c.add(validate.CodeFileChanged, subject, "build id %x, was %x", []byte(*st.BuildID), f.BuildID)
		return false
	}
	return true
}

// contents compares what is in a file with what was and says whether both are known.
// A file that is there and cannot be compared is not passed over.
func (c *check) contents(f format.FileRef, subject validate.Subject) bool {
	sum, err := c.m.digest(c.ctx, f.Path)
	switch {
	case err != nil: // the context's, which ends the check
	case len(sum) == 0 && c.m.source != nil:
		c.add(validate.CodeFileChanged, subject, "its contents cannot be read, or change; SHA-256 was %s", short(f.SHA256))
	case len(sum) == 0:
		c.wonder("the contents of some of the image's files, of which it holds digests")
		return false
	case !bytes.Equal(sum, f.SHA256):
		c.add(validate.CodeFileChanged, subject, "other contents, SHA-256 %s, was %s", short(sum), short(f.SHA256))
	}
	return true
}

// short is the beginning of a digest, enough to tell it from others.
func short(sum []byte) string { return fmt.Sprintf("%x…", sum[:min(len(sum), shortDigest)]) }

// shortDigest is how much of a digest is told, in bytes.
const shortDigest = 8

// stat looks at a file; a missing one or one of another type is a finding. The
// result is nil if there is nothing more to ask of it.
func (c *check) stat(f format.FileRef, object format.ObjectID) *File {
	subject := validate.Subject{File: f.Path, Object: object}
	st := c.m.file(f.Path, f.Mode&modeType == modeLink)
	switch {
	case st == nil:
		c.wonder("whether the files that the image needs are there, and as they were")
	case st.Error == "EACCES" || st.Error == "EPERM":
		c.add(validate.CodePermission, subject, "looking at it fails with %s", st.Error)
	case st.Error != "":
		c.add(validate.CodeFileMissing, subject, "%s", missing(st.Error))
	case f.Mode != 0 && st.Mode&modeType != f.Mode&modeType:
		c.add(validate.CodeFileChanged, subject, "of another type: mode %o, was %o", st.Mode, f.Mode)
	default:
		return st
	}
	return nil
}

// missing says why a file cannot be looked at.
func missing(errno string) string {
	if errno == "ENOENT" {
		return "there is no such file"
	}
	return fmt.Sprintf("looking at it fails with %.20q", errno)
}

// openFiles asks for the files that descriptors refer to.
func (c *check) openFiles() {
	checked := map[string]bool{}
	for i := range c.img.Objects.Files {
		d := &c.img.Objects.Files[i]
		switch {
		case d.Regular != nil:
			c.file(d.Regular.File, d.ID, checked)
			c.access(d, d.Regular.File)
		case d.Directory != nil:
			if d.Directory.File.Deleted == 0 {
				c.stat(d.Directory.File, d.ID)
			}
		case d.Device != nil:
			c.device(d)
			c.access(d, d.Device.File)
		case d.TTY != nil:
			c.terminal(d)
		}
	}
	for i := range c.img.Objects.Deleted {
		if d := &c.img.Objects.Deleted[i]; d.Link != "" {
			c.file(format.FileRef{Path: d.Link, Size: d.Size, Mode: d.Mode}, d.ID, checked)
		}
	}
	for i := range c.img.Objects.Pipes {
		if p := &c.img.Objects.Pipes[i]; p.Fifo.Path != "" {
			c.stat(p.Fifo, p.ID)
		}
	}
	c.directories()
}

// directories asks for working and root directories.
func (c *check) directories() {
	seen := map[string]bool{"": true}
	for i := range c.img.Objects.FS {
		fs := &c.img.Objects.FS[i]
		for _, dir := range []string{fs.Root, fs.Cwd} {
			if !seen[dir] && (fs.Deleted == 0 || dir != fs.Cwd) {
				seen[dir] = true
				c.stat(format.FileRef{Path: dir, Mode: modeDirectory}, fs.ID)
			}
		}
	}
}

// access asks whether a file may be opened as it was.
func (c *check) access(d *format.OpenFile, f format.FileRef) {
	if f.Deleted != 0 || d.Flags&format.OPath != 0 {
		return
	}
	noFollow := f.Mode&modeType == modeLink
	ask := func(a Aspect, wanted bool, answer func(*File) *string) {
		if !wanted {
			return
		}
		st := c.m.file(f.Path, noFollow, a)
		if st == nil || st.Error != "" {
			return // said already
		}
		switch why := answer(st); {
		case why == nil:
			c.wonder("whether the files that the image has open may be opened")
		case *why != "":
			c.add(validate.CodePermission, validate.Subject{File: f.Path, Object: d.ID}, "open file: %.20q", *why)
		}
	}
	ask(AspectRead, d.Readable(), func(st *File) *string { return st.Read })
	ask(AspectWrite, d.Writable(), func(st *File) *string { return st.Write })
}

func (c *check) device(d *format.OpenFile) {
	st := c.stat(d.Device.File, d.ID)
	if st != nil && (st.Major != d.Device.Major || st.Minor != d.Device.Minor) {
		c.add(validate.CodeDeviceDiffers, validate.Subject{File: d.Device.File.Path, Object: d.ID},
			"device %d:%d, was %d:%d", st.Major, st.Minor, d.Device.Major, d.Device.Minor)
	}
}

func (c *check) terminal(d *format.OpenFile) {
	switch has := c.m.need(SectionTerminal).Terminal; {
	case has == nil:
		c.wonder("whether the restore will have a terminal to hand over")
	case !*has:
		c.add(validate.CodeTerminal, validate.ObjectSubject(d.ID), "the caller has no terminal")
	}
}

// executable asks whether what is to be executed may be.
func (c *check) executable(mm *format.AddressSpace, asked map[string]bool) {
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		p := v.File.Path
		if v.Prot&format.ProtExec == 0 || p == "" || v.File.Deleted != 0 || asked[p] {
			continue
		}
		asked[p] = true
		st := c.m.file(p, v.File.Mode&modeType == modeLink, AspectNoExec)
		if st == nil || st.Error != "" {
			continue // said elsewhere
		}
		switch {
		case st.NoExec == nil:
			c.wonder("whether the image's programs lie on mounts that allow to execute them")
		case *st.NoExec:
			c.add(validate.CodeMountOptions, validate.Subject{Object: mm.ID, File: p}, "it is to be executed and lies on a mount with noexec")
		}
	}
}

// parent is the directory of a path.
func parent(p string) format.FileRef { return format.FileRef{Path: path.Dir(p), Mode: modeDirectory} }
