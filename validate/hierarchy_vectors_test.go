package validate

import "github.com/thaw-cr/thaw/format"

var hierarchyMutations = []mutation{
	{"H001", "no-tasks", func(v *vector) { *v.Image = format.Image{Root: 100, Provenance: v.Image.Provenance}; v.Pages = nil }},
	{"H002", "root-missing", func(v *vector) { v.Image.Root = 999 }},
	{"H003", "root-is-thread", func(v *vector) { v.Image.Root = 101 }},
	{"H004", "child-first", func(v *vector) { t := v.Image.Tasks; t[0], t[2] = t[2], t[0] }},
	{"H005", "root-zombie", func(v *vector) {
		zombie := v.Image.Tasks[3]
		*v.Image = format.Image{Root: 103, Provenance: v.Image.Provenance, Tasks: []format.Task{zombie}}
		v.Pages = nil
	}},
	{"H006", "zombie-twice", func(v *vector) { v.Image.Tasks = append(v.Image.Tasks, v.Image.Tasks[3]) }},
	{"H007", "negative-parent", func(v *vector) { v.task(102).PPID = -5 }},
	{"H007", "huge-number", func(v *vector) { v.spawn(pidLimit, 100, 100, 50) }},
	{"H007", "huge-group", func(v *vector) { v.task(103).PGID = pidLimit }},
	{"H008", "lone-thread", func(v *vector) {
		t := v.spawn(105, 100, 100, 50)
		t.TGID, t.ExitSignal = 104, 0
	}},
	{"H009", "sleeping", func(v *vector) { v.task(102).State = "sleeping" }},
	{"H010", "zombie-thread", func(v *vector) {
		*v.task(101) = format.Task{TID: 101, TGID: 100, PPID: 1, PGID: 100, SID: 50, State: format.Zombie}
		v.proc().Timers = nil
	}},
	{"H011", "zombie-leader", func(v *vector) { leaveLead(v, format.Zombie) }},
	{"H012", "dead-leader-alone", func(v *vector) { v.task(103).State = format.DeadLeader }},
	{"H013", "running-with-status", func(v *vector) { v.task(102).Status = format.ExitStatus(1) }},
	{"H014", "code-and-signal", func(v *vector) { v.task(103).Status = 0x105 }},
	{"H014", "signal-65", func(v *vector) { v.task(103).Status = 65 }},
	{"H015", "killed-by-sigchld", func(v *vector) { v.task(103).Status = format.SignalStatus(format.SIGCHLD, false) }},
	{"H015", "core-of-sigterm", func(v *vector) { v.task(103).Status = format.SignalStatus(format.SIGTERM, true) }},
	{"H016", "thread-elsewhere", func(v *vector) { v.task(101).PPID = 2 }},
	{"H017", "thread-in-other-group", func(v *vector) { v.task(101).PGID = 77 }},
	{"H018", "thread-other-process", func(v *vector) { v.task(101).Process = idProcess2 }},
	{"H019", "thread-other-memory", func(v *vector) { v.task(101).Memory = idMemory2; v.task(101).AltStack = nil }},
	{"H020", "thread-other-handlers", func(v *vector) {
		v.task(101).Handlers = 67
		v.Image.Objects.Handlers = append(v.Image.Objects.Handlers, format.SignalHandlers{ID: 67})
	}},
	{"H021", "thread-not-stopped", func(v *vector) { t := v.task(100); t.State, t.StopSignal = format.Stopped, format.SIGSTOP }},
	{"H022", "child-of-thread", func(v *vector) { v.task(102).PPID = 101 }},
	{"H023", "child-of-zombie", func(v *vector) { v.task(102).PPID = 103 }},
	{"H024", "two-parents-of-each-other", func(v *vector) { v.task(100).PPID, v.task(101).PPID = 102, 102 }},
	{"H024", "own-parent", func(v *vector) { v.task(103).PPID = 102; v.task(102).PPID = 102 }},
	{"H025", "leader-left-group", func(v *vector) { v.task(102).PGID = 105 }},
	{"H026", "member-of-no-session", func(v *vector) { v.task(103).SID, v.task(103).PGID = 100, 77 }},
	{"H027", "group-torn", func(v *vector) { v.task(103).SID = 51 }},
	{"H027", "ghost-group-torn", func(v *vector) { v.spawn(104, 100, 77, 50); v.spawn(105, 100, 77, 51) }},
	{"H028", "group-zero", func(v *vector) { v.task(103).PGID = 0 }},
	{"H029", "session-of-thread", func(v *vector) { v.task(103).SID, v.task(103).PGID = 101, 77 }},
	{"H029", "group-of-thread", func(v *vector) { v.task(103).PGID = 101 }},
	{"H030", "signal-65", func(v *vector) { v.task(102).ExitSignal = 65 }},
	{"H031", "thread-signals", func(v *vector) { v.task(101).ExitSignal = format.SIGCHLD }},
	{"H032", "orphan-sends-sigusr1", func(v *vector) {
		t := v.spawn(104, 2, 100, 50)
		t.Creator, t.ExitSignal = 90, 10
	}},
	{"H047", "parent-77", func(v *vector) { v.spawn(104, 77, 100, 50) }},
	{"H048", "ignored", func(v *vector) {
		v.task(102).State, v.task(102).StopSignal = format.Stopped, format.SIGTSTP
		v.Image.Objects.Handlers[1].Actions = []format.SignalAction{{Signal: format.SIGTSTP, Handler: format.HandlerIgnore}}
	}},
	{"H033", "signal-99", func(v *vector) { v.task(102).ParentDeathSignal = 99 }},
	{"H034", "made-itself", func(v *vector) { v.task(102).Creator = 102 }},
	{"H035", "zombie-with-files", func(v *vector) { v.task(103).Files = idTable }},
	{"H035", "zombie-with-registers", func(v *vector) { v.task(103).Registers = v.task(102).Registers }},
	{"H036", "sixteen-bytes", func(v *vector) { v.task(100).Comm = "sixteen-bytes-ok" }},
	{"H036", "zero-byte", func(v *vector) { v.task(100).Comm = "a\x00b" }},
	{"H037", "stopped-by-sigterm", func(v *vector) { t := v.task(102); t.State, t.StopSignal = format.Stopped, format.SIGTERM }},
	{"H038", "stopped-by-nobody", func(v *vector) { v.task(102).State = format.Stopped }},
	{"H039", "running-with-stop", func(v *vector) { v.task(102).StopSignal = format.SIGSTOP }},
	{"H039", "zombie-unreported", func(v *vector) { v.task(103).StopUnreported = true }},
	{"H040", "no-credentials", func(v *vector) { v.task(102).Creds = 0 }},
	{"H041", "shared-process", func(v *vector) {
		v.spawn(104, 100, 100, 50).Process = idProcess2
		v.Image.Objects.Processes = v.Image.Objects.Processes[:2]
	}},
	{"H042", "handlers-without-memory", func(v *vector) {
		v.spawn(104, 100, 100, 50).Handlers = idHandlers2
		v.forget(false, false, true)
	}},
	{"H043", "number-zero", func(v *vector) { v.task(102).NSPIDs = []format.PID{0} }},
	{"H044", "thread-deeper", func(v *vector) { v.task(101).NSPIDs = []format.PID{7} }},
	{"H045", "child-outside", func(v *vector) {
		v.task(100).NSPIDs, v.task(101).NSPIDs = []format.PID{1}, []format.PID{2}
		v.task(103).NSPIDs = []format.PID{3}
	}},
	{"H046", "seven-twice", func(v *vector) {
		v.Image.Objects.Namespaces = []format.Namespace{{ID: 80, Kind: format.NSPid}}
		for _, tid := range []format.PID{102, 103} {
			v.task(tid).NSPIDs, v.task(tid).Namespaces = []format.PID{7}, []format.ObjectID{80}
		}
	}},
}

// leaveLead lets the root's leader be dead while its thread lives.
func leaveLead(v *vector, s format.State) {
	t := v.task(100)
	*t = format.Task{
		TID: 100, TGID: 100, PPID: 1, PGID: 100, SID: 50, State: s, ExitSignal: format.SIGCHLD, Process: idProcess,
	}
	if s == format.Zombie {
		// A zombie has no children, so make it another process than the root.
		v.task(101).AltStack = nil
		boss := v.spawn(104, 1, 100, 50)
		v.Image.Root = boss.TID
		for _, tid := range []format.PID{102, 103, 100, 101} {
			v.task(tid).PPID = 104
		}
		last := len(v.Image.Tasks) - 1
		v.Image.Tasks[0], v.Image.Tasks[last] = v.Image.Tasks[last], v.Image.Tasks[0]
	}
}

// planMutations are trees in which each process can be, but not together with
// the others.
var planMutations = []mutation{
	{"P001", "child-in-a-session-its-parent-never-saw", func(v *vector) {
		v.spawn(106, 102, 106, 106)
		v.spawn(107, 102, 106, 106).ExitSignal = 10
	}},
}
