package restore

import (
	"strconv"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/hostfacts"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/validate"
)

// A login says who answers for what a task does, and nothing else depends on it.
// So a task gets the image's where the kernel lets the engine set it, which takes
// CAP_AUDIT_CONTROL unless the engine comes from no login itself. Where it does
// not (--loginuid-immutable of auditctl(8) forbids it to everybody) the task
// keeps the engine's: the audit then names who restored it, and nobody else. That
// is told (X243), and no reason to fail.

// logins is what there is to set.
type logins struct {
	// common is set by the seed, of which all inherit it: one write, and one
	// session of the audit. nil if there is nothing to set, or tasks differ.
	common *format.Login
	// differ says that tasks with another login than the engine's set it for
	// themselves.
	differ bool
}

// planLogins compares the logins of a tree with the engine's; nil stands for a
// kernel without an audit.
func planLogins(img *format.Image, engine *uint32) logins {
	var first *format.Login
	for i := range img.Tasks {
		switch l := img.Tasks[i].Login; {
		case l == nil || engine == nil || img.Tasks[i].State.Dead():
		case first == nil:
			first = l
		case l.UID != first.UID:
			return logins{differ: true}
		}
	}
	if first == nil || first.UID == *engine {
		return logins{}
	}
	return logins{common: first}
}

// setsLogin says whether a task sets its login itself.
func (b *builder) setsLogin(t *format.Task) bool {
	return b.logins.differ && t.Login != nil && !t.State.Dead() && t.Login.UID != *b.host.login
}

// awaitLogins waits until nobody sets its login any more: for that, files are
// opened by their paths in descriptors that tasks may share.
func (b *builder) awaitLogins(p *husk.Program) {
	if b.logins.differ {
		p.Wait("wait for logins", b.present, uint32(len(b.plan.Order)))
	}
}

// emitLogin sets the login of the calling task. Where one may only be set that
// was unset before (the feature only_unset_loginuid), that comes first; who may
// do that may do the other.
func (b *builder) emitLogin(p *husk.Program, l *format.Login) {
	const path = "/proc/thread-self/loginuid"
	fd := b.t.Alloc(8, 8)
	p.Call("open", abi.SysOpenat, atFDCWD, b.t.String(path), uint64(format.OWrOnly), 0).Any().Store(fd)
	for _, uid := range []uint32{format.NoLogin, l.UID} {
		text := strconv.FormatUint(uint64(uid), 10)
		pass := p.Copy("pass descriptor", 0, fd, 8)
		write := p.Call("set login", abi.SysPwrite64, 0, b.t.String(text), uint64(len(text)), 0).Any()
		pass.SetArg(0, write.Arg(0))
	}
	pass := p.Copy("pass descriptor", 0, fd, 8)
	pass.SetArg(0, p.Call("close", abi.SysClose, 0).Any().Arg(0))
}

// checkLogins finds tasks that did not get their login, of each login the first.
// Those that have it from the seed have the root's.
func (e *engine) checkLogins() {
	told := map[uint32]bool{}
	for i := range e.req.Image.Tasks {
		t := &e.req.Image.Tasks[i]
		if !e.b.setsLogin(t) && (e.b.logins.common == nil || t.TID != e.req.Image.Root || t.Login == nil) {
			continue
		}
		got := hostfacts.Login(e.hostPID(t.TID))
		if (got == nil || *got != t.Login.UID) && !told[t.Login.UID] {
			told[t.Login.UID] = true
			e.warnings = append(e.warnings, validate.New(validate.CodeLogin, validate.TaskSubject(t.TID), "%s", loginText(t.Login.UID, got)))
		}
	}
}

func loginText(want uint32, got *uint32) string {
	name := func(uid uint32) string {
		if uid == format.NoLogin {
			return "no login"
		}
		return "the login of user " + strconv.FormatUint(uint64(uid), 10)
	}
	if got == nil {
		return "came from " + name(want) + "; what it has now cannot be read"
	}
	return "came from " + name(want) + ", and now from " + name(*got)
}
