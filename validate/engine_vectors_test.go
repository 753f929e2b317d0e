package validate

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

const unsupportedDir = "../testdata/unsupported"

// opened adds a file of a kind that the engine does not know.
func opened(kind format.FileKind, set func(*format.OpenFile)) func(*vector) {
	return func(v *vector) {
		f := format.OpenFile{ID: 43, Kind: kind, Flags: format.ORdWr}
		set(&f)
		v.open(f)
	}
}

func otherFile(link string) func(*vector) {
	return opened(format.FileOther, func(f *format.OpenFile) { f.Other = &format.OtherFile{Link: link} })
}

func flagged(fl format.VMAFlags) func(*vector) {
	return func(v *vector) { v.vma(anonAddr).Flags = fl }
}

// engineMutations are valid images with one thing that the engine cannot
// restore.
var engineMutations = []mutation{
	{CodeArch, "arm64", func(v *vector) {
		v.Image.Provenance.Arch = "arm64"
		for i := range v.Image.Tasks {
			if t := &v.Image.Tasks[i]; t.Registers != nil {
				t.Registers, t.Restart = &format.Registers{ARM64: &format.RegistersARM64{}}, nil
			}
		}
	}},
	{CodeUnixSocket, "peer-outside", func(v *vector) { v.socket(43, format.UnixSocket{PeerName: []byte("/run/log")}) }},
	{CodeUnixSocket, "raw", func(v *vector) { v.socket(43, format.UnixSocket{}); v.file(43).Unix.Type = 3 }},
	{CodeUnixSocket, "filter", func(v *vector) {
		v.socket(43, format.UnixSocket{})
		v.file(43).Unix.Options = []format.SocketOption{{Level: 1, Name: soFilter}}
	}},
	{CodeUnixSocket, "unsendable", func(v *vector) {
		v.socket(43, format.UnixSocket{Queue: []format.SocketMessage{{Data: []byte("x")}}})
		v.file(43).Unix.Type = 2
	}},
	{CodeUnixSocket, "unnamed-peer", func(v *vector) {
		v.socket(43, format.UnixSocket{Peer: 44})
		v.socket(44, format.UnixSocket{})
		v.file(43).Unix.Type, v.file(44).Unix.Type = 2, 2
	}},
	{CodeUnixSocket, "crowd", func(v *vector) {
		v.listener(43, format.UnixSocket{Name: []byte("/run/app.sock"), Pending: []format.ObjectID{44, 45}})
		v.file(43).Unix.Backlog = 0
		v.hidden(44, format.UnixSocket{PeerGone: true})
		v.hidden(45, format.UnixSocket{PeerGone: true})
	}},
	{CodePeerProcess, "launcher", func(v *vector) { v.socket(43, format.UnixSocket{PeerCreds: &format.PeerCredentials{PID: 77}}) }},
	{CodePeerProcess, "sender", func(v *vector) {
		v.socket(43, format.UnixSocket{PeerGone: true, Queue: []format.SocketMessage{{Data: []byte("x"), Creds: &format.PeerCredentials{PID: 77}}}})
	}},
	{CodeInetSocket, "tcp", opened(format.FileInet, func(f *format.OpenFile) {
		f.Inet = &format.InetSocket{Family: 2, SocketCommon: format.SocketCommon{Type: 1}}
	})},
	{CodeNetlinkSocket, "route", opened(format.FileNetlink, func(f *format.OpenFile) {
		f.Netlink = &format.NetlinkSocket{SocketCommon: format.SocketCommon{Type: 3}}
	})},
	{CodePacketSocket, "raw", opened(format.FilePacket, func(f *format.OpenFile) {
		f.Packet = &format.PacketSocket{SocketCommon: format.SocketCommon{Type: 3}}
	})},
	{CodeOtherSocket, "vsock", otherFile("socket:[123]")},
	{CodeInotify, "no-watch", opened(format.FileInotify, func(f *format.OpenFile) { f.Inotify = &format.Inotify{} })},
	{CodeFanotify, "no-mark", opened(format.FileFanotify, func(f *format.OpenFile) { f.Fanotify = &format.Fanotify{} })},
	{CodePidfd, "of-the-child", opened(format.FilePidfd, func(f *format.OpenFile) { f.Pidfd = &format.Pidfd{PID: 102} })},
	{CodeNamespaceFile, "net", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSNet, Host: true})
		opened(format.FileNamespace, func(f *format.OpenFile) { f.Namespace = &format.NamespaceFile{Namespace: 80} })(v)
	}},
	{CodeIOUring, "ring", otherFile("anon_inode:[io_uring]")},
	{CodeOtherFile, "perf-event", otherFile("anon_inode:[perf_event]")},
	{CodeFileLock, "lease", func(v *vector) {
		v.file(idRegular).Locks = []format.FileLock{{Type: "lease", Write: true, End: format.Unlimited}}
	}},
	{CodeFileOwner, "of-a-terminal", func(v *vector) { v.file(idTTY).Owner = &format.FileOwner{Type: 1, PID: 100} }},
	{CodeFileOwner, "not-in-the-image", func(v *vector) { v.file(idRegular).Owner = &format.FileOwner{Type: 1, PID: 999} }},
	{CodeFileOwner, "group-not-in-the-image", func(v *vector) { v.file(idRegular).Owner = &format.FileOwner{Type: 2, PID: 999} }},
	{CodeFileOwner, "thread-as-process", func(v *vector) { v.file(idRegular).Owner = &format.FileOwner{Type: 1, PID: 101} }},
	{CodeFileOwner, "another-user", func(v *vector) {
		v.file(idRegular).Owner = &format.FileOwner{Type: 1, PID: 100, UID: 4711, EUID: 4711}
	}},
	{CodeSeccomp, "strict", func(v *vector) { v.task(102).SeccompMode = 1 }},
	{CodeSysVSemaphore, "set", func(v *vector) {
		v.Image.Objects.Semaphores = []format.SysVSemaphores{{ID: 80, Values: []uint16{1}}}
	}},
	{CodeSysVSemaphore, "undo", func(v *vector) {
		v.ipc().Semaphores = []format.SysVSemaphores{
			{ID: 81, Key: sysvNumber(1, 7), Values: []uint16{1}, Undo: []format.SysVUndo{{Process: 100, Adjust: 1}}},
		}
	}},
	{CodeSysVMessages, "queue", func(v *vector) { v.Image.Objects.Messages = []format.SysVMessages{{ID: 80}} }},
	{CodeHugeTLB, "mapping", flagged(format.VMAHugeTLB)},
	{CodeHugeTLB, "memfd", func(v *vector) { v.index().Shared(idMemfdMem).MemfdFlags = memfdHuge }},
	{CodeDeviceMemory, "registers", flagged(format.VMAIO)},
	{CodeDeviceMemory, "frames", flagged(format.VMAPFNMap)},
	{CodeUserfaultfd, "range", flagged(format.VMAUffdWP)},
	{CodeUserfaultfd, "descriptor", otherFile("anon_inode:[userfaultfd]")},
	{CodeShadowStack, "mapping", flagged(format.VMAShadowStack)},
	{CodeDAX, "mapping", flagged(format.VMASync)},
	{CodeAIO, "ring", func(v *vector) { v.vma(anonAddr).Name = "/[aio] (deleted)" }},
	{CodePIDNamespace, "one", func(v *vector) { v.namespaces(format.Namespace{ID: 80, Kind: format.NSPid}) }},
	{CodeNamespace, "net", func(v *vector) { v.namespaces(format.Namespace{ID: 80, Kind: format.NSNet}) }},
	{CodeNamespace, "mounts", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSMount, Mounts: []format.Mount{{Point: "/", Root: "/", Type: "ext4"}}})
	}},
	{CodeNamespace, "forced-removal", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSIPC, Sysctls: []format.Sysctl{{Name: "kernel.shm_rmid_forced", Value: "1"}}})
	}},
	{CodeNamespace, "mixed", func(v *vector) {
		v.namespaces(format.Namespace{ID: 80, Kind: format.NSUTS})
		v.task(102).Namespaces = []format.ObjectID{81}
		v.Image.Objects.Namespaces = append(v.Image.Objects.Namespaces, format.Namespace{ID: 81, Kind: format.NSUTS})
	}},
	{CodeDeadline, "task", func(v *vector) { v.sched().Policy = schedDeadline }},
	{CodeTraced, "child", func(v *vector) {
		t := v.task(102)
		t.State, t.StopSignal = format.TracedStop, 5
	}},
	{CodePtyMaster, "descriptor", func(v *vector) {
		v.file(idTTY).TTY.Master = true
		v.Image.Objects.Terminals[0].Inherited = false
	}},
	{CodePtyMaster, "owned-terminal", func(v *vector) { v.Image.Objects.Terminals[0].Inherited = false }},
	{CodeCompat, "thread", func(v *vector) { v.task(101).Registers.AMD64.CS = selCompat }},
	{CodeDeadUnknown, "zombie", func(v *vector) { v.task(103).State, v.task(103).Status = format.DeadUnknown, 0 }},
	{CodeRawRegisters, "thread", func(v *vector) {
		v.task(101).Registers = &format.Registers{Raw: []format.RegisterSet{{Data: make([]byte, 8)}}}
	}},
	{CodeCgroup, "named", func(v *vector) {
		v.Image.Objects.Cgroups = []format.Cgroup{{ID: 90}}
		v.task(102).Cgroup = 90
	}},
	{CodeLabel, "unconfined", func(v *vector) { v.creds().Label = "unconfined" }},
	{CodeBlockDevice, "disk", func(v *vector) { v.file(idDevice).Device.Block, v.file(idDevice).Device.File.Mode = true, 0o060600 }},
	{CodePosixQueue, "jobs", otherFile("/dev/mqueue/jobs")},
	{CodeTimerClock, "cpu-time", func(v *vector) { v.timer().Clock = -6 }},
	{CodeRestartCall, "unknown", func(v *vector) { v.task(102).Restart = &format.Restart{Kind: format.RestartOther} }},
	{CodeVitalRecord, "descriptor-table", func(v *vector) {
		v.Image.Attachments = []format.Attachment{
			{Format: "linux-cr", Record: "leftovers", Role: format.AttachmentBytes},
			{Format: "linux-cr", Record: "MM_CONTEXT_LDT", Role: format.AttachmentVital},
		}
	}},
	{CodeAttachment, "of-criu", func(v *vector) { v.Image.Attachments = []format.Attachment{{Format: "criu", Record: "tun"}} }},
	{CodeDeletedPath, "directory", func(v *vector) { v.Image.Objects.FS[0].Cwd = "/tmp/x (deleted)" }},
}

func TestUnsupportedVectors(t *testing.T) {
	names := map[string]bool{}
	for _, m := range engineMutations {
		name := m.code + "-" + m.name
		t.Run(name, func(t *testing.T) {
			if names[name+".json"] {
				t.Fatal("name occurs twice")
			}
			names[name+".json"] = true
			v := m.vector()
			v.Expect, v.Unsupported = []string{}, []string{m.code}
			v = checkVector(t, filepath.Join(unsupportedDir, name+".json"), v)
			if diff := cmp.Diff(v.Unsupported, codesOf(Unsupported(v.image()))); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
			if found := Image(t.Context(), v.image(), Options{}); len(found) > 0 {
				t.Errorf("not valid otherwise: %v", found)
			}
		})
	}
	noStrays(t, unsupportedDir, names)
	ok := &vector{Image: baseImage()}
	ok.namespaces(format.Namespace{ID: 80, Kind: format.NSIPC}, format.Namespace{ID: 81, Kind: format.NSUTS},
		format.Namespace{ID: 82, Kind: format.NSNet, Host: true}, format.Namespace{ID: 83, Kind: format.NSMount, Mounts: []format.Mount{
			{Point: "/", Root: "/", Type: "ext4", External: "/"}, {Point: "/proc", Root: "/", Type: "proc"},
		}})
	ok.file(idRegular).Owner = &format.FileOwner{Type: 2, PID: 100, UID: 1000, EUID: 1000, Signal: 34}
	ok.file(idPipeRead).Flags |= format.OAsync
	ok.Image.Objects.Messages = []format.SysVMessages{{ID: 84, Key: sysvNumber(1, 7)}}
	if found := Unsupported(ok.Image); len(found) > 0 {
		t.Errorf("findings of what is supported: %v", found)
	}
}

// elsewhere are the tests of rules about what no image can hold: a test's file
// and its name. Such a test has to name the rule.
var elsewhere = map[string]struct{ file, test string }{
	CodeSysVMemory:      {"capture/refuse_test.go", "TestRefusals"},
	CodeKernelThread:    {"internal/live/refuse_test.go", "TestRefuseKernelThread"},
	CodeCannotFreeze:    {"capture/prctl_amd64_test.go", "TestFreezeErrorsHaveRules"},
	CodeProtectionKey:   {"internal/live/refuse_test.go", "TestRefuse"},
	CodeVfork:           {"internal/live/refuse_test.go", "TestRefuse"},
	CodeTornPipe:        {"capture/refuse_test.go", "TestTornPipe"},
	CodeForeignThread:   {"capture/prctl_amd64_test.go", "TestForeignMemory"},
	CodeTaggedAddress:   {"capture/prctl_amd64_test.go", "TestRefusedTraits"},
	CodeSyscallDispatch: {"internal/live/refuse_test.go", "TestRefuse"},
	CodeCoreScheduling:  {"capture/prctl_amd64_test.go", "TestRefusedTraits"},
	CodeMappedMemory:    {"restore/run_test.go", "TestBigMemory"},
}

// hostTests are the tests of family X2, which is about machines: vectors and a
// table test for what is asked before a restore, others for the rest.
var hostTests = []string{"validate/host/table_test.go", "restore/rules_test.go", "restore/vdso_test.go", "restore/verify_test.go"}

// TestEveryRuleIsTested asks that each rule of families P and X has a vector or
// a test that names it. Those of the other families: TestInvalidVectors; of
// codecs: TestFromErrorKnowsAllKinds.
func TestEveryRuleIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, m := range engineMutations {
		tested[m.code] = true
	}
	for code, at := range elsewhere {
		src := source(t, at.file)
		if !strings.Contains(src, "func "+at.test+"(") {
			t.Errorf("%s: %s has no %s", code, at.file, at.test)
		}
		tested[code] = names(src)[code]
	}
	for _, file := range hostTests {
		for code := range names(source(t, file)) {
			tested[code] = tested[code] || strings.HasPrefix(code, "X2")
		}
	}
	for _, r := range Rules() {
		if r.Family() == "X" && !tested[r.Code] {
			t.Errorf("%s (%s) has neither a vector nor a test", r.Code, r.Title)
		}
	}
}

func source(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// names are the codes that a test's source names by their constants.
func names(src string) map[string]bool {
	constants := map[string]string{}
	for _, name := range []string{"catalogue_engine.go", "catalogue_host.go"} {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for _, m := range regexp.MustCompile(`(Code\w+)\s+= "(X\d{3})"`).FindAllSubmatch(b, -1) {
			constants[string(m[1])] = string(m[2])
		}
	}
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`validate\.(Code\w+)`).FindAllStringSubmatch(src, -1) {
		if code := constants[m[1]]; code != "" {
			found[code] = true
		}
	}
	return found
}
