package restore

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/hostfacts"
	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/host"
)

// mapFile gives the process an area that a file backs.
func (w *world) mapFile(path string, prot format.Prot, size uint64) {
	mm := &w.img.Objects.Memories[0]
	mm.VMAs = slices.Insert(mm.VMAs, 1, format.VMA{
		Start: 0x500000, End: 0x501000, Prot: prot, Kind: format.VMAFile,
		File: format.FileRef{Path: path, Mode: modeRegular | 0o644, Size: size},
	})
}

func (w *world) open(f format.OpenFile) {
	o := &w.img.Objects
	f.ID = w.id()
	o.Files = append(o.Files, f)
	o.FileTables[0].Entries = append(o.FileTables[0].Entries, format.FileEntry{FD: format.FD(len(o.Files)), File: f.ID})
}

// hostRules are images and machines, described, that do not fit: the image by
// what it has more than a tiny process, the machine by what it lacks of this
// one. Each is to trip the one rule.
var hostRules = []struct {
	code, name string
	image      func(*testing.T, *world)
	host       func(*hostFacts)
	opts       Options
}{
	{code: validate.CodeHostArch, name: "arm64", host: func(h *hostFacts) { h.facts.Arch = "arm64" }},
	{code: validate.CodePIDTaken, name: "ours", image: func(_ *testing.T, w *world) { w.number(format.PID(os.Getpid())) }},
	{code: validate.CodeSessionTaken, name: "session", image: func(_ *testing.T, w *world) {
		w.img.Tasks[0].SID, w.img.Tasks[0].PGID = format.PID(os.Getpid()), format.PID(os.Getpid())
	}},
	{code: validate.CodePIDMax, name: "low", host: setting("kernel.pid_max", "20001")},
	{code: validate.CodeFileMissing, name: "mapped", image: func(t *testing.T, w *world) {
		w.mapFile(filepath.Join(t.TempDir(), "gone"), format.ProtRead, 0)
	}},
	{code: validate.CodeFileChanged, name: "longer", image: func(t *testing.T, w *world) { w.mapFile(emptyFile(t), format.ProtRead, 1) }},
	{code: validate.CodeFileChanged, name: "contents", image: func(t *testing.T, w *world) {
		w.mapFile(emptyFile(t), format.ProtRead, 0)
		w.img.Objects.Memories[0].VMAs[1].File.SHA256 = make([]byte, 32)
	}},
	{code: validate.CodePermission, name: "unprivileged", host: func(h *hostFacts) { h.facts.Rights.Effective = 0 }},
	{code: validate.CodeVDSO, name: "in-use", image: func(_ *testing.T, w *world) { w.foreign(atSysinfoEHDR, vdsoAddr, 0, 0, vdsoAddr+0x8c0) }},
	{code: validate.CodeCPUFeature, name: "registers", image: func(_ *testing.T, w *world) {
		const header, size = 512, 576
		x := make([]byte, size)
		x[header+7] = 0x20
		w.img.Tasks[0].Registers.AMD64.XSave = x
	}},
	{code: validate.CodeCPUFeature, name: "permission", image: func(_ *testing.T, w *world) { w.img.Objects.Processes[0].XFeatures = 1 << 61 }},
	{
		code: validate.CodeKernelFeature, name: "speculation",
		image: func(_ *testing.T, w *world) {
			w.img.Tasks[0].Speculation = []format.Speculation{{Feature: 0, Control: 4}}
		},
		host: func(h *hostFacts) { h.facts.Processor.Speculation[0] = 2 },
	},
	{
		code: validate.CodeHostLimit, name: "descriptors",
		image: func(_ *testing.T, w *world) {
			w.img.Objects.Processes[0].Limits = []format.Limit{{Resource: rlimitCore, Soft: 0, Hard: 2}}
		},
		host: func(h *hostFacts) {
			h.facts.Rights.Effective &^= 1 << capSysResource
			h.facts.Rights.Limits = append(h.facts.Rights.Limits, format.Limit{Resource: rlimitCore, Hard: 1})
		},
	},
	{
		code: validate.CodeHostMemory, name: "one-byte",
		host: func(h *hostFacts) { h.facts.Memory = &host.Memory{Available: 1} },
	},
	{
		code: validate.CodeUnmappedID, name: "user",
		image: func(_ *testing.T, w *world) { w.creds(format.Credentials{UID: 33, EUID: 33, SUID: 33, FSUID: 33}) },
		host:  func(h *hostFacts) { h.facts.Rights.Effective = 0 },
		opts:  Options{PIDNamespace: true},
	},
	{
		code: validate.CodeCapability, name: "unknown",
		image: func(_ *testing.T, w *world) { w.creds(format.Credentials{Permitted: 1 << 62}) },
	},
	{
		code: validate.CodeCapability, name: "io-flusher",
		image: func(_ *testing.T, w *world) { w.img.Tasks[0].IOFlusher = true },
		host:  func(h *hostFacts) { h.facts.Rights.Effective &^= 1 << capSysResource },
	},
	{code: validate.CodeTerminal, name: "none", image: func(_ *testing.T, w *world) {
		id := w.id()
		w.img.Objects.Terminals = []format.Terminal{{ID: id, Path: "/dev/pts/999999", Major: 136, Minor: 999999, Inherited: true}}
		w.open(format.OpenFile{Kind: format.FileTTY, TTY: &format.TTYFile{Terminal: id}})
	}},
	{code: validate.CodeAffinity, name: "processor-4000", image: func(_ *testing.T, w *world) {
		mask := make([]uint64, 63)
		mask[62] = 1
		w.img.Tasks[0].Sched = &format.Sched{Affinity: mask}
	}},
	{code: validate.CodeDeviceDiffers, name: "zero-for-null", image: func(_ *testing.T, w *world) {
		w.open(format.OpenFile{Kind: format.FileDevice, Device: &format.DeviceFile{
			File: format.FileRef{Path: "/dev/null", Mode: 0o020666}, Major: 1, Minor: 5,
		}})
	}},
	{
		code: validate.CodeMountOptions, name: "noexec",
		image: func(t *testing.T, w *world) { w.mapFile(emptyFile(t), format.ProtRead|format.ProtExec, 0) },
		host: func(h *hostFacts) {
			h.facts.Files = nil
			h.machine = host.NewMachine(h.facts, noexec{&hostfacts.Source{}})
		},
	},
	{
		code: validate.CodeCorePattern, name: "program",
		image: func(_ *testing.T, w *world) { w.zombie(20002, 20001, 20001, 20001, format.SignalStatus(11, true)) },
		host:  setting("kernel.core_pattern", "|a program"),
	},
	{
		code: validate.CodeAddressRange, name: "five-levels",
		image: func(_ *testing.T, w *world) {
			mm := &w.img.Objects.Memories[0]
			mm.VMAs = append(mm.VMAs, format.VMA{Start: 1 << 50, End: 1<<50 + pageSize, Prot: format.ProtRead, Kind: format.VMAAnon})
		},
		host: func(h *hostFacts) { h.facts.Processor.UserEnd = host.UserEnd4 },
	},
	{code: validate.CodeHostPageSize, name: "64-KiB", host: func(h *hostFacts) { h.facts.PageSize = 65536 }},
	{
		code: validate.CodePIDNamespaceNo, name: "pid", opts: Options{PIDNamespace: true},
		host: setting("user.max_pid_namespaces", "0"),
	},
	{
		code: validate.CodePIDNamespaceNo, name: "user", opts: Options{PIDNamespace: true},
		host: func(h *hostFacts) {
			h.facts.Rights.Effective = 0
			setting("user.max_user_namespaces", "0")(h)
		},
	},
	{
		code: validate.CodeOpenFiles, name: "nr-open",
		image: func(_ *testing.T, w *world) {
			w.open(format.OpenFile{Kind: format.FileDevice, Device: &format.DeviceFile{File: format.FileRef{Path: "/dev/null"}, Major: 1, Minor: 3}})
		},
		host: setting("fs.nr_open", "1"),
	},
	{code: validate.CodeLockTaken, name: "flock", image: func(t *testing.T, w *world) {
		f, err := os.Open(emptyFile(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() }) // only read
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		w.open(format.OpenFile{
			Kind: format.FileRegular, Regular: &format.RegularFile{File: format.FileRef{Path: f.Name()}},
			Locks: []format.FileLock{{Type: "flock", Write: true, Owner: 20001, End: format.Unlimited}},
		})
	}},
	{code: validate.CodeSocketName, name: "regular-file", image: func(t *testing.T, w *world) { w.bound(emptyFile(t)) }},
	{code: validate.CodeSocketName, name: "living-socket", image: func(t *testing.T, w *world) {
		name := filepath.Join(t.TempDir(), "socket")
		l, err := net.Listen("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() }) // nobody connects
		w.bound(name)
	}},
	{code: validate.CodeFileMissing, name: "directory-of-a-socket", image: func(t *testing.T, w *world) {
		w.bound(filepath.Join(t.TempDir(), "gone", "socket"))
	}},
	{
		code: validate.CodeHostLimit, name: "datagrams",
		image: func(_ *testing.T, w *world) {
			w.open(format.OpenFile{Kind: format.FileUnix, Unix: &format.UnixSocket{
				SocketCommon: format.SocketCommon{Type: 2}, Name: []byte("\x00thaw test"), Queue: make([]format.SocketMessage, 3),
			}})
		},
		host: setting("net.unix.max_dgram_qlen", "1"),
	},
	{
		code: validate.CodePermission, name: "peer-of-another-user",
		image: func(_ *testing.T, w *world) {
			w.open(format.OpenFile{Kind: format.FileUnix, Unix: &format.UnixSocket{
				SocketCommon: format.SocketCommon{Type: 1}, PeerGone: true, PeerCreds: &format.PeerCredentials{PID: 20001, UID: 77},
			}})
		},
		host: func(h *hostFacts) { h.facts.Rights.Effective &^= 1 << 7 },
	},
	{code: validate.CodeSysVTaken, name: "number", image: func(t *testing.T, w *world) {
		w.segment(&format.SysVKey{Number: newSegment(t), Mode: 0o600}, pageSize)
	}},
	{code: validate.CodeMapCount, name: "few", host: setting("vm.max_map_count", "8")},
}

// setting gives the machine another setting.
func setting(name, value string) func(*hostFacts) {
	return func(h *hostFacts) {
		if h.facts.Settings == nil {
			h.facts.Settings = map[string]string{}
		}
		h.facts.Settings[name] = value
	}
}

// noexec is a machine all of whose mounts forbid to execute what lies on them.
type noexec struct{ *hostfacts.Source }

func (n noexec) Look(f *host.File, a host.Aspect) {
	n.Source.Look(f, a)
	if a == host.AspectNoExec {
		no := true
		f.NoExec = &no
	}
}

const capSysResource = 24

// bound gives the process a socket of that name.
func (w *world) bound(name string) {
	w.open(format.OpenFile{Kind: format.FileUnix, Unix: &format.UnixSocket{
		SocketCommon: format.SocketCommon{Type: 1, Listening: true, Backlog: 1}, Name: []byte(name), Mode: 0o755,
	}})
}

func emptyFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// number gives the only process another number.
func (w *world) number(pid format.PID) {
	t := &w.img.Tasks[0]
	t.TID, t.TGID, t.PGID, t.SID, w.img.Root = pid, pid, pid, pid, pid
}

func (w *world) creds(c format.Credentials) {
	c.ID = w.id()
	w.img.Objects.Creds = append(w.img.Objects.Creds, c)
}

// TestHostRules: each rule of family X2 that is asked before anything is created
// is tripped by its image and machine, alone. The world undisturbed trips none.
func TestHostRules(t *testing.T) {
	judge := func(t *testing.T, image func(*testing.T, *world), differ func(*hostFacts), o Options) []string {
		t.Helper()
		w := newWorld(t)
		w.process(t, 20001, 0, 20001, 20001)
		if image != nil {
			image(t, w)
		}
		opts := o.withDefaults()
		j, err := newJob(t.Context(), &Request{Image: w.img, Options: o}, opts)
		if err != nil {
			t.Fatal(err)
		}
		if differ != nil {
			differ(j.host)
		}
		if err := j.preflight(t.Context()); err != nil {
			t.Fatal(err)
		}
		codes := []string{}
		for _, f := range j.findings {
			codes = append(codes, f.Code)
		}
		return slices.Compact(codes)
	}
	for _, tt := range hostRules {
		t.Run(tt.code+"-"+tt.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{tt.code}, judge(t, tt.image, tt.host, tt.opts)); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
	for _, o := range []Options{{}, {PIDNamespace: true}} {
		if got := judge(t, nil, nil, o); len(got) > 0 {
			t.Errorf("this machine with %+v: %v", o, got)
		}
	}
}
