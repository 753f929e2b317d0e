package policy

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// unit is what a number in a policy counts.
type unit int

const (
	countUnit unit = iota // things: 1000
	bytesUnit             // bytes: 16GiB
	ratioUnit             // how many times: 500:1
)

// byteUnits are the units of sizes.
var byteUnits = map[string]uint64{
	"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// unitExamples are numbers for messages.
var unitExamples = map[unit]string{countUnit: "100000", bytesUnit: "16GiB", ratioUnit: "500:1"}

var errUnit = errors.New("no such number")

// parse reads a number with its unit. It is greater than zero.
func (u unit) parse(text string) (int64, error) {
	digits, factor := text, uint64(1)
	switch u {
	case countUnit:
	case bytesUnit:
		i := strings.IndexFunc(text, func(c rune) bool { return c < '0' || c > '9' })
		if i < 0 {
			return 0, fmt.Errorf("%w: %.40q has no unit, as in %s", errUnit, text, unitExamples[u])
		}
		digits = text[:i]
		if factor = byteUnits[strings.TrimPrefix(text[i:], " ")]; factor == 0 {
			return 0, fmt.Errorf("%w: %.40q has no unit that is known, as in %s", errUnit, text, unitExamples[u])
		}
	case ratioUnit:
		var ok bool
		if digits, ok = strings.CutSuffix(text, ":1"); !ok {
			return 0, fmt.Errorf("%w: %.40q is no ratio, as in %s", errUnit, text, unitExamples[u])
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%w: %.40q, wanted as in %s", errUnit, text, unitExamples[u])
	}
	over, product := bits.Mul64(n, factor)
	if over != 0 || product > math.MaxInt64 {
		return 0, fmt.Errorf("%w: %.40q is too large", errUnit, text)
	}
	return int64(product), nil
}
