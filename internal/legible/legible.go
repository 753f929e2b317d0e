// Package legible writes JSON documents that a terminal can show and a person can
// trust.
//
// Documents hold names, arguments and messages that the author of an image chose.
// encoding/json escapes the control characters of ASCII in them, but not U+007F
// to U+009F, among which are line ends and the beginning of terminal commands, nor
// characters that cannot be seen or turn the order of the text around them. What
// reads the document does not see the difference: only what stands for a character
// is another.
package legible

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// A Writer escapes, in JSON that goes through it, each character outside ASCII
// that is not printable (unicode.IsPrint), as \u and four digits, or two of these.
// Every Write must end where a character ends, as those of json.Encoder do; bytes
// that are no UTF-8 are written as they are.
type Writer struct{ w io.Writer }

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w} }

// piece is how many bytes are escaped before they are written.
const piece = 32 << 10

// Write writes p. An error is that of the underlying writer; the number is then
// how many bytes of p are known to have been written.
func (w *Writer) Write(p []byte) (int, error) {
	if first(p) == len(p) {
		return w.w.Write(p)
	}
	done := 0
	var buf []byte
	for done < len(p) {
		n := 0
		buf, n = appendEscaped(buf[:0], p[done:])
		if _, err := w.w.Write(buf); err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// first finds the first byte that may have to be escaped.
func first(p []byte) int {
	for i, c := range p {
		if c >= 0x7f {
			return i
		}
	}
	return len(p)
}

// appendEscaped escapes characters of p until it has a piece of them, and says how
// many bytes of p these were.
func appendEscaped(buf, p []byte) ([]byte, int) {
	i := 0
	for i < len(p) && len(buf) < piece {
		r, n := utf8.DecodeRune(p[i:])
		if r < 0x7f || unicode.IsPrint(r) || r == utf8.RuneError {
			buf = append(buf, p[i:i+n]...)
		} else if high, low := utf16.EncodeRune(r); high == unicode.ReplacementChar {
			buf = fmt.Appendf(buf, `\u%04x`, r)
		} else {
			buf = fmt.Appendf(buf, `\u%04x\u%04x`, high, low)
		}
		i += n
	}
	return buf, i
}
