package seal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/thaw-cr/thaw/codec"
)

// parentLink is the link of an image of CRIU to the image it continues. It may
// lead out of the directory; no other link does.
const parentLink = "parent"

// maxParents bounds chains of parents; one that is longer goes in a circle.
const maxParents = 64

// A place is where a member is read: a file of a directory.
type place struct {
	dir fs.FS
	rel string
	// size in bytes and mode when it was listed.
	size int64
	mode fs.FileMode
}

// tree is all files of an image's directory, those of the images that it
// continues too.
type tree struct {
	lim    codec.Limits
	places map[string]place
	// dirs are the directories by name, "." the first; linked those of them that a
	// link leads to: they are opened, not listed.
	dirs   map[string]place
	linked map[string]bool
}

// listTree lists a directory.
func listTree(ctx context.Context, dir fs.FS, lim codec.Limits) (*tree, error) {
	t := &tree{lim: lim, places: map[string]place{}, dirs: map[string]place{}, linked: map[string]bool{}}
	return t, t.walk(ctx, dir, "", 0)
}

// names are those of all files, ordered.
func (t *tree) names() []string { return slices.Sorted(maps.Keys(t.places)) }

// walk lists dir, whose files get prefix before their names. parents is how many
// links led here.
func (t *tree) walk(ctx context.Context, dir fs.FS, prefix string, parents int) error {
	return fs.WalkDir(dir, ".", func(rel string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) && rel != ".": // gone since it was listed
			return nil
		case err != nil:
			return fmt.Errorf("list %s: %w", path.Join(prefix, rel), err)
		case d.IsDir():
			return t.directory(ctx, dir, prefix, rel, parents)
		}
		return t.file(dir, prefix, rel, d)
	})
}

// directory notes a directory, and goes where its link to a parent leads.
func (t *tree) directory(ctx context.Context, dir fs.FS, prefix, rel string, parents int) error {
	t.dirs[path.Join(prefix, rel)] = place{dir: dir, rel: rel}
	if err := t.count(); err != nil {
		return err
	}
	link := path.Join(rel, parentLink)
	if isListed(dir, rel, parentLink) {
		return nil
	}
	parent, err := fs.Sub(dir, link)
	if err != nil { // there is none, or it leads nowhere, which the directory's faults say
		return nil //nolint:nilerr // most images have no parent
	}
	if _, err := fs.ReadDir(parent, "."); err != nil {
		return nil //nolint:nilerr // fs.Sub of some file systems does not look
	}
	if parents == maxParents {
		return codec.Errorf(codec.LinkEscape, path.Join(prefix, link), 0, "more than %d images that continue one another: the links go in a circle", maxParents)
	}
	t.linked[path.Join(prefix, link)] = true
	return t.walk(ctx, parent, path.Join(prefix, link), parents+1)
}

// isListed says whether a directory lists a name.
func isListed(dir fs.FS, rel, name string) bool {
	list, err := fs.ReadDir(dir, rel)
	return err == nil && slices.ContainsFunc(list, func(e fs.DirEntry) bool { return e.Name() == name })
}

// file notes a file.
func (t *tree) file(dir fs.FS, prefix, rel string, d fs.DirEntry) error {
	name := path.Join(prefix, rel)
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return codec.Errorf(codec.BadName, fmt.Sprintf("member %.200q", name), 0, "the name is no text")
	}
	t.places[name] = place{dir: dir, rel: rel, size: info.Size(), mode: info.Mode()}
	return t.count()
}

// count bounds the number of members.
func (t *tree) count() error {
	if int64(len(t.places)+len(t.dirs)) > t.lim.Members {
		return codec.Errorf(codec.TooManyMembers, "", 0, "more than %d members", t.lim.Members)
	}
	return nil
}

// faults are what is wrong with a directory of the tree itself.
func (t *tree) faults(name string) []*codec.FormatError {
	p, ok := t.dirs[name]
	if !ok {
		return nil
	}
	dir, err := fs.Sub(p.dir, p.rel)
	if err != nil { // opening it says so
		return nil
	}
	f, ok := dir.(codec.Faulter)
	if !ok {
		return nil
	}
	return f.Faults()
}

// allFaults are those of all directories.
func (t *tree) allFaults() []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(t.dirs)) {
		for _, f := range t.faults(name) {
			errs = append(errs, f)
		}
	}
	return errs
}
