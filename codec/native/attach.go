package native

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// errNotKept: an attachment claims to be of this format and is not.
var errNotKept = errors.New("only records that a reader of the format kept can be written back")

// packedSuffix marks the name of a kept record whose data is compressed. The data
// of such a record begins with its length when decompressed, 4 bytes.
const packedSuffix = "+zstd"

// keptRecord is an attachment for a record that is not known. Its place is the
// number of known records before it.
func keptRecord(f frame, known uint64, payload []byte) format.Attachment {
	a := format.Attachment{Format: formatName, Record: fmt.Sprintf("%#04x", uint16(f.typ)), Place: strconv.FormatUint(known, 10)}
	if f.flags&flagZstd != 0 {
		a.Record += packedSuffix
		a.Data = le32(a.Data, f.unpacked)
	}
	a.Data = append(a.Data, payload...)
	return a
}

func le32(b []byte, v uint32) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

// kept is an attachment as the record it was.
type kept struct {
	frame   frame
	place   uint64
	payload []byte
}

// parseKept is the inverse of keptRecord.
func parseKept(a *format.Attachment) (kept, error) {
	k := kept{frame: frame{flags: flagMaySkip}, payload: a.Data}
	name, packed := strings.CutSuffix(a.Record, packedSuffix)
	t, err := strconv.ParseUint(strings.TrimPrefix(name, "0x"), 16, 16)
	if err == nil {
		k.place, err = strconv.ParseUint(a.Place, 10, 64)
	}
	if err != nil || find(recordType(t)) != nil {
		return k, fmt.Errorf("attachment %q at %q is no record of this format: %w", a.Record, a.Place, errNotKept)
	}
	k.frame.typ = recordType(t)
	k.frame.unpacked = uint32(len(a.Data))
	if packed {
		if len(a.Data) < 4 {
			return k, fmt.Errorf("attachment %q has %d bytes: %w", a.Record, len(a.Data), errNotKept)
		}
		k.frame.flags |= flagZstd
		k.frame.unpacked = uint32(a.Data[0]) | uint32(a.Data[1])<<8 | uint32(a.Data[2])<<16 | uint32(a.Data[3])<<24
		k.payload = a.Data[4:]
	}
	return k, nil
}
