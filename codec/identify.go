package codec

// Identify finds out what src is without decoding it: it undoes compression
// around it and gives the format, and the source as that format's own functions
// take it. The caller calls the returned function when done. Errors are those of
// [Registry.Open].
func (r *Registry) Identify(src Source, lim Limits) (Format, Source, func() error, error) {
	inner, layers, err := unwrap(src, lim.WithDefaults())
	if err != nil {
		layers.close() //nolint:errcheck // the error that counts is the first
		return nil, src, nil, InFile(readError(err, src.Name), src.Name)
	}
	f, inner, err := r.identify(inner)
	if err != nil {
		layers.close() //nolint:errcheck // the error that counts is the first
		return nil, src, nil, InFile(err, src.Name)
	}
	return f, inner, layers.close, nil
}
