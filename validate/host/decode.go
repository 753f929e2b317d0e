package host

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/legible"
)

// Bounds of facts that are read.
const (
	// MaxBytes bounds a document, and MaxObjects how many objects it has, since
	// those take more memory than bytes: enough for 100,000 files and tasks.
	MaxBytes   = 64 << 20
	MaxObjects = 1 << 18
	// MaxText bounds each string, but for paths; MaxPath each path, in bytes.
	MaxText = 4096
	MaxPath = 16384
	// MaxList bounds each list.
	MaxList = 1 << 20
	// maxWords bounds lists of words, which are few on any machine: controllers,
	// modules, types of file systems, locks of one file.
	maxWords = 4096
	// maxProcessors bounds a mask of processors, in words.
	maxProcessors = 1 << 10
	// maxComponents is how many register components there can be.
	maxComponents = 64
	// maxGroups is NGROUPS_MAX.
	maxGroups = 65536
	// maxParts bounds the vdso's.
	maxParts = 16
)

// ErrVersion says that facts are of another version than this package reads.
var ErrVersion = errors.New("facts of another version")

// ErrTooLong says that a document or something in it exceeds its bound.
var ErrTooLong = errors.New("longer than allowed")

// Decode reads facts. A document that is too long, has fields nobody knows, goes
// on behind its end or is of another version is refused.
func Decode(r io.Reader) (*Facts, error) {
	document, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("facts of a host: %w", err)
	case len(document) > MaxBytes:
		return nil, fmt.Errorf("facts of a host: %w: %d bytes at most", ErrTooLong, MaxBytes)
	case bytes.Count(document, []byte{'{'}) > MaxObjects:
		return nil, fmt.Errorf("facts of a host: %w: %d objects at most", ErrTooLong, MaxObjects)
	}
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.DisallowUnknownFields()
	var f *Facts
	switch err := dec.Decode(&f); {
	case err != nil:
		if version, ok := versionOf(document); ok && version != Version { // no wonder
			return nil, otherVersion(version)
		}
		return nil, fmt.Errorf("facts of a host: %w", plainError(err))
	case f == nil:
		return nil, errors.New("facts of a host: there are none")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("facts of a host: something follows at byte %d", dec.InputOffset())
	}
	if f.Version != Version {
		return nil, otherVersion(f.Version)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, nil
}

func otherVersion(version int) error {
	return fmt.Errorf("%w: %d, this program reads %d", ErrVersion, version, Version)
}

// versionOf is the version that a document says it has, whatever else is in it.
func versionOf(document []byte) (version int, ok bool) {
	var v struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(document, &v); err != nil || v.Version == nil {
		return 0, false
	}
	return *v.Version, true
}

// plainError says an error in decoding without the names of Go's types.
func plainError(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("at byte %d: %s: %s", e.Offset, cmp.Or(e.Field, "document"), misfit(e))
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("at byte %d: no JSON: %w", e.Offset, e)
	}
	name, unknown := strings.CutPrefix(err.Error(), "json: unknown field ")
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the document is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the document ends in the middle")
	case unknown:
		return fmt.Errorf("the field %s is unknown: a newer release may have written it", name)
	}
	return err
}

// misfit says what is wrong with a value.
func misfit(e *json.UnmarshalTypeError) string {
	number, ok := strings.CutPrefix(e.Value, "number ")
	switch {
	case !ok:
		return "no " + e.Value + " is wanted here"
	case len(number) > len("9007199254740992"):
		return number + " does not fit: the file may have gone through a program that rounds large numbers, as jq does before 1.7"
	}
	return number + " does not fit"
}

// Encode writes facts, one document with a line for each thing.
func Encode(w io.Writer, f *Facts) error {
	enc := json.NewEncoder(legible.NewWriter(w))
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(f); err != nil {
		return fmt.Errorf("write facts of a host: %w", err)
	}
	return nil
}

// A limit is something that has a bound.
type limit struct {
	name      string
	have, max int
}

// check asks for the bounds that the type does not have.
func (f *Facts) check() error {
	list := []limit{
		{"name", len(f.Name), MaxText},
		{"kernel", len(f.Kernel), MaxText},
		{"arch", len(f.Arch), MaxText},
		{"tool", len(f.Tool), MaxText},
		{"files", len(f.Files), MaxList},
		{"settings", len(f.Settings), MaxList},
		{"features", len(f.Features), MaxList},
		{"filesystems", len(f.Filesystems), maxWords},
	}
	if g := f.Cgroups; g != nil {
		list = append(list, limit{"cgroups.controllers", len(g.Controllers), maxWords}, limit{"cgroups.legacy", len(g.Legacy), maxWords})
	}
	if f.Security != nil {
		list = append(list, limit{"security.modules", len(f.Security.Modules), maxWords})
	}
	if f.Abstract != nil {
		list = append(list, limit{"abstract_names", len(*f.Abstract), MaxList})
	}
	if p := f.Processor; p != nil {
		list = append(list, limit{"processor.online", len(p.Online), maxProcessors},
			limit{"processor.components", len(p.Components), maxComponents}, limit{"processor.speculation", len(p.Speculation), maxComponents})
	}
	if v := f.VDSO; v != nil {
		list = append(list, limit{"vdso.parts", len(v.Parts), maxParts}, limit{"vdso.digest", len(v.Digest), MaxText})
	}
	if f.Rights != nil {
		list = append(list, limit{"rights.limits", len(f.Rights.Limits), maxComponents},
			limit{"rights.uids", len(f.Rights.UIDs), maxWords}, limit{"rights.gids", len(f.Rights.GIDs), maxWords})
		if g := f.Rights.Groups; g != nil {
			list = append(list, limit{"rights.groups", len(*g), maxGroups})
		}
	}
	if n := f.Numbers; n != nil {
		list = append(list, limit{"numbers.tasks", len(n.Tasks), MaxList}, limit{"numbers.groups", len(n.Groups), MaxList})
	}
	if f.SysV != nil {
		list = append(list, limit{"sysv.segments", len(f.SysV.Segments), MaxList})
	}
	for _, l := range list {
		if l.have > l.max {
			return fmt.Errorf("facts of a host, %s: %w: %d, at most %d", l.name, ErrTooLong, l.have, l.max)
		}
	}
	return errors.Join(f.checkAnswers(), f.checkFiles(), f.checkPlaces())
}

func (f *Facts) checkAnswers() error {
	for name, a := range f.Features {
		if a.Is != Yes && a.Is != No && a.Is != Unknown {
			return fmt.Errorf("facts of a host, feature %.60q: yes, no or unknown wanted, not %.20q", name, a.Is)
		}
	}
	return nil
}

func (f *Facts) checkFiles() error {
	seen := make(map[fileKey]bool, len(f.Files))
	for i := range f.Files {
		file := &f.Files[i]
		k := fileKey{file.Path, file.NoFollow}
		switch {
		case len(file.Path) > MaxPath:
			return fmt.Errorf("facts of a host, file %d: path: %w: %d bytes, at most %d", i, ErrTooLong, len(file.Path), MaxPath)
		case !strings.HasPrefix(file.Path, "/"):
			return fmt.Errorf("facts of a host, file %d: an absolute path wanted, not %.120q", i, file.Path)
		case file.Locks != nil && len(*file.Locks) > maxWords:
			return fmt.Errorf("facts of a host, file %d: locks: %w: %d, at most %d", i, ErrTooLong, len(*file.Locks), maxWords)
		case seen[k]:
			return fmt.Errorf("facts of a host, file %d: %.120q occurs twice", i, file.Path)
		}
		seen[k] = true
	}
	return nil
}

// checkPlaces asks that things lie where they can.
func (f *Facts) checkPlaces() error {
	if f.VDSO != nil {
		for i, p := range f.VDSO.Parts {
			if p.Kind != format.VMAVDSO && p.Kind != format.VMAVVar || p.Size == 0 || p.Start+p.Size < p.Start {
				return fmt.Errorf("facts of a host, part %d of the vdso: %.20q at %#x, %#x bytes", i, p.Kind, p.Start, p.Size)
			}
		}
	}
	if f.Processor == nil {
		return nil
	}
	for _, k := range f.Processor.Components {
		if k.Bit >= maxComponents || k.Offset > 1<<20 || k.Size > 1<<20 {
			return fmt.Errorf("facts of a host, register component %d: %d bytes at %d", k.Bit, k.Size, k.Offset)
		}
	}
	return nil
}
