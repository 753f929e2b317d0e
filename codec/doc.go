// Package codec reads and writes checkpoint images: bytes to [format.Image] and
// back. Each file format is a package below this one; a [Registry] holds those
// that a program wants.
//
//	reg := codec.NewRegistry(native.Format())
//	f, err := reg.Open(ctx, codec.Source{Name: "a.thaw", At: file, Size: size}, codec.Limits{})
//	defer f.Close()
//	use(f.Image)                       // f.Image.Pages reads while f is open
//	err = reg.Encode(ctx, w, f.Image, "thaw", codec.EncodeOptions{})
//
// # Security
//
// Input is taken to be hostile. Lengths and counts are checked against the input
// and against [Limits] before anything is allocated for them; nothing panics and
// nothing runs without end. What is wrong with an input is a [FormatError] with a
// [Kind] and an offset; every other error is one of reading or writing. What a
// valid image means is not judged here: that is package validate's.
package codec
