package validate

const (
	fixFiles = "compare with /proc/PID/fd and fdinfo; capture again"
	fixPath  = "give the path as seen from the image's root"
)

// fileRules speak of descriptors, open files and pipes.
var fileRules = []Rule{
	{
		Code: "R010", Severity: Error, Title: "negative descriptor",
		Why: "Descriptors count from 0.",
		Fix: fixFiles, Example: "fd -1",
	},
	{
		Code: "R011", Severity: Error, Title: "descriptor twice",
		Why: "A descriptor leads to one file.",
		Fix: fixFiles, Example: "fd 3 twice in one table",
	},
	{
		Code: "R012", Severity: Error, Title: "descriptors out of order",
		Why: "The same image must give the same bytes; tables are ordered.",
		Fix: "sort the table by descriptor", Example: "fd 4 before fd 3",
	},
	{
		Code: "R013", Severity: Error, Title: "unknown kind of file",
		Why: "Nobody knows how to open it.",
		Fix: "use a newer release of thaw", Example: "kind mailbox",
	},
	{
		Code: "R014", Severity: Error, Title: "file's kind and fields disagree",
		Why: "Exactly the field that the kind names is set.",
		Fix: fixFiles, Example: "kind pipe with field eventfd",
	},
	{
		Code: "R015", Severity: Warning, Title: "access mode for ioctl only",
		Why: "Mode 3 can neither read nor write; programs use it for devices, elsewhere the flags may be wrong.",
		Fix: fixFiles, Example: "flags 3 on a regular file",
	},
	{
		Code: "R016", Severity: Error, Title: "flags that act once",
		Why: "Opening again with O_CREAT or O_TRUNC would change the file; O_CLOEXEC belongs to the descriptor.",
		Fix: "leave them out", Example: "flags 01001",
	},
	{
		Code: "R017", Severity: Error, Title: "negative offset",
		Why: "lseek(2) refuses it.",
		Fix: fixFiles, Example: "pos -1",
	},
	{
		Code: "R018", Severity: Error, Title: "file without a path",
		Why: "It can be opened neither by name nor from saved contents.",
		Fix: fixFiles, Example: "kind regular, path empty",
	},
	{
		Code: "R019", Severity: Error, Title: "path not absolute",
		Why: "It would be looked up in whatever directory the restore runs in.",
		Fix: fixPath, Example: "path etc/passwd",
	},
	{
		Code: "R020", Severity: Error, Title: "zero byte in a path",
		Why: "The kernel would see another, shorter path.",
		Fix: fixPath, Example: "path /etc/passwd\\x00.txt",
	},
	{
		Code: "R021", Severity: Error, Title: "path not clean",
		Why: "\"..\" and double slashes can lead out of where the path seems to be; the kernel never shows them.",
		Fix: fixPath, Example: "path /tmp/../etc/passwd",
	},
	{
		Code: "R055", Severity: Error, Title: "name longer than 255 bytes",
		Why: "No file system of Linux has one (NAME_MAX).",
		Fix: fixPath, Example: "a path whose last part has 5000 bytes",
	},
	{
		Code: "R022", Severity: Warning, Title: "path too long",
		Why: "open(2) takes 4095 bytes.",
		Fix: "move the file to a shorter path", Example: "a path of 5000 bytes",
	},
	{
		Code: "R023", Severity: Error, Title: "file's kind and mode disagree",
		Why: "What stood at the path was something else.",
		Fix: fixFiles, Example: "kind regular, mode of a directory",
	},
	{
		Code: "R024", Severity: Error, Title: "directory open for writing",
		Why: "open(2) refuses it.",
		Fix: fixFiles, Example: "kind directory, flags 1",
	},
	{
		Code: "R025", Severity: Error, Title: "device number out of range",
		Why: "Majors have 12 bits, minors 20.",
		Fix: fixFiles, Example: "major 5000",
	},
	{
		Code: "R026", Severity: Error, Title: "impossible owner of a file",
		Why: "fcntl(F_SETOWN_EX) takes a thread, a process or a group, and signals 0 to 64.",
		Fix: fixFiles, Example: "owner type 7",
	},
	{
		Code: "R027", Severity: Error, Title: "impossible lock",
		Why: "Locks are flock, posix, ofd or lease, end after they start, and lie below 2^63.",
		Fix: fixFiles, Example: "start 10, end 5",
	},
	{
		Code: "R030", Severity: Error, Title: "more data than the pipe holds",
		Why: "The restore would block on writing the rest.",
		Fix: fixFiles, Example: "5000 bytes, capacity 4096",
	},
	{
		Code: "R031", Severity: Error, Title: "packets and data disagree",
		Why: "The packets of a pipe in packet mode make up its data.",
		Fix: fixFiles, Example: "packets [3], 5 bytes",
	},
	{
		Code: "R032", Severity: Error, Title: "impossible packet",
		Why: "A packet of a pipe has 1 to 4096 bytes (pipe(2), O_DIRECT).",
		Fix: fixFiles, Example: "packets [0]",
	},
	{
		Code: "R033", Severity: Warning, Title: "impossible pipe capacity",
		Why: "The kernel gives powers of two of pages; the restored pipe will have another size.",
		Fix: fixFiles, Example: "capacity 5000",
	},
	{
		Code: "R034", Severity: Warning, Title: "pipe buffer without ends",
		Why: "A pipe without open ends is gone with what is in it; the capture lost who had it.",
		Fix: "none needed; the buffer can be left out", Example: "a buffer that no file names",
	},
	{
		Code: "R035", Severity: Error, Title: "pipe and fifo mixed up",
		Why: "A fifo has a path in the file system, a pipe has none.",
		Fix: fixFiles, Example: "kind fifo, buffer without a path",
	},
	{
		Code: "R036", Severity: Note, Title: "pipe with one side only",
		Why: "Reading gives end of file, writing SIGPIPE: right if the other side had closed it.",
		Fix: "none needed unless the other side was outside the tree", Example: "a buffer open for reading only",
	},
}
