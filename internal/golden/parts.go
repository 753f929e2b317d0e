package golden

import (
	"bytes"
	"fmt"
	"slices"
)

// replace gives text with other contents between the marks of a part.
func replace(text []byte, part, contents string) ([]byte, error) {
	before, rest, found := bytes.Cut(text, []byte("<!-- "+part+" -->\n"))
	if !found {
		return nil, fmt.Errorf("there is no place for %s", part)
	}
	end := bytes.Index(rest, []byte("<!-- end -->"))
	if end < 0 {
		return nil, fmt.Errorf("%s has no end", part)
	}
	at := len(text) - len(rest)
	return slices.Concat(text[:len(before)], text[len(before):at], []byte(contents), rest[end:]), nil
}
