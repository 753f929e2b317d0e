package validate

import (
	"encoding/binary"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

// A scenario is a valid image that shows one thing.
type scenario struct {
	name, about string
	change      func(*vector)
	// unsupported are the codes of what the engine cannot restore.
	unsupported []string
}

// alone leaves the root without its thread, and the objects it uses.
func (v *vector) alone() {
	t := v.Image.Tasks[0]
	o := &v.Image.Objects
	v.Image.Tasks = []format.Task{t}
	o.Processes, o.Memories = o.Processes[:1], o.Memories[:1]
	o.FileTables, o.Handlers = o.FileTables[:1], o.Handlers[:1]
	v.proc().Timers = nil
}

func (v *vector) zombie(tid, ppid format.PID, s format.WaitStatus) {
	v.Image.Tasks = append(v.Image.Tasks, format.Task{
		TID: tid, TGID: tid, PPID: ppid, PGID: 100, SID: 50, State: format.Zombie, Status: s, ExitSignal: format.SIGCHLD,
	})
}

var scenarios = []scenario{
	{name: "base", about: "two processes, two threads, a zombie, one file of each kind", change: func(*vector) {}},
	{name: "single", about: "one process with one thread", change: (*vector).alone},
	{name: "threads", about: "nine threads", change: func(v *vector) {
		for tid := format.PID(110); tid < 117; tid++ {
			t := livingTask(tid, 100, 1)
			t.PGID, t.SID, t.ExitSignal = 100, 50, 0
			v.Image.Tasks = append(v.Image.Tasks, t)
		}
	}},
	{name: "zombies", about: "zombies of every wait status", change: func(v *vector) {
		tid := format.PID(1000)
		for code := range 256 {
			v.zombie(tid, 100, format.ExitStatus(uint8(code)))
			tid++
		}
		for sig := format.Signal(1); sig <= format.MaxSignal; sig++ {
			for _, core := range []bool{false, true} {
				if s := format.SignalStatus(sig, core); s.Reachable() {
					v.zombie(tid, 102, s)
					tid++
				}
			}
		}
	}},
	{name: "dead-leader", about: "a leader that exited while its thread lives on, still the parent of others", change: func(v *vector) {
		leaveLead(v, format.DeadLeader)
	}},
	{name: "stopped", about: "a process stopped with both its threads, a child stopped unseen with an alarm by kill and one by timer", change: func(v *vector) {
		for _, tid := range []format.PID{100, 101, 102} {
			t := v.task(tid)
			t.State, t.StopSignal = format.Stopped, format.SIGTSTP
		}
		v.task(102).StopUnreported = true
		alarm := sigInfo(14)
		timer := sigInfo(14)
		timer.Code = siTimer
		binary.LittleEndian.PutUint32(timer.Raw[8:], 0xfffffffe)
		v.task(102).Pending = []format.SigInfo{alarm, timer}
	}},
	{name: "orphans", about: "children of dead processes, adopted by init, by a subreaper and as a sibling", change: func(v *vector) {
		v.proc().Subreaper = true
		v.spawn(104, 1, 102, 102).Creator = 90
		v.spawn(105, 100, 102, 102).Creator = 91
		t := v.spawn(106, 100, 100, 50)
		t.Creator, t.ExitSignal = 107, 10
		v.spawn(107, 100, 100, 50).ExitSignal = 10
	}},
	{name: "ghosts", about: "sessions and groups whose leaders are gone", change: func(v *vector) {
		v.spawn(104, 100, 300, 299)
		v.spawn(105, 100, 299, 299)
		v.spawn(106, 100, 301, 102)
		v.spawn(107, 102, 301, 102)
	}},
	{name: "sessions", about: "four sessions, one inside the other, groups left by their leaders", change: func(v *vector) {
		v.spawn(104, 102, 104, 104)
		v.spawn(105, 104, 105, 105)
		v.spawn(106, 105, 107, 105)
		v.spawn(107, 105, 105, 105)
	}},
	{name: "outside-ids", about: "session and group outside the pid namespace", change: func(v *vector) {
		v.Image.Objects.Terminals[0].Session, v.Image.Objects.Terminals[0].Group = 0, 0
		for _, tid := range []format.PID{100, 101, 103} {
			t := v.task(tid)
			t.SID, t.PGID = 0, 0
		}
		v.task(100).PPID, v.task(101).PPID = 0, 0
	}},
	{name: "shared-memory", about: "a process that shares memory and files, but no handlers, with its parent", change: func(v *vector) {
		t := v.spawn(104, 100, 100, 50)
		t.Memory, t.Files = idMemory, idTable
		v.forget(true, true, false)
	}},
	{name: "exit-signals", about: "children that signal otherwise than by SIGCHLD, or not at all", change: func(v *vector) {
		v.task(102).ExitSignal = 0
		v.task(103).ExitSignal = 34
	}},
	{name: "packets", about: "a pipe in packet mode with two packets", change: func(v *vector) {
		v.buffer().Packets = []uint32{2, 3}
		v.file(idPipeWrite).Flags |= format.ODirect
	}},
	{name: "epoll-nest", about: "six epoll files, each watching the next, and a file no longer open", change: func(v *vector) {
		for id := format.ObjectID(43); id < 48; id++ {
			v.epoll(id, id+1)
		}
		v.epoll(48, idEventfd)
		e := v.table().Entries
		v.table().Entries = append(e[:5:5], e[6:]...)
	}},
	{name: "memfd-seals", about: "a memfd sealed against growing, shrinking and later writing", change: func(v *vector) {
		v.index().Shared(idMemfdMem).Seals = 1 | 2 | 4 | 0x10
	}},
	{name: "traits", about: "attributes of prctl, guard pages, memory barriers, logins, flags of actions without a handler", change: func(v *vector) {
		t := v.task(101)
		t.MCEKill, t.NoTSC, t.NoCPUID, t.IOFlusher = format.MCEKillEarly, true, true, true
		t.Login = &format.Login{UID: 1000}
		v.task(102).Login = &format.Login{UID: format.NoLogin}
		v.speculate(0, 16)
		v.speculate(1, 8)
		v.sched().Slice = 3e6
		v.proc().XFeatures = 1 << 18
		mm := v.mm()
		mm.NoTHP, mm.THPAdvised, mm.MDWE, mm.MergeAny = true, true, 3, true
		mm.Membarriers = format.MembarrierGlobal | format.MembarrierPrivate | format.MembarrierRseq
		v.guard(anonAddr+0x1000, anonAddr+0x2000)
		v.guard(anonAddr+0x3000, anonAddr+0x4000)
		v.act(format.SignalAction{Signal: 12, Flags: saRestorer | 0x10000000, Restorer: textAddr + 0x1100, Mask: 1 << 3})
		v.act(format.SignalAction{Signal: 13, Handler: format.HandlerIgnore, Flags: 0x40000000, Mask: 1 << 4})
	}},
	{name: "compat", about: "a thread in 32-bit code", unsupported: []string{CodeCompat}, change: func(v *vector) {
		v.task(101).Registers.AMD64.CS = selCompat
	}},
	{name: "nested", about: "a pid namespace with two tasks", unsupported: []string{CodePIDNamespace}, change: func(v *vector) {
		v.Image.Objects.Namespaces = []format.Namespace{{ID: 80, Kind: format.NSPid}}
		for i, tid := range []format.PID{102, 103} {
			t := v.task(tid)
			t.NSPIDs, t.Namespaces = []format.PID{format.PID(i + 1)}, []format.ObjectID{80}
		}
	}},
	{name: "sockets", about: "unix sockets: a pair with a pipe in flight, a listening one with two connections, one of them accepted, a datagram socket", change: func(v *vector) {
		creds := &format.PeerCredentials{PID: 100, UID: 1000, GID: 100}
		v.socket(43, format.UnixSocket{Peer: 44, PeerCreds: creds})
		v.socket(44, format.UnixSocket{Peer: 43, PeerCreds: creds, Queue: []format.SocketMessage{
			{Data: []byte("x"), Files: []format.ObjectID{idPipeRead}},
		}})
		name := []byte("/run/app.sock")
		v.listener(45, format.UnixSocket{Name: name, Mode: 0o755, PeerCreds: creds, Pending: []format.ObjectID{49}})
		v.socket(46, format.UnixSocket{Peer: 47, PeerCreds: creds})
		v.socket(47, format.UnixSocket{Name: name, Mode: 0o755, Peer: 46, PeerCreds: creds, SocketCommon: format.SocketCommon{ShutWrite: true}})
		v.socket(48, format.UnixSocket{Peer: 49})
		v.hidden(49, format.UnixSocket{Name: name, Mode: 0o755, Peer: 48})
		v.hidden(52, format.UnixSocket{Name: []byte("\x00log"), Queue: []format.SocketMessage{{Data: []byte("line"), Creds: creds}}})
		v.file(52).Unix.Type = 2
		v.table().Entries = append(v.table().Entries, format.FileEntry{FD: 100, File: 52})
	}},
	{name: "locks", about: "locks of all kinds that do not exclude each other", change: func(v *vector) {
		v.locks([]format.FileLock{
			{Type: "flock", Owner: 100, End: format.Unlimited},
			{Type: "posix", Write: true, Owner: 100, Start: 10, End: 19},
			{Type: "posix", Owner: 100, Start: 30, End: 39},
		}, []format.FileLock{
			{Type: "flock", Owner: 100, End: format.Unlimited},
			{Type: "ofd", Write: true, Start: 20, End: 29},
			{Type: "ofd", Start: 35, End: format.Unlimited},
		})
	}},
	{name: "removed", about: "a removed working directory, the same open, and a link open with O_PATH", change: func(v *vector) {
		o := &v.Image.Objects
		o.Deleted = append(o.Deleted, format.DeletedFile{ID: idDeleted + 1, Path: "/tmp/d", Mode: 0o040700})
		o.FS[0].Cwd, o.FS[0].Deleted = "/tmp/d", idDeleted+1
		v.file(idDirectory).Directory.File = format.FileRef{Path: "/tmp/d", Mode: 0o040700, Deleted: idDeleted + 1}
		v.open(format.OpenFile{
			ID: 43, Kind: format.FileRegular, Flags: format.OPath | format.ONoFollow,
			Regular: &format.RegularFile{File: format.FileRef{Path: "/tmp/link", Mode: 0o120777}},
		})
	}},
	{name: "init", about: "a root that is pid 1, with host name, System V IPC and a /proc of its own", change: func(v *vector) {
		v.alone()
		t, o := &v.Image.Tasks[0], &v.Image.Objects
		v.Image.Root, t.TID, t.TGID, t.PPID, t.PGID, t.SID = 1, 1, 1, 0, 1, 1
		o.Terminals[0].Session, o.Terminals[0].Group = 1, 1
		o.Namespaces = []format.Namespace{
			{ID: idIPC, Kind: format.NSIPC, Sysctls: []format.Sysctl{{Name: "kernel.msgmnb", Value: "20000"}}},
			{ID: 81, Kind: format.NSPid},
			{ID: 82, Kind: format.NSUTS, HostName: "box", DomainName: "example.org"},
			{ID: 83, Kind: format.NSMount, Mounts: []format.Mount{
				{MountID: 20, ParentID: 1, Root: "/", Point: "/", Type: "ext4", External: "/"},
				{MountID: 21, ParentID: 20, Root: "/", Point: "/proc", Type: "proc"},
			}},
		}
		t.Namespaces = []format.ObjectID{idIPC, 81, 82, 83}
		segment := sysvNumber(32770, 7)
		o.Shared = append(o.Shared, format.SharedMemory{ID: 17, Kind: format.SharedSysV, Size: 4000, SysV: &segment})
		o.Semaphores = []format.SysVSemaphores{{ID: 84, Key: sysvNumber(0, 8), Values: []uint16{0, 9}}}
		o.Messages = []format.SysVMessages{{
			ID: 85, Key: sysvNumber(0, 0), MaxBytes: 20000,
			Messages: []format.SysVMessage{{Type: 1, Data: []byte("hello")}, {Type: 1 << 40}},
		}}
	}},
}

func TestValidVectors(t *testing.T) {
	names := map[string]bool{}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			v := &vector{About: s.about, Image: baseImage(), Pages: basePages(), Expect: []string{}, Unsupported: s.unsupported}
			s.change(v)
			names[s.name+".json"] = true
			v = checkVector(t, filepath.Join(validDir, s.name+".json"), v)
			if found := Image(t.Context(), v.image(), Options{Plan: true}); len(found) > 0 {
				t.Errorf("findings: %v", found)
			}
			if diff := cmp.Diff(append([]string{}, v.Unsupported...), codesOf(Unsupported(v.image()))); diff != "" {
				t.Errorf("unsupported (-want +got):\n%s", diff)
			}
		})
	}
	noStrays(t, validDir, names)
}
