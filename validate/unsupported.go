package validate

import (
	"context"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// Unsupported names everything in img that the engine of this release cannot
// restore, as findings of family X1, ordered as those of Image are.
func Unsupported(img *format.Image) []Finding {
	if img == nil {
		return nil
	}
	c := newChecker(context.Background(), img, Options{}, newTables(img))
	switch img.Provenance.Arch {
	case "amd64":
	case "386":
		c.report(CodeArch, Subject{}, "the image is of architecture 386: its tasks would run in the processor's compat mode, which the engine cannot put a task into")
	default:
		c.report(CodeArch, Subject{}, "the image is of architecture %.20q", img.Provenance.Arch)
	}
	c.eachTask(unsupportedTask, unsupportedPlace, unsupportedMix)
	o := &img.Objects
	each(c, o.Processes, unsupportedTimers)
	each(c, o.Memories, unsupportedMemory)
	each(c, o.Shared, unsupportedShared)
	each(c, o.Files, unsupportedFile)
	unsupportedOwners(c)
	each(c, o.Terminals, func(c *checker, t *format.Terminal) {
		if !t.Inherited {
			c.object(CodePtyMaster, t.ID, "terminal %.80q is not inherited", t.Path)
		}
	})
	each(c, o.Semaphores, unsupportedSemaphores)
	each(c, o.Messages, unsupportedMessages)
	each(c, o.Namespaces, unsupportedNamespace)
	each(c, o.Creds, func(c *checker, k *format.Credentials) {
		if k.Label != "" {
			c.object(CodeLabel, k.ID, "label %.80q", k.Label)
		}
	})
	each(c, img.Attachments, func(c *checker, a *format.Attachment) {
		code := CodeAttachment
		switch a.Role {
		case format.AttachmentBytes:
			return
		case format.AttachmentVital:
			code = CodeVitalRecord
		}
		c.report(code, Subject{Record: a.Record, Task: a.Task, Object: a.Object}, "record of format %.40q", a.Format)
	})
	return c.flush()
}

// each calls f for each element of a list.
func each[T any](c *checker, list []T, f func(*checker, *T)) {
	for i := range list {
		f(c, &list[i])
	}
}

func unsupportedShared(c *checker, s *format.SharedMemory) {
	if s.Kind == format.SharedSysV && s.SysV == nil {
		c.object(CodeSysVMemory, s.ID, "segment of %d bytes without a number", s.Size)
	}
	if s.MemfdFlags&memfdHuge != 0 {
		c.object(CodeHugeTLB, s.ID, "memfd of reserved huge pages")
	}
}

const (
	// memfdHuge is MFD_HUGETLB.
	memfdHuge = 4
	// deletedSuffix is what the kernel adds to paths of deleted files.
	deletedSuffix = " (deleted)"
)

func unsupportedTask(c *checker, t *format.Task) {
	switch t.State {
	case format.TracedStop:
		c.task(CodeTraced, t, "the task is stopped by its tracer")
	case format.DeadUnknown:
		c.task(CodeDeadUnknown, t, "the task is dead, nobody knows how")
	case format.Running, format.Stopped, format.Zombie, format.DeadLeader:
	}
	if r := t.Registers; r != nil {
		if r.AMD64 == nil && r.ARM64 == nil && len(r.Raw) > 0 {
			c.task(CodeRawRegisters, t, "%d raw register sets", len(r.Raw))
		}
		if r.AMD64 != nil && r.AMD64.CS == selCompat {
			c.task(CodeCompat, t, "the task runs 32-bit code")
		}
	}
	if t.Restart != nil && t.Restart.Kind == format.RestartOther {
		c.task(CodeRestartCall, t, "the call that was interrupted is not known")
	}
	if s := t.Sched; s != nil && (s.Policy == schedDeadline || s.Policy == schedExt) {
		c.task(CodeDeadline, t, "scheduling policy %d", s.Policy)
	}
}

// unsupportedPlace looks at what confines a task.
func unsupportedPlace(c *checker, t *format.Task) {
	if len(t.NSPIDs) > 0 {
		c.task(CodePIDNamespace, t, "the task has %d numbers in nested pid namespaces", len(t.NSPIDs))
	}
	if t.SeccompMode != 0 || t.Seccomp != 0 {
		c.task(CodeSeccomp, t, "seccomp mode %d", t.SeccompMode)
	}
	if t.Cgroup != 0 {
		c.task(CodeCgroup, t, "it was in control group %d, and runs in that of whoever restores it", t.Cgroup)
	}
	if fs := c.FS(t.FS); fs != nil && fs.Deleted == 0 && (strings.HasSuffix(fs.Cwd, deletedSuffix) || strings.HasSuffix(fs.Root, deletedSuffix)) {
		c.task(CodeDeletedPath, t, "working directory %.120q, root %.120q", fs.Cwd, fs.Root)
	}
}

// unsupportedTimers names timers on CPU time of one process or thread.
func unsupportedTimers(c *checker, p *format.Process) {
	for i := range p.Timers {
		if t := &p.Timers[i]; t.Clock < 0 {
			c.object(CodeTimerClock, p.ID, "timer %d on clock %d", t.Number, t.Clock)
		}
	}
}

// unsupportedFlags are the properties of VMAs that the engine cannot give.
var unsupportedFlags = []struct {
	flags format.VMAFlags
	code  string
	what  string
}{
	{format.VMAHugeTLB, CodeHugeTLB, "reserved huge pages"},
	{format.VMAUffdMissing | format.VMAUffdWP, CodeUserfaultfd, "registered with userfaultfd"},
	{format.VMAIO | format.VMAPFNMap, CodeDeviceMemory, "device memory"},
	{format.VMASync, CodeDAX, "MAP_SYNC"},
	{format.VMAShadowStack, CodeShadowStack, "shadow stack"},
}

func unsupportedMemory(c *checker, mm *format.AddressSpace) {
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		if v.Special() {
			continue // the kernel's own pages are marked as device memory
		}
		for _, u := range unsupportedFlags {
			if v.Flags&u.flags != 0 {
				c.object(u.code, mm.ID, "VMA %s-%s: %s", v.Start, v.End, u.what)
			}
		}
		if strings.HasPrefix(v.Name, "/[aio]") || strings.HasPrefix(v.File.Path, "/[aio]") {
			c.object(CodeAIO, mm.ID, "VMA %s-%s", v.Start, v.End)
		}
	}
}

// unsupportedKinds are the kinds of files that the engine cannot make.
var unsupportedKinds = map[format.FileKind]string{
	format.FileInet: CodeInetSocket, format.FileNetlink: CodeNetlinkSocket,
	format.FilePacket: CodePacketSocket, format.FileInotify: CodeInotify, format.FileFanotify: CodeFanotify,
	format.FilePidfd: CodePidfd, format.FileNamespace: CodeNamespaceFile,
}

// otherFiles are files that the model knows by name only, by how the name begins.
var otherFiles = []struct{ prefix, code string }{
	{"anon_inode:[io_uring]", CodeIOUring},
	{"anon_inode:[userfaultfd]", CodeUserfaultfd},
	{"socket:", CodeOtherSocket},
	{"/[io_uring]", CodeIOUring},
	{"mqueue:", CodePosixQueue},
	{"/dev/mqueue/", CodePosixQueue},
}

// OtherFileCode is the code for a file that the model knows only by the link
// text of /proc/PID/fd.
func OtherFileCode(link string) string {
	for _, o := range otherFiles {
		if strings.HasPrefix(link, o.prefix) {
			return o.code
		}
	}
	return CodeOtherFile
}

func unsupportedFile(c *checker, f *format.OpenFile) {
	if code, ok := unsupportedKinds[f.Kind]; ok {
		c.object(code, f.ID, "open file of kind %s", f.Kind)
	}
	if f.Other != nil {
		c.object(OtherFileCode(f.Other.Link), f.ID, "open file %.120q", f.Other.Link)
	}
	unsupportedLocks(c, f)
	if f.Unix != nil {
		unsupportedUnix(c, f.ID, f.Unix)
	}
	if f.Device != nil && f.Device.Block {
		c.object(CodeBlockDevice, f.ID, "block device %d:%d", f.Device.Major, f.Device.Minor)
	}
	if f.TTY != nil && f.TTY.Master {
		c.object(CodePtyMaster, f.ID, "master of terminal %d", f.TTY.Terminal)
	}
}
