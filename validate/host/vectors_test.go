package host

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/golden"
	"github.com/thaw-cr/thaw/validate"
)

var (
	update = flag.Bool("update", false, "write the vectors")
	set    = golden.Set{Update: update, How: "go generate ./validate/host"}
)

const vectorDir = "../../testdata/host"

// A vector is an image and a machine with what must be said of the two. The
// files in testdata/host hold one each, for other projects too.
type vector struct {
	// About says what the vector shows, Expect are the codes of all findings,
	// each once, in their order.
	About  string   `json:"about"`
	Expect []string `json:"expect"`
	// PIDNamespace says that the image is to be restored with --pidns.
	PIDNamespace bool          `json:"pidns,omitempty"`
	Facts        *Facts        `json:"facts"`
	Image        *format.Image `json:"image"`
	// Pages is how many pages the memory holds.
	Pages uint64 `json:"pages,omitempty"`
	// words are what they hold.
	words []uint64
}

// pages is a PageSource with one run.
type pages struct {
	count uint64
	words []uint64
}

func (p pages) Runs(_ context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		if id == idMemory && p.count > 0 {
			yield(format.PageRun{First: textAddr / format.PageSize, Count: p.count}, nil)
		}
	}
}

func (p pages) ReadPages(_ context.Context, _ format.ObjectID, _ format.PageNum, b []byte) error {
	clear(b)
	for i, w := range p.words {
		for k := range 8 {
			b[8*i+k] = byte(w >> (8 * k))
		}
	}
	return nil
}

// check gives the codes of what is found, each once.
func (v *vector) check(t *testing.T) []validate.Finding {
	t.Helper()
	v.Image.Pages = pages{v.Pages, v.words}
	res, err := NewChecker(v.Image).Check(t.Context(), NewMachine(v.Facts, nil), Options{PIDNamespace: v.PIDNamespace})
	if err != nil {
		t.Fatal(err)
	}
	return res.Findings
}

func codes(findings []validate.Finding) []string {
	list := []string{}
	for i := range findings {
		if !slices.Contains(list, findings[i].Code) {
			list = append(list, findings[i].Code)
		}
	}
	return list
}

const (
	idProcess, idMemory, idTable, idFS, idHandlers, idCreds = 1, 2, 3, 4, 5, 6

	idFile = 20

	textAddr = 0x400000
	vvarAddr = 0x7ffff7ff8000
	codeAddr = 0x7ffff7ffc000
)

func digest(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// image is that of one process with a program, an open file and AVX-512
// registers, which the machine of facts can hold.
func image() *format.Image {
	exe := format.FileRef{Path: "/usr/bin/counter", Size: 20000, Mode: 0o100755, BuildID: []byte{1, 2, 3}}
	area := make([]byte, 2696)
	area[xsaveEnabled], area[xsaveHeader] = 0xe7, 0xe7
	area[xsaveEnabled+1], area[xsaveHeader+1] = 2, 2
	area[1088], area[2688] = 1, 0x55
	return &format.Image{
		Provenance: format.Provenance{Tool: "thaw", Arch: "amd64", PageSize: 4096, Kernel: "6.18.44"},
		Root:       100,
		Tasks: []format.Task{{
			TID: 100, TGID: 100, PPID: 1, PGID: 100, SID: 100, State: format.Running, ExitSignal: format.SIGCHLD, Comm: "counter",
			Process: idProcess, Memory: idMemory, Files: idTable, FS: idFS, Handlers: idHandlers, Creds: idCreds,
			Registers: &format.Registers{AMD64: &format.RegistersAMD64{RIP: textAddr + 0x10, CS: 0x33, SS: 0x2b, XSave: area}},
			AltStack:  &format.AltStack{Base: 0x7f0000000000, Size: 16384},
			Sched:     &format.Sched{Affinity: []uint64{3}},
		}},
		Objects: format.Objects{
			Processes: []format.Process{{ID: idProcess, Limits: []format.Limit{{Resource: rlimitNofile, Soft: 1024, Hard: 4096}}}},
			Memories: []format.AddressSpace{{
				ID: idMemory, Exe: exe, VDSO: digest(7), VMAs: []format.VMA{
					{Start: textAddr, End: textAddr + 0x2000, Prot: 5, Kind: format.VMAFile, File: exe},
					{Start: 0x7f0000000000, End: 0x7f0000010000, Prot: 3, Kind: format.VMAAnon},
					{Start: vvarAddr, End: codeAddr, Prot: 1, Kind: format.VMAVVar},
					{Start: codeAddr, End: codeAddr + 0x2000, Prot: 5, Kind: format.VMAVDSO},
				},
				Auxv: []uint64{atHWCap, 0x178bfbff, atHWCap2, 2, atMinSigStack, 3632, 0, 0},
			}},
			FileTables: []format.FileTable{{ID: idTable, Entries: []format.FileEntry{{FD: 1, File: idFile}}}},
			Files: []format.OpenFile{{ID: idFile, Kind: format.FileRegular, Flags: format.OWrOnly, Regular: &format.RegularFile{
				File: format.FileRef{Path: "/var/log/app", Size: 100, Mode: 0o100644, MTime: 1e18},
			}}},
			FS:       []format.FS{{ID: idFS, Cwd: "/tmp", Root: "/", Umask: 0o22}},
			Handlers: []format.SignalHandlers{{ID: idHandlers}},
			Creds:    []format.Credentials{{ID: idCreds, Bounding: 1}},
		},
	}
}

// facts are those of a machine that can hold the image.
func facts() *Facts {
	id := Hex{1, 2, 3}
	f := &Facts{
		Version: Version, Tool: "thaw", Time: 1e18, Name: "node-a", Kernel: "6.18.44", Arch: "amd64", PageSize: 4096,
		Processor: &Processor{
			XFeatures: 0x2e7, Askable: new(uint64(0x2e7)), HWCap: 0x178bfbff, HWCap2: 2, SignalFrame: 3632,
			UserEnd: UserEnd4, Online: []uint64{0xf}, Speculation: []int{3, 3}, Components: []Component{
				{2, 576, 256}, {5, 1088, 64}, {6, 1152, 512}, {7, 1664, 1024}, {9, 2688, 8},
			},
		},
		VDSO: &VDSO{Digest: digest(7), Parts: []Part{{format.VMAVVar, 0, 0x4000}, {format.VMAVDSO, 0x4000, 0x2000}}},
		Rights: &Rights{Effective: 1<<41 - 1, Permitted: 1<<41 - 1, Bounding: 1<<41 - 1, Groups: &[]uint32{}, Scheduling: &Scheduling{}, OOM: &OOM{Least: -1000}, ProcCovered: new(""), Limits: []format.Limit{
			{Resource: rlimitNproc, Soft: 1000, Hard: 1000},
			{Resource: rlimitNofile, Soft: 1024, Hard: 65536},
			{Resource: rlimitMemlock, Soft: 65536, Hard: 65536},
		}},
		Memory:      &Memory{Available: 1 << 30, CommitLimit: 2 << 30, Committed: 1 << 30, Tasks: 200},
		Cgroups:     &Cgroups{Unified: true, Path: "/", Controllers: []string{"cpu", "memory", "pids"}},
		Security:    &Security{Modules: []string{"capability", "yama"}, Label: "unconfined"},
		SysV:        &SysV{Segments: []Segment{}},
		Numbers:     &Numbers{Tasks: []Taken{{Number: 1, By: "init"}}, Groups: []Taken{{Number: 1, Process: 1}}},
		Terminal:    new(true),
		Filesystems: []string{"ext4", "proc", "tmpfs"},
		Abstract:    &[]string{},
		Settings: map[string]string{
			"fs.nr_open": "1048576", "kernel.core_pattern": "core", "kernel.pid_max": "32768", "kernel.threads-max": "100000",
			"kernel.yama.ptrace_scope": "1", "kernel.shmmni": "4096", "kernel.shmmax": "18446744073692774399",
			"kernel.shm_next_id": "-1", "kernel.sem_next_id": "-1", "kernel.msg_next_id": "-1", "vm.max_map_count": "65530",
			"vm.mmap_min_addr": "65536", "vm.overcommit_memory": "0", "user.max_pid_namespaces": "1000",
			"user.max_user_namespaces": "1000", "user.max_mnt_namespaces": "1000", "user.max_uts_namespaces": "1000",
			"user.max_ipc_namespaces": "1000", "kernel.unprivileged_userns_clone": "",
			"kernel.apparmor_restrict_unprivileged_userns": "", "net.unix.max_dgram_qlen": "10",
			"fs.pipe-max-size": "1048576", "fs.pipe-user-pages-soft": "16384", "fs.pipe-user-pages-hard": "0",
			"fs.epoll.max_user_watches": "100000", "kernel.shmall": "18446744073692774399",
			"net.core.rmem_max": "212992", "net.core.wmem_max": "212992",
		},
		Features: map[string]Answer{},
		Files: []File{
			{Path: "/", Mode: 0o040755, Search: new("")},
			{Path: "/tmp", Mode: 0o041777, Search: new(""), Write: new("")},
			{Path: "/usr/bin/counter", Mode: 0o100755, Size: 20000, Read: new(""), Search: new(""), NoExec: new(false), BuildID: &id},
			{Path: "/var/log/app", Mode: 0o100644, Size: 100, MTime: 1e18, Read: new(""), Write: new("")},
		},
	}
	for i := range features {
		f.Features[features[i].name] = Answer{Is: Yes}
	}
	return f
}

func (v *vector) task() *format.Task { return &v.Image.Tasks[0] }

func (v *vector) memory() *format.AddressSpace { return &v.Image.Objects.Memories[0] }

// open adds an open file.
func (v *vector) open(f format.OpenFile) {
	o := &v.Image.Objects
	f.ID = format.ObjectID(idFile + len(o.Files))
	o.Files = append(o.Files, f)
	o.FileTables[0].Entries = append(o.FileTables[0].Entries, format.FileEntry{FD: format.FD(len(o.Files)), File: f.ID})
}

// file is what is at a path.
func (v *vector) file(path string) *File {
	i := slices.IndexFunc(v.Facts.Files, func(f File) bool { return f.Path == path })
	return &v.Facts.Files[i]
}

func (v *vector) there(f File) { v.Facts.Files = append(v.Facts.Files, f) }

// logFile is what the image says of the open file.
func (v *vector) logFile() *format.FileRef { return &v.Image.Objects.Files[0].Regular.File }

// digested gives image and machine the digests of program and open file.
func (v *vector) digested() {
	m := v.memory()
	m.Exe.SHA256, m.VMAs[0].File.SHA256, v.logFile().SHA256 = digest(0xa), digest(0xa), digest(0xd)
	v.file("/usr/bin/counter").SHA256, v.file("/var/log/app").SHA256 = Hex(digest(0xa)), Hex(digest(0xd))
}

// segment adds a segment of shared memory.
func (v *vector) segment(size uint64) {
	v.Image.Objects.Shared = append(v.Image.Objects.Shared, format.SharedMemory{
		ID: 40, Kind: format.SharedSysV, Size: size, SysV: &format.SysVKey{Number: 3, Key: 5},
	})
}

// namespace gives the tree a namespace of its own.
func (v *vector) namespace(n format.Namespace) {
	n.ID = 50
	v.task().Namespaces = append(v.task().Namespaces, n.ID)
	v.Image.Objects.Namespaces = append(v.Image.Objects.Namespaces, n)
}

// unprivileged takes all capabilities away.
func (v *vector) unprivileged() { v.Facts.Rights.Effective, v.Facts.Rights.Permitted = 0, 0 }

func (v *vector) encode(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("{\n")
	for i, part := range []struct {
		name  string
		value any
	}{{"about", v.About}, {"expect", v.Expect}, {"pidns", v.PIDNamespace}, {"facts", v.Facts}, {"image", v.Image}, {"pages", v.Pages}} {
		line, err := json.Marshal(part.value)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(`"` + part.name + `":` + string(line))
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

// TestVectors checks that each machine of the table gives its code and no other,
// and keeps the vectors in testdata/host.
func TestVectors(t *testing.T) {
	names := map[string]bool{}
	for _, tt := range vectors {
		name := tt.name + ".json"
		if tt.code != "" {
			name = tt.code + "-" + name
		}
		names[name] = true
		t.Run(name, func(t *testing.T) {
			v := &vector{About: tt.about, Expect: []string{}, Facts: facts(), Image: image(), Pages: 10}
			if tt.code != "" {
				v.Expect = append(v.Expect, tt.code)
			}
			tt.change(v)
			set.Check(t, filepath.Join(vectorDir, name), v.encode(t))
			found := v.check(t)
			if diff := cmp.Diff(v.Expect, codes(found)); diff != "" {
				t.Errorf("codes (-want +got):\n%s%v", diff, found)
			}
			document, err := json.Marshal(v.Facts)
			if err != nil {
				t.Fatal(err)
			}
			read, err := Decode(bytes.NewReader(document))
			if err != nil {
				t.Fatalf("its facts cannot be read: %v", err)
			}
			v.Facts = read
			if diff := cmp.Diff(found, v.check(t)); diff != "" {
				t.Errorf("facts that were read give something else (-first +read):\n%s", diff)
			}
		})
	}
	files, err := filepath.Glob(filepath.Join(vectorDir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !names[filepath.Base(f)] && !strings.Contains(f, "facts-") {
			t.Errorf("%s belongs to no vector", f)
		}
	}
}

// What facts that tell nothing leave open of the sample image: always, and with a
// pid namespace of its own or without.
var (
	darkAlways = []string{
		"how much memory is available",
		"the highest task number (kernel.pid_max)",
		"the limits of the control group",
		"the rights and limits of the program that would restore",
		"the vdso of this kernel",
		"what this processor tells programs",
		"what this processor's registers hold",
		"whether the files that the image needs are there, and as they were",
		"whether tracing is restricted (kernel.yama.ptrace_scope)",
		"which processors there are",
		"which security modules are active",
	}
	dark = map[bool][]string{
		false: {"whether the numbers of the image's tasks are free; with --pidns they are"},
		true: {
			"whether namespaces may be made (user.max_mnt_namespaces)",
			"whether namespaces may be made (user.max_pid_namespaces)",
		},
	}
)

// TestNothingKnown asks facts that tell next to nothing: nothing passes in
// silence, and nothing but notes and warnings comes of it.
func TestNothingKnown(t *testing.T) {
	for _, pidns := range []bool{false, true} {
		v := &vector{Facts: &Facts{Version: Version, Name: "dark", Arch: "amd64", PageSize: 4096}, Image: image(), PIDNamespace: pidns}
		found := v.check(t)
		if validate.HasErrors(found) {
			t.Errorf("errors of what is not known: %v", found)
		}
		if diff := cmp.Diff([]string{validate.CodeFeatureUnknown, validate.CodeHostUnknown}, codes(found)); diff != "" {
			t.Errorf("codes (-want +got):\n%s", diff)
		}
		var unknown []string
		for _, f := range found {
			if f.Code == validate.CodeHostUnknown {
				unknown = append(unknown, f.Message)
			}
		}
		slices.Sort(unknown)
		want := slices.Sorted(slices.Values(slices.Concat(darkAlways, dark[pidns])))
		if diff := cmp.Diff(want, unknown); diff != "" {
			t.Errorf("in a pid namespace: %v, what is not known (-want +got):\n%s", pidns, diff)
		}
	}
}
