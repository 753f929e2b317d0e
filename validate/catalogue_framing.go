package validate

const fixCopyAgain = "copy or capture the image again"

// framingRules speak of bytes; the codecs find them.
var framingRules = []Rule{
	{
		Code: "F001", Severity: Error, Title: "not an image of a known format",
		Why: "The first bytes are those of no format that was asked for.",
		Fix: "check that the file is an image; thaw formats lists what can be read", Example: "a PNG file",
	},
	{
		Code: "F002", Severity: Error, Title: "version not supported",
		Why: "A newer major version may change the meaning of every byte.",
		Fix: "use a release of thaw that reads this version", Example: "a native file of version 9.0",
	},
	{
		Code: "F003", Severity: Error, Title: "image cut off",
		Why: "Something at the end is missing, and with it tasks or memory.",
		Fix: fixCopyAgain, Example: "a download that stopped half way",
	},
	{
		Code: "F004", Severity: Error, Title: "bytes after the end",
		Why: "A whole image ends with its last record; what follows was put there by something else.",
		Fix: fixCopyAgain, Example: "two images in one file",
	},
	{
		Code: "F005", Severity: Error, Title: "checksum or digest wrong",
		Why: "The bytes are not those that were written.",
		Fix: fixCopyAgain, Example: "a flipped bit in a record",
	},
	{
		Code: "F006", Severity: Error, Title: "too large",
		Why: "A length, number or depth is beyond the limits that keep a reader's memory bounded.",
		Fix: "take it for an attack or damage until you know who made it; what an archive may hold, a policy says (limits in thaw policy)", Example: "a record that claims 4 GiB",
	},
	{
		Code: "F007", Severity: Error, Title: "longer than what it is in",
		Why: "A length claims more than the record or file holds.",
		Fix: fixCopyAgain, Example: "a string of 100 bytes in a record of 20",
	},
	{
		Code: "F008", Severity: Error, Title: "record or field twice",
		Why: "Two readers could take different ones.",
		Fix: fixCopyAgain, Example: "two footers",
	},
	{
		Code: "F009", Severity: Error, Title: "record or field missing",
		Why: "The image is not whole.",
		Fix: fixCopyAgain, Example: "no header record",
	},
	{
		Code: "F010", Severity: Error, Title: "record or field out of place",
		Why: "A reader in one pass needs records in their order; an index that disagrees gives two different images.",
		Fix: fixCopyAgain, Example: "pages before the header",
	},
	{
		Code: "F011", Severity: Error, Title: "unknown record that may not be skipped",
		Why: "Whoever wrote it says that the image cannot be understood without it.",
		Fix: "use a newer release of thaw", Example: "record type 0x7f without the skip flag",
	},
	{
		Code: "F012", Severity: Error, Title: "compressed data damaged",
		Why: "It does not give what was announced.",
		Fix: fixCopyAgain, Example: "a zstd frame with a flipped bit",
	},
	{
		Code: "F013", Severity: Error, Title: "malformed",
		Why: "The bytes are not what their place in the format says.",
		Fix: fixCopyAgain, Example: "a msgpack array where a map must be",
	},
	{
		Code: "F031", Severity: Error, Title: "value that is never written",
		Why: "The bytes can be read, but the format's own writer never writes this there, and its reader refuses it, crashes or " +
			"restores something else.",
		Fix: fixCopyAgain, Example: "a process of CRIU's whose memory has number 0",
	},
	{
		Code: "F032", Severity: Error, Title: "two places disagree",
		Why: "The image says one thing twice, and not the same: what is restored depends on who reads it.",
		Fix: fixCopyAgain, Example: "an open file that has another number in its own record",
	},
	{
		Code: "F033", Severity: Warning, Title: "part that nothing refers to",
		Why: "It belongs to no process, file or namespace of the image: it was left by another dump into the same folder, or " +
			"what referred to it was changed.",
		Fix: "dump into an empty folder; delete the file if it is known to be old", Example: "core-77.img in an image without a task 77",
	},
	{
		Code: "F034", Severity: Warning, Title: "less told than there is",
		Why: "Every process has this, and the image does not say it: a restored process gets that of the program that restores it.",
		Fix: "take a new dump with a current writer", Example: "limits of 12 resources; there are 16",
	},
}

// planRules speak of the restore plan.
var planRules = []Rule{
	{
		Code: "P001", Severity: Error, Title: "no plan makes this task",
		Why:     "No order of fork, clone, setsid, setpgid and exit leads to its parent, session or group.",
		Fix:     "look at the tree with thaw dump --tree; the capture or a conversion got it wrong",
		Example: "a child of a session that its parent never was in",
	},
	{
		Code: "P002", Severity: Error, Title: "plan does not give this tree",
		Why: "Carried out by the simulated kernel, the plan ends in another hierarchy than the image's.",
		Fix: "report it with the output of thaw restore --dry-run", Example: "a task ends up in another group",
	},
	{
		Code: "P003", Severity: Error, Title: "plan cannot be carried out",
		Why: "The simulated kernel refuses one of its steps, as Linux would.",
		Fix: "report it with the output of thaw restore --dry-run", Example: "a setpgid into a group of another session",
	},
	{
		Code: "P004", Severity: Note, Title: "no plan in one of the ways to restore",
		Why:     "Of the ways that were asked for, this one does not lead to the tree, but another one does.",
		Fix:     "restore it the other way: thaw validate --mode all --json says which has a plan",
		Example: "the checkpoint of a container, whose task 1 has no place outside a pid namespace",
	},
	{
		Code: "P005", Severity: Warning, Title: "with other numbers the tree may behave otherwise",
		Why: "The kernel's view of every number can be changed, but not what programs remember: pid files, numbers in " +
			"their memory, such as the owners of robust locks, and names made of numbers.",
		Fix: "restore it in a pid namespace, where the numbers stay; thaw restore gives no other numbers yet", Example: "any tree that is to be restored with other numbers",
	},
	{
		Code: "P006", Severity: Error, Title: "number 1 cannot be had in place",
		Why:     "The tree has a task, session or group of number 1, which the init of whatever pid namespace it is restored in has already.",
		Fix:     "restore it with --pidns",
		Example: "the checkpoint of a container, to be restored in place",
	},
}
