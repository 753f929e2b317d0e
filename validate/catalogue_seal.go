package validate

const (
	fixSealAgain = "get image and seal once more from where they were made; do not restore this one"
	fixFromStore = "get the image once more from where it was sealed; do not restore this one"
)

// sealRules speak of images that are encrypted, and of those that must be sealed;
// spec/seal.md describes both.
var sealRules = []Rule{
	{
		Code: "F014", Severity: Error, Title: "encrypted, and no identity given",
		Why: "Nothing but its length can be said of an image that cannot be read.",
		Fix: "give the file with the age or ssh identity it is encrypted to: --identity FILE, or THAW_IDENTITY=FILE", Example: "tree.thaw.age without --identity",
	},
	{
		Code: "F015", Severity: Error, Title: "encrypted to others",
		Why: "None of the identities given opens it.",
		Fix: "give the identity of one of those it was encrypted to, or have it encrypted to yours", Example: "an image for the cluster that is read with a developer's key",
	},
	{
		Code: "F016", Severity: Error, Title: "encrypted data altered",
		Why: "Whoever changes, exchanges or removes a part of the ciphertext cannot make its authentication fit.",
		Fix: fixCopyAgain, Example: "a flipped bit in an encrypted image",
	},
	{
		Code: "F020", Severity: Error, Title: "no seal",
		Why: "A seal by a certain key was asked for; without one, anybody can have made or changed the image.",
		Fix: "put the seal beside the image as IMAGE.seal or name it with --seal; thaw seal makes one", Example: "a checkpoint that was copied without its seal",
	},
	{
		Code: "F021", Severity: Error, Title: "not a seal",
		Why: "The file is no manifest, or not all of it.",
		Fix: fixSealAgain, Example: "a seal that was cut off",
	},
	{
		Code: "F022", Severity: Error, Title: "sealed by another key",
		Why: "The seal may be whole, but not by somebody who is trusted here.",
		Fix: "give the public key of who sealed it, if that is to be trusted", Example: "an attacker's image with the attacker's seal",
	},
	{
		Code: "F023", Severity: Error, Title: "signature of the seal wrong",
		Why: "The seal bears the name of a trusted key, and that key never signed what it says.",
		Fix: fixSealAgain, Example: "a digest in the manifest that somebody adjusted",
	},
	{
		Code: "F024", Severity: Error, Title: "seal of another image",
		Why: "The seal is good, but nothing of what it lists is here: an image cannot be passed off as another.",
		Fix: "give the seal that was made of this image", Example: "the seal of a directory given for a file",
	},
	{
		Code: "F025", Severity: Error, Title: "sealed member altered",
		Why: "Its bytes are not those that were sealed.",
		Fix: fixFromStore, Example: "a flipped bit in pages-1.img",
	},
	{
		Code: "F026", Severity: Error, Title: "sealed member of another length",
		Why: "It was cut off, or something was added to its end.",
		Fix: fixFromStore, Example: "a download that stopped half way",
	},
	{
		Code: "F027", Severity: Error, Title: "sealed members exchanged",
		Why: "Each is whole, but stands under the name of the other: one process would get the memory of another.",
		Fix: fixFromStore, Example: "pages-1.img and pages-2.img, swapped",
	},
	{
		Code: "F028", Severity: Error, Title: "sealed member missing",
		Why: "What was sealed is not all there.",
		Fix: fixFromStore, Example: "seccomp.img removed, so that a tree comes back without its filters",
	},
	{
		Code: "F029", Severity: Error, Title: "member that was not sealed",
		Why: "It was added later, by who knows whom; a reader that finds it may act on it.",
		Fix: fixFromStore, Example: "a deleted.files put into a checkpoint",
	},
	{
		Code: "F030", Severity: Error, Title: "changed after its seal was checked",
		Why: "Somebody writes to the image while it is read. What was checked is what is used, or nothing.",
		Fix: "copy the image to where nobody else can write, and check it there", Example: "a page overwritten between check and restore",
	},
}
