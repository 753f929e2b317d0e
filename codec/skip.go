package codec

import "io"

// A Skipper is a writer that can leave zeroes out: a file with holes.
type Skipper interface {
	io.Writer
	// Skip is like writing n zero bytes. What is written ends with bytes, not
	// with a skip.
	Skip(n int64) error
}

// Skip writes n zero bytes to w, or leaves them out if it can.
func Skip(w io.Writer, n int64) error {
	if s, ok := w.(Skipper); ok {
		return s.Skip(n)
	}
	zeroes := make([]byte, min(n, 256<<10))
	for n > 0 {
		p := zeroes[:min(n, int64(len(zeroes)))]
		if _, err := w.Write(p); err != nil {
			return err
		}
		n -= int64(len(p))
	}
	return nil
}
