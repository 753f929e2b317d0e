package validate

import "github.com/thaw-cr/thaw/codec"

// archiveCodes are the codes of what is wrong with archives and the like.
var archiveCodes = map[codec.Kind]string{
	codec.PathEscape:      "A001",
	codec.AbsoluteName:    "A002",
	codec.LinkEscape:      "A003",
	codec.DanglingLink:    "A004",
	codec.BelowLink:       "A005",
	codec.SpecialMember:   "A006",
	codec.DuplicateMember: "A007",
	codec.SparseMember:    "A008",
	codec.Bomb:            "A009",
	codec.MemberSize:      "A010",
	codec.TooManyMembers:  "A011",
	codec.BadName:         "A012",
	codec.UnknownMember:   "A013",
	codec.AfterEnd:        "A014",
	codec.NoEnd:           "A015",
	codec.AmbiguousHeader: "A016",
	codec.BadHeader:       "A017",
	codec.BadDigest:       "A020",
	codec.BlobSize:        "A021",
	codec.MissingBlob:     "A022",
	codec.ForeignLayer:    "A023",
	codec.RecursiveIndex:  "A024",
	codec.BadDescriptor:   "A025",
	codec.ManyImages:      "A026",
	codec.BadDocument:     "A027",

	codec.AmbiguousDocument: "A028",
	codec.MissingDocument:   "A029",
}

// FromFaults makes findings of what is wrong with a file although it could be
// opened.
func FromFaults(faults []*codec.FormatError) []Finding {
	found := make([]Finding, len(faults))
	for i, f := range faults {
		found[i] = fromFormatError(f)
	}
	return found
}
