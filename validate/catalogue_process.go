package validate

const fixStatusFile = "compare with /proc/PID/status of the task; capture again"

// processRules speak of limits, scheduling, credentials and places.
var processRules = []Rule{
	{
		Code: "S060", Severity: Error, Title: "limit of an unknown resource",
		Why: "The kernel has 16; a limit would be dropped in silence.",
		Fix: "use a newer release of thaw", Example: "resource 16",
	},
	{
		Code: "S061", Severity: Error, Title: "two limits of one resource",
		Why: "Which one holds would be luck.",
		Fix: fixCapture, Example: "RLIMIT_NOFILE twice",
	},
	{
		Code: "S062", Severity: Error, Title: "soft limit above the hard one",
		Why: "setrlimit(2) refuses it.",
		Fix: fixCapture, Example: "soft 20, hard 10",
	},
	{
		Code: "S063", Severity: Error, Title: "oom_score_adj out of range",
		Why: "It lies from -1000 to 1000.",
		Fix: fixCapture, Example: "oom_score_adj 2000",
	},
	{
		Code: "S070", Severity: Error, Title: "nice value out of range",
		Why: "It lies from -20 to 19.",
		Fix: fixCapture, Example: "nice 20",
	},
	{
		Code: "S071", Severity: Error, Title: "unknown scheduling policy",
		Why: "sched_setscheduler(2) refuses it.",
		Fix: fixCapture, Example: "policy 4",
	},
	{
		Code: "S072", Severity: Error, Title: "priority does not fit the policy",
		Why: "FIFO and RR have priorities 1 to 99, all others 0.",
		Fix: fixCapture, Example: "SCHED_OTHER with priority 5",
	},
	{
		Code: "S073", Severity: Error, Title: "empty affinity mask",
		Why: "A task must have a processor to run on.",
		Fix: fixCapture, Example: "affinity [0]",
	},
	{
		Code: "S074", Severity: Error, Title: "unknown I/O priority class",
		Why: "ioprio_set(2) has four, and none of them with a level.",
		Fix: fixCapture, Example: "io_prio 0x8000",
	},
	{
		Code: "S075", Severity: Warning, Title: "unknown personality flags",
		Why: "The program behaves as the flags of personality(2) say; these say nothing.",
		Fix: "none needed if the kernel that captured gave them", Example: "personality 0x10000000",
	},
	{
		Code: "S076", Severity: Error, Title: "seccomp mode and filter disagree",
		Why: "Mode 2 has a filter, 0 and 1 have none.",
		Fix: fixStatusFile, Example: "seccomp_mode 2 without a filter",
	},
	{
		Code: "S077", Severity: Error, Title: "unknown policy for lost memory",
		Why: "prctl(PR_MCE_KILL) has early, late and the default.",
		Fix: fixCapture, Example: "mce_kill \"never\"",
	},
	{
		Code: "S078", Severity: Error, Title: "unknown speculation control",
		Why: "A mitigation that cannot be given must not be dropped.",
		Fix: "use a newer release of thaw", Example: "feature 5, control 4",
	},
	{
		Code: "S079", Severity: Error, Title: "impossible time slice",
		Why: "Tasks of SCHED_OTHER and SCHED_BATCH have slices of 0.1 to 100 ms, others none.",
		Fix: fixCapture, Example: "slice 1",
	},
	{
		Code: "S080", Severity: Error, Title: "effective capabilities not permitted",
		Why: "capset(2) refuses them.",
		Fix: fixStatusFile, Example: "effective 1, permitted 0",
	},
	{
		Code: "S081", Severity: Error, Title: "ambient capabilities not permitted and inheritable",
		Why: "The kernel drops them from the ambient set (capabilities(7)).",
		Fix: fixStatusFile, Example: "ambient 1, inheritable 0",
	},
	{
		Code: "S082", Severity: Warning, Title: "unknown capabilities",
		Why: "Linux has 41; the rest can be given by a newer kernel only.",
		Fix: "restore under the kernel that captured", Example: "permitted with bit 60",
	},
	{
		Code: "S083", Severity: Error, Title: "user or group that cannot be",
		Why: "4294967295 means \"leave as it is\" to setresuid(2).",
		Fix: fixStatusFile, Example: "uid 4294967295",
	},
	{
		Code: "S084", Severity: Error, Title: "unknown secure bits",
		Why: "prctl(PR_SET_SECUREBITS) refuses them.",
		Fix: fixStatusFile, Example: "secure_bits 0x10000",
	},
	{
		Code: "S085", Severity: Error, Title: "malformed working directory or root",
		Why: "Each is an absolute path without \"..\", double slashes and zero bytes.",
		Fix: fixCapture, Example: "cwd tmp/../etc",
	},
	{
		Code: "S086", Severity: Error, Title: "impossible umask",
		Why: "umask(2) keeps nine bits.",
		Fix: fixStatusFile, Example: "umask 01000",
	},
	{
		Code: "S087", Severity: Error, Title: "more groups than a task can have",
		Why: "setgroups(2) takes 65536.",
		Fix: fixStatusFile, Example: "65537 groups",
	},
}
