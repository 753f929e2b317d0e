package host

import (
	"fmt"
	"path"
	"strings"
)

// CorePattern is what kernel.core_pattern says, as far as a zombie needs it.
// Source: core(5).
type CorePattern struct {
	// Dirs are the directories of the pattern's path; Absolute says that they
	// begin at the root.
	Dirs     []string
	Absolute bool
}

// ParseCorePattern refuses patterns that would hand a dump to a program.
func ParseCorePattern(s string) (CorePattern, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "|") || strings.HasPrefix(s, "@") {
		return CorePattern{}, fmt.Errorf("kernel.core_pattern %q hands core dumps to a program", s)
	}
	dir := path.Dir(s)
	if strings.Contains(dir, "%") {
		return CorePattern{}, fmt.Errorf("kernel.core_pattern %q has a directory that depends on the process", s)
	}
	c := CorePattern{Absolute: path.IsAbs(dir)}
	at := ""
	for d := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if d == "" || d == "." {
			continue
		}
		at = path.Join(at, d)
		c.Dirs = append(c.Dirs, at)
	}
	return c, nil
}
