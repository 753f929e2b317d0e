package host

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"sort"

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
		if mm.EndCode != 0 && mm.Exe.Path != "" && mm.Exe.Deleted == 0 {
			c.may(mm.Exe, mm.ID, "program", question{AspectRead, true}, question{AspectSearch, true})
		}
		for j := range mm.VMAs {
			v := &mm.VMAs[j]
			c.file(v.File, mm.ID, checked)
			c.mapped(v, mm.ID)
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
				c.access(d, d.Directory.File)
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
			f := format.FileRef{Path: d.Link, Size: d.Size, Mode: d.Mode}
			c.file(f, d.ID, checked)
			c.may(f, d.ID, "file whose name was removed", question{AspectRead, true})
		} else {
			c.deletedPlace(d)
		}
	}
	for i := range c.img.Objects.Pipes {
		if p := &c.img.Objects.Pipes[i]; p.Fifo.Path != "" && c.stat(p.Fifo, p.ID) != nil {
			c.may(p.Fifo, p.ID, "fifo", question{AspectRead, true}, question{AspectWrite, true})
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
				f := format.FileRef{Path: dir, Mode: modeDirectory}
				c.stat(f, fs.ID)
				c.may(f, fs.ID, "working or root directory", question{AspectSearch, true})
			}
		}
	}
}

// access asks whether a file may be opened as it was.
func (c *check) access(d *format.OpenFile, f format.FileRef) {
	if f.Deleted != 0 || d.Flags&format.OPath != 0 {
		return
	}
	c.may(f, d.ID, "open file",
		question{AspectRead, d.Readable()}, question{AspectWrite, d.Writable()},
		question{AspectDirect, d.Flags&format.ODirect != 0 && f.Mode&modeType == modeRegular})
}

// A question is one about a file, if it matters.
type question struct {
	aspect  Aspect
	matters bool
}

// may asks whether a file that is there may be used: opened, written, executed or
// searched, without the kernel's cache. what says in the message what for.
func (c *check) may(f format.FileRef, object format.ObjectID, what string, list ...question) {
	for _, q := range list {
		if !q.matters {
			continue
		}
		st := c.m.file(f.Path, f.Mode&modeType == modeLink, q.aspect)
		if st == nil || st.Error != "" {
			return // said already
		}
		subject := validate.Subject{File: f.Path, Object: object}
		if q.aspect == AspectDirect {
			c.direct(st, subject)
			continue
		}
		switch why := map[Aspect]*string{AspectRead: st.Read, AspectWrite: st.Write, AspectSearch: st.Search}[q.aspect]; {
		case why == nil && c.passes(st, q.aspect):
		case why == nil:
			c.wonder("whether the files that the image has open may be opened")
		case *why != "" && !c.overrides(st, q.aspect, *why):
			c.add(validate.CodePermission, subject, "%s: %.20q", what, *why)
			return
		}
	}
}

// overrides says whether what permissions forbid the program is allowed as root of
// a user namespace that a restore makes: there CAP_DAC_OVERRIDE is of use for files
// whose user and group have numbers there.
func (c *check) overrides(st *File, a Aspect, why string) bool {
	if !c.userNS || why != "EACCES" || st.UID == nil || st.GID == nil || *st.UID != c.rights.EUID || *st.GID != c.rights.EGID {
		return false
	}
	return c.rights.has(capDacOverride) && executable(st, a)
}

// passes says whether a program may read, or execute, whatever there is. Writing it
// may not where a mount is read-only.
func (c *check) passes(st *File, a Aspect) bool {
	return a != AspectWrite && c.rights != nil && c.rights.EverywhereHas(capDacOverride) && executable(st, a)
}

// executable says whether CAP_DAC_OVERRIDE is of use: not to execute a file that
// nobody may.
func executable(st *File, a Aspect) bool {
	const anyExec = 0o111
	return a != AspectSearch || st.Mode&anyExec != 0 || st.Mode&modeType == modeDirectory
}

// direct asks whether a file can be open with O_DIRECT.
func (c *check) direct(st *File, s validate.Subject) {
	switch {
	case st.Direct == nil:
		c.wonder("whether files can be opened without the kernel's cache (O_DIRECT)")
	case !*st.Direct:
		c.add(validate.CodeDirectIO, s, "it was open with O_DIRECT, which its file system does not know")
	}
}

// place asks whether something can be made in a directory.
func (c *check) place(dir string, object format.ObjectID) {
	f := format.FileRef{Path: dir, Mode: modeDirectory}
	if c.stat(f, object) != nil {
		c.may(f, object, "something is to be made there", question{AspectSearch, true}, question{AspectWrite, true})
	}
}

// deletedPlace asks whether a deleted file can be made where it was, or in the
// nearest directory that is left. A path can have thousands of directories: they
// are halved, as what lies in one that is there is there, too.
func (c *check) deletedPlace(d *format.DeletedFile) {
	dirs := []string{path.Dir(d.Path)}
	for up := path.Dir(dirs[0]); up != dirs[len(dirs)-1]; up = path.Dir(up) {
		dirs = append(dirs, up)
	}
	unknown := false
	there := func(i int) bool {
		st := c.m.file(dirs[i], false)
		unknown = unknown || st == nil
		return st != nil && st.Error == "" && st.Mode&modeType == modeDirectory
	}
	nearest := 0
	if !there(0) {
		nearest = 1 + sort.Search(max(0, len(dirs)-2), func(i int) bool { return there(1 + i) })
	}
	if unknown {
		c.wonder("whether the files that the image needs are there, and as they were")
		return
	}
	c.place(dirs[min(nearest, len(dirs)-1)], d.ID)
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

// mapped asks whether a file may be mapped as it was, each file once.
func (c *check) mapped(v *format.VMA, object format.ObjectID) {
	write := v.SharedMap && v.Prot&format.ProtWrite != 0
	key := mappedFile{v.File.Path, write}
	if v.Kind != format.VMAFile || v.File.Path == "" || v.File.Deleted != 0 || c.asked[key] {
		return
	}
	c.asked[key] = true
	c.may(v.File, object, "mapped file", question{AspectRead, true}, question{AspectWrite, write})
}

// mappedFile is a file that is mapped, for writing or not.
type mappedFile struct {
	path  string
	write bool
}
