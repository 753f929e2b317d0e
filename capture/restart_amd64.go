package capture

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// result is the value that the kernel left in rax of an interrupted call.
func result(errno int) uint64 { return -uint64(errno) }

// inCall says whether the task was stopped inside a system call.
func inCall(r *abi.UserRegs) bool { return int64(r.OrigRAX) >= 0 }

// eintrCalls return EINTR when a stop interrupts them, though no signal is
// delivered (signal(7), "Interruption of system calls ... by stop signals").
var eintrCalls = map[uint64]bool{
	abi.SysEpollWait: true, abi.SysEpollPwait: true, abi.SysEpollPwait2: true,
	abi.SysRtSigtimedwait: true, abi.SysSemop: true, abi.SysSemtimedop: true,
	abi.SysIoGetevents: true, abi.SysIoPgetevents: true,
}

// mendEINTR makes such a call start again, with its full time, in the image and
// in fact, unless a signal is there to be delivered or the task was stopped by
// a signal before: then the program sees EINTR as it would have.
func (c *capturer) mendEINTR(t *task) {
	if !inCall(&t.live) || t.live.RAX != result(int(sys.EINTR)) || !eintrCalls[t.live.OrigRAX] || t.group != 0 {
		return
	}
	if (t.status.SigPending|t.status.SharedPending)&^t.mask != 0 {
		return
	}
	t.live.RAX = result(abi.ERestartNoHand)
	t.touched = true
}

// mendEarly makes such a call start again in fact, before anything else is read:
// should this program be killed, the task shall not see EINTR. Between its stop
// and this it would.
func (c *capturer) mendEarly(t *task) error {
	if t.live.RAX != result(int(sys.EINTR)) {
		return nil
	}
	var err error
	if t.mask, err = sys.GetSigMask(t.tid); err != nil {
		return err
	}
	if c.mendEINTR(t); t.touched {
		return putBack(t)
	}
	return nil
}

// readLive reads the general registers of a stopped task, and takes back what
// the kernel does on its way out of a call with a restart block: it sets rax to
// restart_syscall and rip to the instruction again. A task that is stopped a
// second time on that way stands there, and only the registers from before tell
// what it waits for.
func readLive(t *task) error {
	var err error
	if t.live, err = sys.GetRegs(t.tid); err != nil {
		return err
	}
	if !inCall(&t.live) || t.live.RAX != abi.SysRestartSyscall {
		return nil
	}
	code := make([]byte, len(syscallInsn))
	if _, err := sys.ReadMemory(t.tid, t.live.RIP, code); err != nil || !bytes.Equal(code, syscallInsn) {
		return nil //nolint:nilerr // no instruction there: the call returned that number
	}
	t.live.RIP += uint64(len(syscallInsn))
	t.live.RAX = result(abi.ERestartRestartBlock)
	t.touched = true
	return nil
}

// restartCalls are the calls that leave a restart block, by number.
var restartCalls = map[uint64]format.RestartKind{
	abi.SysNanosleep: format.RestartNanosleep, abi.SysClockNanosleep: format.RestartNanosleep,
	abi.SysPoll: format.RestartPoll, abi.SysFutex: format.RestartFutex,
}

// readRestart finds out what an interrupted call with a restart block waited
// for. Calls that wait for ever, or to a point in time, can be made again as
// they were and get no Restart.
func (c *capturer) readRestart(t *task) error {
	if !inCall(&t.live) || t.live.RAX != result(abi.ERestartRestartBlock) {
		return nil
	}
	regs := t.model.Registers.AMD64
	nr := c.restartNumber(t)
	regs.OrigAX = nr
	kind, ok := restartCalls[nr]
	switch {
	case !ok:
		t.model.Restart = &format.Restart{Kind: format.RestartOther}
	case kind == format.RestartPoll && int32(regs.RDX) < 0:
		regs.RAX = result(abi.ERestartNoHand)
	case kind == format.RestartNanosleep:
		return c.readSleep(t, nr)
	default:
		t.model.Restart = &format.Restart{Kind: kind}
	}
	return nil
}

// readSleep reads how long a sleeper still had to sleep: the kernel stored that
// where the program asked for it.
func (c *capturer) readSleep(t *task, nr uint64) error {
	regs := t.model.Registers.AMD64
	restart := &format.Restart{Kind: format.RestartNanosleep, Clock: abi.ClockMonotonic, Remainder: format.Addr(regs.RSI)}
	if nr == abi.SysClockNanosleep {
		restart.Clock, restart.Remainder = int32(regs.RDI), format.Addr(regs.R10)
	}
	t.model.Restart = restart
	if restart.Remainder == 0 {
		return nil
	}
	var ts [abi.TimespecSize]byte
	if _, err := sys.ReadMemory(t.tid, uint64(restart.Remainder), ts[:]); err != nil {
		return err
	}
	sec, nsec := int64(binary.LittleEndian.Uint64(ts[:])), int64(binary.LittleEndian.Uint64(ts[8:]))
	if sec >= 0 && sec < 1<<33 && nsec >= 0 && nsec < 1e9 {
		restart.Remaining, restart.Known = sec*1e9+nsec, true
	}
	return nil
}

// restartNumber gives the number of the interrupted call. A call that was
// interrupted before goes on as restart_syscall, which hides it; then the code
// before the instruction tells, or where in the kernel the task slept.
func (c *capturer) restartNumber(t *task) uint64 {
	nr := t.live.OrigRAX
	if nr != abi.SysRestartSyscall {
		return nr
	}
	var code [48]byte
	from := t.live.RIP - uint64(len(code))
	if _, err := sys.ReadMemory(t.tid, from, code[:]); err == nil {
		if n, ok := numberBefore(code[:]); ok {
			return n
		}
	}
	return numberOfWchan(t)
}

// sleepWait is how long a task may take to go back to its sleep, which on a busy
// machine is a while. One whose sleep is over meanwhile, and that computes then,
// costs all of it.
const sleepWait = time.Second

// learnSleeps lets those tasks go back to sleep for a moment of whose call
// nothing is known, to see where in the kernel they sleep, and says whether
// there were any: they have to be waited for again.
func (c *capturer) learnSleeps() (again bool, err error) {
	for _, t := range c.tasks {
		if t.dead || t.group != 0 || t.asked {
			continue
		}
		if err := readLive(t); err != nil {
			return again, err
		}
		if err := c.mendEarly(t); err != nil {
			return again, err
		}
		if !inCall(&t.live) || t.live.RAX != result(abi.ERestartRestartBlock) || c.restartNumber(t) != abi.SysRestartSyscall {
			continue
		}
		again = true
		if err := c.learnSleep(t); err != nil {
			return again, err
		}
	}
	return again, nil
}

func (c *capturer) learnSleep(t *task) error {
	t.asked, t.stopped = true, false
	if err := sys.Cont(t.tid, 0); err != nil {
		return err
	}
	c.waiting = append(c.waiting, t)
	for end := time.Now().Add(sleepWait); ; time.Sleep(minWait) {
		st, err := c.r.TaskStat(t.proc.pid, t.tid)
		if err == nil && st.State == 'S' {
			t.wchan, _ = c.r.Text(t.tid, "wchan") // without it the call stays unknown
			break
		}
		if busy := err == nil && (st.State == 'R' || st.State == 'D'); !busy || time.Now().After(end) {
			break
		}
	}
	err := sys.Interrupt(t.tid)
	if gone(err) {
		return nil
	}
	return err
}

// numberBefore finds the last "mov $nr, %eax" before the system call
// instruction that ends the code, where nr is a call with a restart block.
func numberBefore(code []byte) (uint64, bool) {
	const movEAX = 0xb8
	if !bytes.HasSuffix(code, syscallInsn) {
		return 0, false
	}
	for i := len(code) - len(syscallInsn) - 5; i >= 0; i-- {
		if code[i] != movEAX {
			continue
		}
		nr := uint64(binary.LittleEndian.Uint32(code[i+1:]))
		if _, ok := restartCalls[nr]; ok {
			return nr, true
		}
	}
	return 0, false
}

// numberOfWchan guesses by the kernel function that the task slept in. The
// functions of a sleep that goes on are all hidden as parts of the scheduler,
// so their caller stands for them.
func numberOfWchan(t *task) uint64 {
	switch {
	case strings.Contains(t.wchan, "sleep"), t.wchan == "do_syscall_64", strings.Contains(t.wchan, "restart_syscall"):
		// A clock is a small number, a pointer is not.
		if t.live.RDI < 16 {
			return abi.SysClockNanosleep
		}
		return abi.SysNanosleep
	case strings.Contains(t.wchan, "poll"):
		return abi.SysPoll
	case strings.Contains(t.wchan, "futex"):
		return abi.SysFutex
	}
	return t.live.OrigRAX
}
