package validate

const fixSignals = "compare with Sig* in /proc/PID/status of the task; capture again"

// signalRules speak of masks, handlers, pending signals and timers.
var signalRules = []Rule{
	{
		Code: "S020", Severity: Error, Title: "SIGKILL or SIGSTOP blocked",
		Why: "Nothing can block them.",
		Fix: fixSignals, Example: "signal_mask 0x100",
	},
	{
		Code: "S021", Severity: Error, Title: "action for no signal",
		Why: "Signals are 1 to 64.",
		Fix: fixSignals, Example: "signal 65",
	},
	{
		Code: "S022", Severity: Error, Title: "two actions for one signal",
		Why: "A signal has one action; which one would be luck.",
		Fix: fixSignals, Example: "SIGTERM twice",
	},
	{
		Code: "S023", Severity: Error, Title: "SIGKILL or SIGSTOP handled",
		Why: "sigaction(2) refuses it.",
		Fix: fixSignals, Example: "SIGKILL ignored",
	},
	{
		Code: "S024", Severity: Error, Title: "handler blocks SIGKILL or SIGSTOP",
		Why: "sigaction(2) takes them out of the mask.",
		Fix: fixSignals, Example: "mask 0x40000",
	},
	{
		Code: "S025", Severity: Warning, Title: "unknown action flags",
		Why: "The kernel drops flags it does not know.",
		Fix: "none needed if the program does not look at them", Example: "flags 0x100",
	},
	{
		Code: "S026", Severity: Warning, Title: "handler is not code",
		Why: "The signal will kill the process.",
		Fix: "none needed if the program unloaded the code for good", Example: "handler in a hole",
	},
	{
		Code: "S027", Severity: Warning, Title: "handler cannot return",
		Why: "On amd64 a handler returns through a restorer, which must be code.",
		Fix: "none needed if the handler never returns", Example: "flags without SA_RESTORER",
	},
	{
		Code: "S028", Severity: Error, Title: "pending signal out of range",
		Why: "Signals are 1 to 64.",
		Fix: fixSignals, Example: "signal 99",
	},
	{
		Code: "S029", Severity: Error, Title: "SIGKILL pending",
		Why: "The task was dying when it was frozen, and would die again.",
		Fix: "capture a tree that nobody kills", Example: "pending signal 9",
	},
	{
		Code: "S030", Severity: Error, Title: "standard signal pending twice",
		Why: "Below 32 a second one is dropped while the first waits, unless a timer sends it.",
		Fix: fixSignals, Example: "SIGUSR1 twice in one queue",
	},
	{
		Code: "S031", Severity: Error, Title: "siginfo of a wrong size",
		Why: "The kernel's siginfo_t has 128 bytes.",
		Fix: fixSignals, Example: "raw of 12 bytes",
	},
	{
		Code: "S032", Severity: Error, Title: "siginfo of another signal",
		Why: "The number and code beside it are its own, written out.",
		Fix: fixSignals, Example: "signal 10 with a siginfo of signal 12",
	},
	{
		Code: "S033", Severity: Warning, Title: "more pending signals than allowed",
		Why: "RLIMIT_SIGPENDING makes the kernel refuse the rest.",
		Fix: "raise the limit in the image's process state", Example: "3 signals, limit 2",
	},
	{
		Code: "S050", Severity: Error, Title: "no such interval timer, or one twice",
		Why: "setitimer(2) has 0, 1 and 2.",
		Fix: fixCapture, Example: "which 3",
	},
	{
		Code: "S051", Severity: Error, Title: "timer beyond the end of time",
		Why: "The kernel counts 2^63 nanoseconds.",
		Fix: fixCapture, Example: "remaining 0xffffffffffffffff",
	},
	{
		Code: "S052", Severity: Error, Title: "timer number negative or twice",
		Why: "The number is what the program knows its timer by.",
		Fix: fixCapture, Example: "two timers with number 0",
	},
	{
		Code: "S053", Severity: Error, Title: "timer on a clock that has none",
		Why: "timer_create(2) refuses raw, coarse and unknown clocks.",
		Fix: fixCapture, Example: "clock 5",
	},
	{
		Code: "S054", Severity: Error, Title: "negative timer overrun",
		Why: "It counts expiries.",
		Fix: fixCapture, Example: "overrun -1",
	},
	{
		Code: "S055", Severity: Error, Title: "unknown timer notification",
		Why: "It is by signal, none, thread, or signal to one thread: 0, 1, 2 or 4.",
		Fix: fixCapture, Example: "notify 5",
	},
	{
		Code: "S056", Severity: Error, Title: "timer sends no signal",
		Why: "Signals are 1 to 64.",
		Fix: fixCapture, Example: "notify 0, signal 0",
	},
	{
		Code: "S057", Severity: Error, Title: "timer signals a thread that its process does not have",
		Why: "timer_create(2) takes living threads of the caller's own process only.",
		Fix: fixCapture, Example: "target 102 of a timer of process 100",
	},
}
