package codec

import "context"

// Identify finds out what src is without decoding it: it undoes compression
// and envelopes around it and gives the format, and the source as that format's own functions
// take it. The caller calls the returned function when done. Errors are those of
// [Registry.Open].
func (r *Registry) Identify(ctx context.Context, src Source, lim Limits) (Format, Source, func() error, error) {
	u, err := r.unpack(ctx, src, lim.WithDefaults())
	if err != nil {
		u.close() //nolint:errcheck // the error that counts is the first
		return nil, src, nil, InFile(err, src.Name)
	}
	return u.format, u.Source, u.close, nil
}
