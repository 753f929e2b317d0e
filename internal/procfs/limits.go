package procfs

import (
	"bytes"

	"github.com/thaw-cr/thaw/internal/abi"
)

// Limit is a resource limit by its number in RlimitNames of internal/abi;
// no limit is the largest number.
type Limit struct{ Soft, Hard uint64 }

// ParseLimits parses /proc/PID/limits; all 16 limits must be there.
func ParseLimits(b []byte) ([abi.RlimNlimits]Limit, error) {
	var limits [abi.RlimNlimits]Limit
	var seen [abi.RlimNlimits]bool
	_, b = line(b)
	for n := 2; len(b) > 0; n++ {
		var text []byte
		text, b = line(b)
		for res, name := range abi.RlimitNames {
			if !bytes.HasPrefix(text, []byte(name+" ")) {
				continue
			}
			soft, rest := field(text[len(name):])
			hard, _ := field(rest)
			if !setLimit(&limits[res].Soft, soft) || !setLimit(&limits[res].Hard, hard) {
				return limits, malformed("limits", n, "limits wanted in %.80q", text)
			}
			seen[res] = true
		}
	}
	for res, ok := range seen {
		if !ok {
			return limits, malformed("limits", 0, "%s is missing", abi.RlimitNames[res])
		}
	}
	return limits, nil
}

func setLimit(dst *uint64, b []byte) bool {
	if string(b) == "unlimited" {
		*dst = 1<<64 - 1
		return true
	}
	v, ok := number(b, 10)
	*dst = v
	return ok
}

// Limits reads /proc/TID/limits.
func (r *Reader) Limits(tid int) ([abi.RlimNlimits]Limit, error) {
	path := Path(tid, "limits")
	b, err := r.Read(path)
	if err != nil {
		return [abi.RlimNlimits]Limit{}, err
	}
	l, err := ParseLimits(b)
	return l, inFile(path, err)
}
