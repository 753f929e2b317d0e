package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many symbolic links are followed in one path; the kernel follows
// 40 (path_resolution(7)).
const maxLinks = 40

// nowhere is a path of no file: what stands behind too many links is not there,
// wherever the last of them leads.
const nowhere = os.DevNull + "/too many symbolic links"

// belowRoot finds paths of a tree in the directory that becomes its root, as that tree
// will: symbolic links on the way lead to places in the directory, also absolute
// ones and those with too many "..". The result has no link in it, so that who
// opens it from outside comes to the same file, as long as nobody changes the
// directory meanwhile. What is not there is told where it would be.
func belowRoot(root string) func(string) string {
	known := map[string]string{}
	return func(p string) string {
		at, ok := known[p]
		if !ok {
			if at, ok = follow(root, p); ok {
				at = filepath.Join(root, at)
			}
			known[p] = at
		}
		return at
	}
}

// follow gives the place of a path in root without links, from root on, or nowhere
// and false.
func follow(root, p string) (string, bool) {
	at, links, missing := "/", 0, false
	for rest := strings.Split(p, "/"); len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at, missing = filepath.Dir(at), false
			continue
		}
		next := filepath.Join(at, name)
		if missing { // nothing is below what is not there
			at = next
			continue
		}
		target, err := os.Readlink(filepath.Join(root, next))
		if err != nil { // most often because it is no link
			missing = errors.Is(err, fs.ErrNotExist)
			at = next
			continue
		}
		if links++; links > maxLinks {
			return nowhere, false
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, true
}
