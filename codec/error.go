package codec

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what is wrong with an input. Kinds are stable: programs and the
// catalogue of findings go by them.
type Kind string

// The kinds.
const (
	// BadMagic: the input does not begin as its format does.
	BadMagic Kind = "bad-magic"
	// UnsupportedVersion: a version of the format, or a part of it, that this
	// program does not know and must not skip.
	UnsupportedVersion Kind = "unsupported-version"
	// Truncated: the input ends before it is complete.
	Truncated Kind = "truncated"
	// Trailing: bytes follow the end of the image.
	Trailing Kind = "trailing"
	// BadChecksum: a checksum or digest does not fit its bytes.
	BadChecksum Kind = "bad-checksum"
	// TooLarge: a length, count or depth exceeds Limits or a bound of the format.
	TooLarge Kind = "too-large"
	// Overlong: a length claims more than its container holds.
	Overlong Kind = "overlong"
	// Duplicate: a record, field or entry that may occur once occurs again.
	Duplicate Kind = "duplicate"
	// Missing: a record or field that must be there is not.
	Missing Kind = "missing"
	// Misplaced: a record or field stands where it must not.
	Misplaced Kind = "misplaced"
	// Unknown: a record or field that is not known and must not be skipped.
	Unknown Kind = "unknown"
	// BadCompression: compressed data does not decompress to what was announced.
	BadCompression Kind = "bad-compression"
	// Malformed: anything else that does not follow the format.
	Malformed Kind = "malformed"
	// Impossible: a value that can be read, but that the format's writer never
	// writes and its reader does not take for what it says.
	Impossible Kind = "impossible"
	// Disagreement: two places of an image say different things of one.
	Disagreement Kind = "disagreement"
	// Stray: a part of an image that nothing in it refers to.
	Stray Kind = "stray"
	// Scant: the image tells less of something than the format's writer does.
	Scant Kind = "scant"
)

// The kinds of archives and other envelopes.
const (
	// PathEscape: a name leads out of the archive by "..".
	PathEscape Kind = "path-escape"
	// AbsoluteName: a name begins at the root.
	AbsoluteName Kind = "absolute-name"
	// LinkEscape: a link leads out of the tree.
	LinkEscape Kind = "link-escape"
	// DanglingLink: a link leads nowhere or in a circle.
	DanglingLink Kind = "dangling-link"
	// BelowLink: a member is to be written through a link or a file.
	BelowLink Kind = "below-link"
	// SpecialMember: a device, a FIFO, a socket.
	SpecialMember Kind = "special-member"
	// DuplicateMember: a name occurs twice.
	DuplicateMember Kind = "duplicate-member"
	// SparseMember: a member with holes.
	SparseMember Kind = "sparse-member"
	// Bomb: compressed data get out of proportion.
	Bomb Kind = "bomb"
	// MemberSize: a member claims more than there is or may be.
	MemberSize Kind = "member-size"
	// TooManyMembers: more members, or more bytes of names, than may be.
	TooManyMembers Kind = "too-many-members"
	// BadName: a name that is no text, or too long.
	BadName Kind = "bad-name"
	// UnknownMember: a member that no engine writes.
	UnknownMember Kind = "unknown-member"
	// AfterEnd: something follows the end of an archive.
	AfterEnd Kind = "after-end"
	// NoEnd: the archive is cut off.
	NoEnd Kind = "no-end"
	// AmbiguousHeader: programs read a header in different ways.
	AmbiguousHeader Kind = "ambiguous-header"
	// BadHeader: a header of an archive is damaged.
	BadHeader Kind = "bad-header"
	// BadDigest: a blob is not what its digest says.
	BadDigest Kind = "bad-digest"
	// BlobSize: a blob is not as long as its descriptor says.
	BlobSize Kind = "blob-size"
	// MissingBlob: a blob is not in the layout.
	MissingBlob Kind = "missing-blob"
	// ForeignLayer: a descriptor that says to fetch from elsewhere.
	ForeignLayer Kind = "foreign-layer"
	// RecursiveIndex: an index within itself, or within too many others.
	RecursiveIndex Kind = "recursive-index"
	// BadDescriptor: a digest or media type that is none.
	BadDescriptor Kind = "bad-descriptor"
	// ManyImages: a layout of more than one image.
	ManyImages Kind = "many-images"
	// BadDocument: a JSON document of an envelope that is none.
	BadDocument Kind = "bad-document"
	// AmbiguousDocument: a JSON document that programs read in different ways.
	AmbiguousDocument Kind = "ambiguous-document"
	// MissingDocument: of the documents that belong together, one is not there.
	MissingDocument Kind = "missing-document"
)

// The kinds of encryption.
const (
	// Encrypted: the input is encrypted, and nothing was given to read it with.
	Encrypted Kind = "encrypted"
	// OtherRecipient: the input is encrypted to others.
	OtherRecipient Kind = "other-recipient"
	// BadCipher: encrypted data does not authenticate.
	BadCipher Kind = "bad-cipher"
)

// The kinds of seals.
const (
	// Unsealed: there is no seal.
	Unsealed Kind = "unsealed"
	// BadSeal: a seal that is none.
	BadSeal Kind = "bad-seal"
	// ForeignSeal: a seal by a key that was not asked for.
	ForeignSeal Kind = "foreign-seal"
	// ForgedSeal: a seal that its key did not sign.
	ForgedSeal Kind = "forged-seal"
	// OtherImage: a seal of another image.
	OtherImage Kind = "other-image"
	// AlteredMember: a member's bytes are not those that were sealed.
	AlteredMember Kind = "altered-member"
	// ResizedMember: a member is not as long as it was when it was sealed.
	ResizedMember Kind = "resized-member"
	// SwappedMember: a member holds what was sealed under another name.
	SwappedMember Kind = "swapped-member"
	// StrippedMember: a member that was sealed is not there.
	StrippedMember Kind = "stripped-member"
	// AddedMember: a member is there that was not sealed.
	AddedMember Kind = "added-member"
	// ChangedMeanwhile: what is read is not what was checked before.
	ChangedMeanwhile Kind = "changed-meanwhile"
)

// Kinds lists all kinds.
func Kinds() []Kind {
	return []Kind{
		BadMagic, UnsupportedVersion, Truncated, Trailing, BadChecksum, TooLarge, Overlong,
		Duplicate, Missing, Misplaced, Unknown, BadCompression, Malformed, Impossible, Disagreement, Stray, Scant,
		PathEscape, AbsoluteName, LinkEscape, DanglingLink, BelowLink, SpecialMember, DuplicateMember, SparseMember,
		Bomb, MemberSize, TooManyMembers, BadName, UnknownMember, AfterEnd, NoEnd, AmbiguousHeader, BadHeader,
		BadDigest, BlobSize, MissingBlob, ForeignLayer, RecursiveIndex, BadDescriptor, ManyImages, BadDocument,
		AmbiguousDocument, MissingDocument,
		Encrypted, OtherRecipient, BadCipher,
		Unsealed, BadSeal, ForeignSeal, ForgedSeal, OtherImage,
		AlteredMember, ResizedMember, SwappedMember, StrippedMember, AddedMember, ChangedMeanwhile,
	}
}

// A FormatError reports input that does not follow its format.
type FormatError struct {
	// File is the name of the input or of a file inside the image; may be empty.
	File string
	// Record names the part of the file: "tasks record 3"; may be empty.
	Record string
	// Offset of the first offending byte in File; for compressed records, of the
	// record.
	Offset int64
	// Kind is what is wrong.
	Kind Kind
	// Err says it in words.
	Err error
}

var _ error = (*FormatError)(nil)

// Errorf makes a FormatError without a file name.
func Errorf(kind Kind, record string, offset int64, msg string, args ...any) *FormatError {
	return &FormatError{Record: record, Offset: offset, Kind: kind, Err: fmt.Errorf(msg, args...)}
}

// Error gives file, record, offset and reason.
func (e *FormatError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	if e.Record != "" {
		b.WriteString(e.Record + " ")
	}
	fmt.Fprintf(&b, "at %#x: %v", e.Offset, e.Err)
	return b.String()
}

// Unwrap gives the reason.
func (e *FormatError) Unwrap() error { return e.Err }

// InFile sets the file name of a FormatError in err that has none yet.
func InFile(err error, name string) error {
	if fe, ok := errors.AsType[*FormatError](err); ok && fe.File == "" {
		fe.File = name
	}
	return err
}

// The errors that are no fault of an input's contents.
var (
	// ErrUnknownFormat: no registered format begins like this.
	ErrUnknownFormat = errors.New("not an image of a known format")
	// ErrNoEncoder: the format cannot be written, or not in that version.
	ErrNoEncoder = errors.New("format cannot be written")
	// ErrClosed: the file was closed before its pages were read.
	ErrClosed = errors.New("image file is closed")
)
