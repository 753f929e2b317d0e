package validate

import (
	"errors"

	"github.com/thaw-cr/thaw/codec"
)

// framingCodes are the codes of what codecs find.
var framingCodes = map[codec.Kind]string{
	codec.BadMagic:           "F001",
	codec.UnsupportedVersion: "F002",
	codec.Truncated:          "F003",
	codec.Trailing:           "F004",
	codec.BadChecksum:        "F005",
	codec.TooLarge:           "F006",
	codec.Overlong:           "F007",
	codec.Duplicate:          "F008",
	codec.Missing:            "F009",
	codec.Misplaced:          "F010",
	codec.Unknown:            "F011",
	codec.BadCompression:     "F012",
	codec.Malformed:          codeMalformed,
	codec.Impossible:         "F031",
	codec.Disagreement:       "F032",
	codec.Stray:              "F033",
	codec.Scant:              "F034",
}

const codeMalformed = "F013"

// maxJoined bounds how many errors of a tree of errors FromError looks at.
const maxJoined = 1000

// FromError makes findings of families F and A of a codec's error: one for each
// codec.FormatError in it, one for codec.ErrUnknownFormat. An error that is no
// fault of the image's contents, such as one of reading the file, gives none.
func FromError(err error) []Finding {
	var found []Finding
	queue := []error{err}
	for n := 0; len(queue) > 0 && n < maxJoined; n++ {
		err, queue = queue[0], queue[1:]
		if err == nil {
			continue
		}
		if fe, ok := err.(*codec.FormatError); ok && fe != nil { //nolint:errorlint // the chain is walked here
			found = append(found, fromFormatError(fe))
			continue
		}
		if err == codec.ErrUnknownFormat { //nolint:errorlint // the chain is walked here
			found = append(found, New("F001", Subject{}, "%v", err))
			continue
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			queue = append(queue, many.Unwrap()...)
			continue
		}
		queue = append(queue, errors.Unwrap(err))
	}
	return found
}

func fromFormatError(e *codec.FormatError) Finding {
	code := codeMalformed
	for _, codes := range []map[codec.Kind]string{framingCodes, archiveCodes, sealCodes} {
		if c, ok := codes[e.Kind]; ok {
			code = c
		}
	}
	message := "no reason given"
	if e.Err != nil {
		message = e.Err.Error()
	}
	return New(code, Subject{File: e.File, Record: e.Record, Offset: e.Offset}, "%s", message)
}
