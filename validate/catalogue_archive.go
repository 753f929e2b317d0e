package validate

const (
	fixSuspect  = "take it for an attack until you know who made it; make the checkpoint again"
	fixAskMaker = "ask who made the checkpoint why it is there; make it again without, or allow it in a policy"
)

// archiveRules speak of what images come in; the codecs find these.
var archiveRules = []Rule{
	{
		Code: "A001", Severity: Error, Title: "member's name leads out of the archive",
		Why: "Unpacked by a careless program it is written beside or above the folder, over any file of the host.",
		Fix: fixSuspect, Example: "a member ../../etc/cron.d/x",
	},
	{
		Code: "A002", Severity: Error, Title: "member with an absolute name",
		Why: "Unpacked by a careless program it is written to that place of the host.",
		Fix: fixSuspect, Example: "a member /root/.ssh/authorized_keys",
	},
	{
		Code: "A003", Severity: Error, Title: "link leads out of the tree",
		Why: "Who follows it reads or writes a file of the host instead of one of the image.",
		Fix: fixSuspect, Example: "a symbolic link pages-1.img to /etc/shadow",
	},
	{
		Code: "A004", Severity: Warning, Title: "link leads nowhere",
		Why: "What it stood for is not in the image: a parent image that was left out, or a member that was lost.",
		Fix: "copy the image again with all that it links to", Example: "a symbolic link parent to ../1, which is not there",
	},
	{
		Code: "A005", Severity: Error, Title: "member below a link or a file",
		Why: "Unpacked in this order it is written to where the link leads.",
		Fix: fixSuspect, Example: "a symbolic link x to /etc, then a member x/passwd",
	},
	{
		Code: "A006", Severity: Error, Title: "device, FIFO or the like",
		Why: "An image has files and folders only. Unpacked as root, a device node opens a disk or the memory of the host; a FIFO makes its reader wait for ever.",
		Fix: fixSuspect, Example: "a block device 8:0 called pages-1.img",
	},
	{
		Code: "A007", Severity: Error, Title: "member twice",
		Why: "Programs differ in which one they take, so that what was checked is not what is restored.",
		Fix: fixSuspect, Example: "two members checkpoint/pstree.img",
	},
	{
		Code: "A008", Severity: Error, Title: "member with holes",
		Why: "A header of a few bytes claims any size, and fills the disk of who unpacks it. No engine writes one.",
		Fix: "pack the archive again, without the option --sparse of tar", Example: "a GNU sparse member of 8 EiB",
	},
	{
		Code: "A009", Severity: Error, Title: "compression bomb",
		Why: "It decompresses to thousands of times its size, to fill memory, disk or time.",
		Fix: fixSuspect, Example: "16 KiB of zstd that become 512 MiB of zeroes",
	},
	{
		Code: "A010", Severity: Error, Title: "member's size out of bounds",
		Why: "It claims more bytes than any limit allows.",
		Fix: fixSuspect, Example: "a member of 2 EiB",
	},
	{
		Code: "A011", Severity: Error, Title: "too many members",
		Why: "Their index alone would fill memory.",
		Fix: "if the archive can be trusted, raise members in the limits of a policy (thaw policy)", Example: "ten million empty members",
	},
	{
		Code: "A012", Severity: Error, Title: "member's name is no text",
		Why: "Control characters act on the terminal of who lists it, and what is not UTF-8 is another name elsewhere; too long a name fits into no file system.",
		Fix: fixSuspect, Example: "a member whose name has an escape sequence",
	},
	{
		Code: "A013", Severity: Warning, Title: "unknown member",
		Why: "No engine known puts it into a checkpoint. Thaw does not use it; engines unpack it into their folder of the container, where other programs find it.",
		Fix: "look at it before the archive is passed on", Example: "a member payload.sh beside config.dump",
	},
	{
		Code: "A014", Severity: Error, Title: "something behind the end of the archive",
		Why: "Some programs stop at the end and some go on reading, so that they see different archives.",
		Fix: fixSuspect, Example: "a second archive behind the first",
	},
	{
		Code: "A015", Severity: Error, Title: "archive cut off",
		Why: "Members at the end are missing, and with them memory or tasks.",
		Fix: fixCopyAgain, Example: "a download that stopped half way",
	},
	{
		Code: "A016", Severity: Error, Title: "header that can be read in two ways",
		Why: "A pax record and the header it is for disagree: other programs find other members, hidden in the contents of this one.",
		Fix: fixSuspect, Example: "a pax size of 0 for a member whose header says 1024",
	},
	{
		Code: "A017", Severity: Error, Title: "header of an archive damaged",
		Why: "What follows cannot be told from contents.",
		Fix: fixCopyAgain, Example: "a header whose checksum does not fit",
	},
	{
		Code: "A020", Severity: Error, Title: "digest does not fit",
		Why: "The blob is not the one that the manifest names: it was damaged or exchanged.",
		Fix: "pull the image again", Example: "a layer with a flipped bit",
	},
	{
		Code: "A021", Severity: Error, Title: "blob's size does not fit",
		Why: "A descriptor says how much to read before the digest can be checked; another size is another blob.",
		Fix: "pull the image again", Example: "a layer of 100 bytes whose descriptor says 99",
	},
	{
		Code: "A022", Severity: Error, Title: "blob missing",
		Why: "The layout is not whole.",
		Fix: "pull the image again with all its blobs", Example: "a manifest whose layer is not in blobs/sha256",
	},
	{
		Code: "A023", Severity: Error, Title: "layer from elsewhere",
		Why: "The manifest says to fetch it from a URL: what comes from there nobody has checked, and asking for it tells the host that it was restored. Nothing is fetched.",
		Fix: fixSuspect, Example: "a layer with urls",
	},
	{
		Code: "A024", Severity: Error, Title: "index within itself",
		Why: "Who follows it does not come to an end.",
		Fix: fixSuspect, Example: "five indexes inside each other",
	},
	{
		Code: "A025", Severity: Error, Title: "descriptor that is none",
		Why: "A digest becomes a file name, and a media type says how to read: neither may be anything.",
		Fix: fixSuspect, Example: "a digest sha256:../../../etc/passwd",
	},
	{
		Code: "A026", Severity: Note, Title: "more than one image",
		Why: "Only one is shown and restored.",
		Fix: "copy the one that is meant into a layout of its own", Example: "an index of two checkpoints",
	},
	{
		Code: "A027", Severity: Error, Title: "document that cannot be read",
		Why: "What it says of the container, its mounts or its layers is not known.",
		Fix: fixCopyAgain, Example: "a spec.dump that ends in the middle",
	},
	{
		Code: "A028", Severity: Error, Title: "document that can be read in two ways",
		Why: "Programs differ in which of two values of one key they take, and in whether Mounts is mounts, so that what was checked is not what the engine does.",
		Fix: fixSuspect, Example: "a spec.dump with two lists of mounts, or with one called Mounts",
	},
	{
		Code: "A029", Severity: Warning, Title: "document of the container missing",
		Why: "What the container may do stands in config.dump and spec.dump: what one of them does not tell is not judged.",
		Fix: "copy the checkpoint again with all its members", Example: "an archive with config.dump and without spec.dump",
	},
}
