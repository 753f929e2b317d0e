// Package seal signs images of any format and tells, before anything reads them,
// whether they are still what was signed. spec/seal.md describes the seal for
// other programs.
//
//	{
//	  "seal": "thaw-seal-v1",
//	  "kind": "directory",
//	  "members": [{"name": "core-1.img", "size": 812, "sha256": "…"}, …],
//	  "identity": "…",
//	  "key": "…",
//	  "signature": "…"
//	}
//
// Make lists an image's members, Sign signs the list, Check compares an image
// with a list whose signature Verify found good.
//
// # Between check and use
//
// Check gives a codec.Source in place of the one it was given. All that is read
// from it is compared once more with what was checked, piece by piece, and what
// was not sealed is not there at all: who writes to the image after it was checked
// ends the reading, and gets nothing else past it.
//
// # Security
//
// A seal says who made an image and that nobody changed it. It does not say that
// the image is sound, nor that it is the newest of its maker. Images are taken to
// be hostile until they are checked: what is hashed is only what is as long as
// something that was sealed, and a manifest is small before it is parsed.
package seal
