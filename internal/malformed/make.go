package malformed

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The formats of vectors, and the suffix of their files.
const (
	formatNative  = "thaw"
	formatLinuxCR = "linux-cr"
	formatCRIU    = "criu"
	formatArchive = "archive"
	formatWrapped = "wrapped"
)

// workshop makes vectors.
type workshop struct {
	bases map[string]*Vector
	made  []*Vector
	names map[string]bool
	// errs are faults of the tables.
	errs []error
}

// Make makes all vectors from the bases. Their verdicts are those that the codes
// have in severity, which gives the severity of a code: "error", "warning" or
// "note".
func Make(bases []*Vector, severity func(code string) string) ([]*Vector, error) {
	w := &workshop{bases: map[string]*Vector{}, names: map[string]bool{}}
	for _, b := range bases {
		w.bases[b.Name] = b
	}
	for _, format := range []func(*workshop){makeNative, makeModels, makeLinuxCR, makeCRIU, makeArchives, makeWrapped} {
		format(w)
	}
	for _, v := range w.made {
		if v.Verdict = Valid; slices.ContainsFunc(v.Codes, func(c string) bool { return severity(c) == "error" }) {
			v.Verdict = Invalid
		}
		v.Size, v.SHA256 = v.size(), v.digest()
	}
	if len(w.errs) > 0 {
		return nil, w.errs[0]
	}
	return w.made, nil
}

// base gives the one file of a base.
func (w *workshop) base(name string) []byte {
	b, ok := w.bases[name]
	if !ok {
		w.errs = append(w.errs, fmt.Errorf("there is no base %s", name))
		return nil
	}
	return slices.Clone(b.Bytes())
}

// fault is what a table says of a vector: its name without the format, what is
// wrong in words, where, and the codes, parted by spaces.
type fault struct {
	name, what, where, codes string
}

func (w *workshop) add(format string, f fault, base string, kind Kind, files []File) {
	v := &Vector{Entry: Entry{
		Name: format + "/" + f.name, Format: format, Kind: kind, Pack: format + ".tar.zst", Base: base,
		Fault: f.what, Where: f.where, Codes: strings.Fields(f.codes),
	}, Files: files}
	slices.Sort(v.Codes)
	if v.Path = v.Name; kind == KindFile {
		v.Path = format + "/" + files[0].Name
	}
	if w.names[v.Name] {
		w.errs = append(w.errs, fmt.Errorf("%s is made twice", v.Name))
	}
	w.names[v.Name] = true
	slices.SortFunc(v.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	w.made = append(w.made, v)
}

// addFile adds a vector that is a file.
func (w *workshop) addFile(format string, f fault, base, suffix string, data []byte) {
	w.add(format, f, base, KindFile, []File{{Name: f.name + suffix, Data: data}})
}
