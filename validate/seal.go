package validate

import "github.com/thaw-cr/thaw/codec"

// sealCodes are the codes of what is found of seals and of encryption.
var sealCodes = map[codec.Kind]string{
	codec.Encrypted:        "F014",
	codec.OtherRecipient:   "F015",
	codec.BadCipher:        "F016",
	codec.Unsealed:         "F020",
	codec.BadSeal:          "F021",
	codec.ForeignSeal:      "F022",
	codec.ForgedSeal:       "F023",
	codec.OtherImage:       "F024",
	codec.AlteredMember:    "F025",
	codec.ResizedMember:    "F026",
	codec.SwappedMember:    "F027",
	codec.StrippedMember:   "F028",
	codec.AddedMember:      "F029",
	codec.ChangedMeanwhile: "F030",
}
