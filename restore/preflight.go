package restore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/buildid"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/restore/plan"
	"github.com/thaw-cr/thaw/validate"
)

// Preflight says why this host, or this engine, cannot hold an image: all
// faults at once. It creates nothing.
func Preflight(ctx context.Context, img *format.Image, o Options) ([]validate.Finding, error) {
	j, err := newJob(ctx, &Request{Image: img, Options: o}, o.withDefaults())
	if err != nil {
		return nil, err
	}
	return j.findings, nil
}

// A job is what is known before anything is created: the plan, the host, where
// things will lie, and what stands against it.
type job struct {
	req  *Request
	opts *Options
	host *hostFacts
	plan *plan.Plan
	lay  layout
	// vdso is where each address space gets this kernel's.
	vdso     map[format.ObjectID]vdsoPlace
	findings []validate.Finding
	// spaces are the namespaces that the tree has for itself.
	spaces spaces
}

func newJob(ctx context.Context, req *Request, o *Options) (*job, error) {
	o.PIDNamespace = o.PIDNamespace || wantsNamespace(req.Image)
	j := &job{spaces: findSpaces(req.Image), req: req, opts: o, vdso: map[format.ObjectID]vdsoPlace{}}
	var err error
	if j.host, err = readHost(o); err != nil {
		return nil, err
	}
	if j.plan, err = plan.New(req.Image, planOptions(o)); err != nil {
		return nil, err
	}
	if j.lay, err = newLayout(req.Image); err != nil {
		return nil, err
	}
	return j, j.preflight(ctx)
}

// A checker collects what is wrong.
type checker struct {
	*job
	img      *format.Image
	ix       *format.Index
	findings []validate.Finding
}

func (j *job) preflight(ctx context.Context) error {
	c := &checker{job: j, img: j.req.Image, ix: format.NewIndex(j.req.Image)}
	err := c.run(ctx)
	j.findings = slices.DeleteFunc(c.findings, j.forced)
	return err
}

// forced says whether a finding is not to stop the restore. Only what is said
// of this host can be forced: state the engine does not know would be lost.
func (j *job) forced(f validate.Finding) bool {
	return strings.HasPrefix(f.Code, "X2") && slices.Contains(j.opts.Force, f.Code)
}

func (c *checker) run(ctx context.Context) error {
	if err := husk.Supported(); err != nil {
		c.add(validate.CodeHostArch, validate.Subject{}, "%v", err)
		return nil
	}
	for _, f := range validate.Unsupported(c.img) {
		if f.Severity == validate.Error {
			c.findings = append(c.findings, f)
		}
	}
	if arch := c.img.Provenance.Arch; arch != c.host.arch {
		if arch != "386" || c.host.arch != "amd64" { // this machine can, and why the engine cannot is said
			c.add(validate.CodeHostArch, validate.Subject{}, "image of %s on %s", arch, c.host.arch)
		}
		return nil
	}
	c.permission()
	c.numbers(c.plan)
	c.registers()
	c.limits()
	c.openFiles()
	c.locks()
	c.sockets()
	c.sysv()
	c.zombies()
	c.capabilities()
	c.features()
	if err := c.capacity(ctx); err != nil {
		return err
	}
	return c.memories(ctx)
}

func (c *checker) add(code string, s validate.Subject, message string, args ...any) {
	c.findings = append(c.findings, validate.New(code, s, message, args...))
}

// permission asks whether pids can be chosen.
func (c *checker) permission() {
	if !c.host.privileged() {
		c.add(validate.CodePermission, validate.Subject{},
			"choosing task numbers needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN")
	}
}

// numbers asks whether the image's numbers are free.
func (c *checker) numbers(p *plan.Plan) {
	seen := map[format.PID]bool{}
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		seen[t.TID] = true
		if int64(t.TID) >= c.host.pidMax {
			c.add(validate.CodePIDMax, validate.Subject{Task: t.TID}, "pid_max is %d", c.host.pidMax)
		}
		if !c.opts.PIDNamespace && taken(int(t.TID)) {
			c.add(validate.CodePIDTaken, validate.Subject{Task: t.TID}, "number %d is in use: %s", t.TID, commOf(int(t.TID)))
		}
	}
	for _, pr := range p.Procs {
		if pr.Role == plan.RoleGhost && !seen[pr.PID] && !c.opts.PIDNamespace && taken(int(pr.PID)) {
			c.add(validate.CodeSessionTaken, validate.Subject{},
				"number %d, needed for the %s, is in use: %s", pr.PID, pr.Why, commOf(int(pr.PID)))
		}
	}
	if c.opts.PIDNamespace {
		return
	}
	c.sessions(seen)
}

// sessions asks whether sessions or groups of a needed number live on without
// their leaders.
func (c *checker) sessions(seen map[format.PID]bool) {
	living, err := livingGroups()
	if err != nil {
		return
	}
	for pid := range seen {
		if by, ok := living[int(pid)]; ok && !taken(int(pid)) {
			c.add(validate.CodeSessionTaken, validate.Subject{Task: pid},
				"number %d is that of a session or group in which process %d lives", pid, by)
		}
	}
}

func commOf(pid int) string {
	b, err := os.ReadFile("/proc/" + itoa(pid) + "/comm")
	if err != nil {
		return "unknown"
	}
	return string(bytes.TrimSpace(b))
}

// registers asks whether this processor has what the registers use.
func (c *checker) registers() {
	enabled := hostFeatures()
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.Registers == nil || t.Registers.AMD64 == nil {
			continue
		}
		if lacks := usedFeatures(t.Registers.AMD64.XSave) &^ enabled; lacks != 0 {
			c.add(validate.CodeCPUFeature, validate.Subject{Task: t.TID},
				"its registers use the processor features %#x, which are not enabled here", lacks)
		}
	}
}

// memories asks for the vdso and the mapped files.
func (c *checker) memories(ctx context.Context) error {
	checked := map[string]bool{}
	for i := range c.img.Objects.Memories {
		mm := &c.img.Objects.Memories[i]
		place, why, err := c.host.placeVDSO(ctx, c.img, mm, c.lay.end)
		if err != nil {
			return err
		}
		if why != "" {
			c.add(validate.CodeVDSO, validate.Subject{Object: mm.ID},
				"the image's vdso, of kernel %s, is not this kernel's, and %s", c.img.Provenance.Kernel, why)
		}
		c.vdso[mm.ID] = place
		c.file(mm.Exe, mm.ID, checked)
		for j := range mm.VMAs {
			c.file(mm.VMAs[j].File, mm.ID, checked)
		}
	}
	return nil
}

// file asks whether a mapped file is the one it was.
func (c *checker) file(f format.FileRef, object format.ObjectID, checked map[string]bool) {
	if f.Path == "" || f.Deleted != 0 || checked[f.Path] {
		return
	}
	checked[f.Path] = true
	st, ok := c.stat(f, object)
	if !ok {
		return
	}
	if f.Mode&modeType == modeRegular && f.Size != 0 && uint64(st.Size) != f.Size {
		c.add(validate.CodeFileChanged, validate.Subject{File: f.Path, Object: object},
			"%d bytes long, was %d", st.Size, f.Size)
		return
	}
	if len(f.BuildID) == 0 {
		return
	}
	if id, err := buildid.Of(f.Path); err == nil && !bytes.Equal(id, f.BuildID) {
		c.add(validate.CodeFileChanged, validate.Subject{File: f.Path, Object: object},
			"build id %x, was %x", id, f.BuildID)
	}
}

const (
	modeType    = 0o170000
	modeRegular = 0o100000
	atCWD       = -100 // AT_FDCWD

	modeDirectory = 0o040000
	modeLink      = 0o120000
)

// stat looks at a file; a missing one or one of another type is a finding.
func (c *checker) stat(f format.FileRef, object format.ObjectID) (sys.FileInfo, bool) {
	subject := validate.Subject{File: f.Path, Object: object}
	look := sys.Stat
	if f.Mode&modeType == modeLink {
		look = sys.Lstat
	}
	st, err := look(f.Path)
	switch {
	case errors.Is(err, sys.EACCES) || errors.Is(err, sys.EPERM):
		c.add(validate.CodePermission, subject, "%v", err)
	case err != nil:
		c.add(validate.CodeFileMissing, subject, "%v", err)
	case f.Mode != 0 && st.Mode&modeType != f.Mode&modeType:
		c.add(validate.CodeFileChanged, subject, "of another type: mode %o, was %o", st.Mode, f.Mode)
	default:
		return st, true
	}
	return st, false
}

// limits asks whether hard limits would have to be raised.
func (c *checker) limits() {
	if c.host.creds.Effective&(1<<capSysResource) != 0 {
		return
	}
	seen := map[format.Limit]bool{}
	for i := range c.img.Objects.Processes {
		for _, l := range c.img.Objects.Processes[i].Limits {
			h, ok := c.host.limits[l.Resource]
			if ok && l.Hard > h.Hard && !seen[l] {
				seen[l] = true
				c.add(validate.CodeHostLimit, validate.Subject{Object: c.img.Objects.Processes[i].ID},
					"hard limit %d of resource %d, here %d", l.Hard, l.Resource, h.Hard)
			}
		}
	}
	if fds := newEngineFDs(c.img); uint64(fds.free) >= c.host.nofile.Hard {
		c.add(validate.CodeHostLimit, validate.Subject{},
			"descriptors up to %d are needed, the hard limit is %d", fds.free, c.host.nofile.Hard)
	}
}

// openFiles asks for the files that descriptors refer to.
func (c *checker) openFiles() {
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
	dirs := map[string]bool{"": true}
	for i := range c.img.Objects.FS {
		fs := &c.img.Objects.FS[i]
		for _, dir := range []string{fs.Root, fs.Cwd} {
			if !dirs[dir] && (fs.Deleted == 0 || dir != fs.Cwd) {
				dirs[dir] = true
				c.stat(format.FileRef{Path: dir, Mode: modeDirectory}, fs.ID)
			}
		}
	}
}

// access asks whether a file may be opened as it was.
func (c *checker) access(d *format.OpenFile, f format.FileRef) {
	const read, write, effective = 4, 2, 0x200 // R_OK, W_OK, AT_EACCESS
	mode := uint32(0)
	if d.Readable() {
		mode |= read
	}
	if d.Writable() {
		mode |= write
	}
	if f.Deleted != 0 || d.Flags&format.OPath != 0 {
		return
	}
	if err := syscall.Faccessat(atCWD, f.Path, mode, effective); errors.Is(err, sys.EACCES) || errors.Is(err, sys.EPERM) || errors.Is(err, syscall.EROFS) {
		c.add(validate.CodePermission, validate.Subject{File: f.Path, Object: d.ID}, "open file: %v", err)
	}
}

func (c *checker) device(d *format.OpenFile) {
	st, ok := c.stat(d.Device.File, d.ID)
	if ok && (sys.Major(st.Rdev) != d.Device.Major || sys.Minor(st.Rdev) != d.Device.Minor) {
		c.add(validate.CodeDeviceDiffers, validate.Subject{File: d.Device.File.Path, Object: d.ID},
			"device %d:%d, was %d:%d", sys.Major(st.Rdev), sys.Minor(st.Rdev), d.Device.Major, d.Device.Minor)
	}
}

func (c *checker) terminal(d *format.OpenFile) {
	if callerTerminal(c.img) < 0 {
		c.add(validate.CodeTerminal, validate.Subject{Object: d.ID}, "the caller has no terminal")
	}
}

// zombies asks whether core flags can be made.
func (c *checker) zombies() {
	if c.host.coreErr == nil {
		return
	}
	for i := range c.img.Tasks {
		if t := &c.img.Tasks[i]; t.State == format.Zombie && t.Status.Core() {
			c.add(validate.CodeCorePattern, validate.Subject{Task: t.TID}, "%v", c.host.coreErr)
		}
	}
}

// capabilities asks whether tasks would have any that the engine has not.
func (c *checker) capabilities() {
	for i := range c.img.Objects.Creds {
		cr := &c.img.Objects.Creds[i]
		if lacks := (cr.Permitted | cr.Effective | cr.Inheritable) &^ c.host.creds.Permitted; lacks != 0 {
			c.add(validate.CodeCapability, validate.Subject{Object: cr.ID}, "the capabilities %#x", lacks)
		}
	}
}
