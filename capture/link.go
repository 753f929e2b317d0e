package capture

import (
	"os"
	"path/filepath"

	"github.com/thaw-cr/thaw/internal/sys"
)

// linkSearch is how many names are looked at for another one of a file.
const linkSearch = 20000

// findLink looks for another name of a file that had a path: in that directory
// and below, then below the one above it. Empty if none is near.
func findLink(path string, st sys.FileInfo) string {
	s := linkSearcher{want: st, left: linkSearch}
	dir := filepath.Dir(path)
	if found := s.below(dir, ""); found != "" {
		return found
	}
	return s.below(filepath.Dir(dir), dir)
}

type linkSearcher struct {
	want sys.FileInfo
	left int
}

// below searches a directory and those in it that lie on the file's device,
// nearest first; the directory but is left out.
func (s *linkSearcher) below(dir, but string) string {
	todo := []string{dir}
	for len(todo) > 0 && s.left > 0 {
		found, more := s.in(todo[0])
		if found != "" {
			return found
		}
		todo = todo[1:]
		for _, d := range more {
			if d != but {
				todo = append(todo, d)
			}
		}
	}
	return ""
}

// in looks at the names in one directory.
func (s *linkSearcher) in(dir string) (found string, dirs []string) {
	const some = 256
	if st, err := sys.Lstat(dir); err != nil || st.Dev != s.want.Dev {
		return "", nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil
	}
	defer f.Close() //nolint:errcheck // only read
	for s.left > 0 {
		list, err := f.ReadDir(some)
		for _, e := range list {
			s.left--
			path := filepath.Join(dir, e.Name())
			if e.IsDir() {
				dirs = append(dirs, path)
				continue
			}
			if !e.Type().IsRegular() {
				continue
			}
			if st, err := sys.Lstat(path); err == nil && sameFile(st, s.want) {
				return path, nil
			}
		}
		if err != nil {
			break // at the end, io.EOF; else what can be read is all
		}
	}
	return "", dirs
}
