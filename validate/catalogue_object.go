package validate

// objectRules speak of the state of single kinds of files and objects.
var objectRules = []Rule{
	{
		Code: "R040", Severity: Error, Title: "memfd of other shared memory",
		Why: "Only memory of memfd_create(2) has a descriptor.",
		Fix: fixFiles, Example: "kind memfd, shared memory of kind anon",
	},
	{
		Code: "R041", Severity: Error, Title: "impossible deleted file",
		Why: "It is a regular file of less than 2^63 bytes, or an empty directory.",
		Fix: fixFiles, Example: "mode of a socket",
	},
	{
		Code: "R042", Severity: Warning, Title: "links of a deleted file disagree",
		Why: "If the file has other names, one must be known, or the program gets a copy that those do not lead to.",
		Fix: fixFiles, Example: "links 1, link empty",
	},
	{
		Code: "R043", Severity: Error, Title: "impossible eventfd count",
		Why: "The highest count is 2^64-2.",
		Fix: fixFiles, Example: "count 18446744073709551615",
	},
	{
		Code: "R044", Severity: Error, Title: "signalfd for SIGKILL or SIGSTOP",
		Why: "signalfd(2) takes them out of the mask.",
		Fix: fixFiles, Example: "mask 0x100",
	},
	{
		Code: "R045", Severity: Error, Title: "timerfd on a clock that has none",
		Why: "timerfd_create(2) takes realtime, monotonic, boottime and the alarm clocks.",
		Fix: fixFiles, Example: "clock 2",
	},
	{
		Code: "R046", Severity: Error, Title: "impossible timerfd values",
		Why: "The kernel counts 2^63 nanoseconds and knows two flags.",
		Fix: fixFiles, Example: "set_flags 8",
	},
	{
		Code: "R047", Severity: Error, Title: "inotify watch number below 1 or twice",
		Why: "The number is what the program knows its watch by.",
		Fix: fixFiles, Example: "number 0",
	},
	{
		Code: "R050", Severity: Error, Title: "epoll watch twice",
		Why: "epoll_ctl(2) refuses the same descriptor of the same file.",
		Fix: fixFiles, Example: "fd 3 of file 20 twice",
	},
	{
		Code: "R051", Severity: Error, Title: "epoll files watch each other in a circle",
		Why: "epoll_ctl(2) refuses it.",
		Fix: fixFiles, Example: "an epoll file among its own watches",
	},
	{
		Code: "R052", Severity: Warning, Title: "epoll files nested too deep",
		Why: "epoll_ctl(2) refuses nesting deeper than five; older kernels saw it only from one side.",
		Fix: fixFiles, Example: "seven epoll files, each watching the next",
	},
	{
		Code: "R053", Severity: Warning, Title: "epoll watches a file that is always ready",
		Why: "epoll_ctl(2) refuses ordinary files and directories; those of /proc and /sys it takes.",
		Fix: "none needed for a file of /proc or /sys", Example: "a watch of a regular file",
	},
	{
		Code: "R054", Severity: Error, Title: "impossible epoll watch",
		Why: "epoll_ctl(2) refuses negative descriptors, EPOLLEXCLUSIVE together with most other events, memfds, and devices like /dev/null.",
		Fix: fixFiles, Example: "events 0xffffffff",
	},
	{
		Code: "R060", Severity: Error, Title: "terminal settings of a wrong size",
		Why: "struct termios2 has 44 bytes on amd64.",
		Fix: fixCapture, Example: "settings of 36 bytes",
	},
	{
		Code: "R061", Severity: Error, Title: "foreground group of another session",
		Why: "tcsetpgrp(3) takes groups of the terminal's session only.",
		Fix: fixSessions, Example: "session 100, group 102 of session 102",
	},
	{
		Code: "R062", Severity: Error, Title: "controlling terminal of another session",
		Why: "A terminal controls one session.",
		Fix: fixSessions, Example: "task of session 100, terminal of session 102",
	},
	{
		Code: "R063", Severity: Error, Title: "master of an inherited terminal",
		Why: "Inherited means that the other side is outside the image.",
		Fix: fixFiles, Example: "a file with master set, terminal inherited",
	},
	{
		Code: "R070", Severity: Error, Title: "impossible socket",
		Why: "Type, protocol, family, address, state or length of a queue is none that socket(2), bind(2) and listen(2) know.",
		Fix: fixFiles, Example: "type 9",
	},
	{
		Code: "R071", Severity: Error, Title: "peer is no unix socket",
		Why: "Unix sockets are connected to each other.",
		Fix: fixFiles, Example: "peer is a pipe",
	},
	{
		Code: "R072", Severity: Warning, Title: "sockets in flight in a circle",
		Why: "Nobody can receive them any more; the kernel would collect them.",
		Fix: "none needed; they can be left out", Example: "a socket in its own receive queue",
	},
	{
		Code: "R073", Severity: Error, Title: "ends of a connection disagree",
		Why: "The peer of a socket's peer is the socket, and both are of one type.",
		Fix: fixFiles, Example: "43 connected to 44, 44 to nothing",
	},
	{
		Code: "R074", Severity: Error, Title: "impossible state of a unix socket",
		Why: "A listening socket is not connected, others have no connections waiting, and each waits once.",
		Fix: fixFiles, Example: "a listening socket with a peer",
	},
	{
		Code: "R075", Severity: Error, Title: "impossible message",
		Why: "A message has up to 253 files, one of a stream is not empty, and what is unread fits into a socket.",
		Fix: fixFiles, Example: "a message with 254 files",
	},
	{
		Code: "R076", Severity: Error, Title: "impossible name of a unix socket",
		Why: "A path ends at its first zero byte; a relative one means nothing without its directory.",
		Fix: fixFiles, Example: "name \"app.sock\", directory empty",
	},
	{
		Code: "R077", Severity: Error, Title: "two sockets of one name",
		Why: "bind(2) refuses the second; it would be the first that programs reach.",
		Fix: fixFiles, Example: "two sockets bound to /run/app.sock, neither file removed",
	},
	{
		Code: "R078", Severity: Error, Title: "impossible socket option",
		Why: "setsockopt(2) refuses what it does not know, and values of another size.",
		Fix: fixFiles, Example: "option 999 of level 1",
	},
	{
		Code: "R079", Severity: Error, Title: "connected to a socket that nobody has",
		Why: "No descriptor, message or waiting connection leads to it: it would be closed at once, and this end with it.",
		Fix: fixFiles, Example: "peer 44, which no task has open",
	},
	{
		Code: "R080", Severity: Error, Title: "unknown kind of namespace",
		Why: "Nobody knows how to make it.",
		Fix: "use a newer release of thaw", Example: "kind syslog",
	},
	{
		Code: "R081", Severity: Error, Title: "task in two namespaces of one kind",
		Why: "A task is in one of each.",
		Fix: fixCapture, Example: "two uts namespaces",
	},
	{
		Code: "R082", Severity: Error, Title: "namespace nested in one of another kind",
		Why: "Namespaces nest within their kind.",
		Fix: fixCapture, Example: "a pid namespace whose parent is a user namespace",
	},
	{
		Code: "R083", Severity: Error, Title: "namespace is its own ancestor",
		Why: "Nobody could create it.",
		Fix: fixCapture, Example: "parent is the namespace itself",
	},
	{
		Code: "R084", Severity: Error, Title: "impossible seccomp program",
		Why: "It has 1 to 4096 instructions of 8 bytes, and flags that seccomp(2) knows.",
		Fix: fixCapture, Example: "a program of 7 bytes",
	},
	{
		Code: "R085", Severity: Error, Title: "seccomp filters in a circle",
		Why: "Each filter was attached after another.",
		Fix: fixCapture, Example: "previous is the filter itself",
	},
	{
		Code: "R086", Severity: Error, Title: "undo of a semaphore outside its set",
		Why: "Semaphores of a set count from 0, processes from 1.",
		Fix: fixCapture, Example: "semaphore 3 in a set of 2",
	},
	{
		Code: "R087", Severity: Error, Title: "namespace with what another kind holds",
		Why: "Host names belong to uts namespaces, mounts to those of mounts, and so on: it would be dropped in silence.",
		Fix: fixCapture, Example: "a pid namespace with a host name",
	},
	{
		Code: "R093", Severity: Error, Title: "impossible contents of a namespace",
		Why: "Names of hosts have up to 64 bytes; ranges of ids, mounts, interfaces and settings must be ones that the kernel takes.",
		Fix: fixCapture, Example: "a host name of 65 bytes",
	},
}
