package hostfacts

import (
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/validate/host"
)

// alwaysEmpty are the directories of /proc that are there to be mounted upon, and
// so hide nothing.
var alwaysEmpty = []string{"/sys/fs/binfmt_misc", "/fs/nfsd", "/openprom"}

// procMount is a line of /proc/self/mountinfo (proc_pid_mountinfo(5)), as far as
// it matters.
type procMount struct {
	id, parent, root, point, options, kind string
}

// procCovered asks whether the kernel lets a new user namespace mount /proc: it
// does if there is one already that shows all of it, and may be written to
// (fs/namespace.c, mnt_already_visible).
func (s *Source) procCovered(f *host.Facts) error {
	b, err := s.reader.Read("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	why := covered(parseMounts(string(b)))
	f.Rights.ProcCovered = &why
	return nil
}

// parseMounts takes the lines apart: id, parent, device, root, mount point, options,
// any number of tags, a dash, type.
func parseMounts(text string) []procMount {
	var list []procMount
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		dash := slices.Index(words, "-")
		const tags = 6
		if dash >= tags && dash+1 < len(words) {
			list = append(list, procMount{id: words[0], parent: words[1], root: words[3], point: words[4], options: words[5], kind: words[dash+1]})
		}
	}
	return list
}

// covered says why no mount of /proc shows all; empty if one does.
func covered(list []procMount) string {
	why := "there is none that shows all of it"
	for _, m := range list {
		switch {
		case m.kind != "proc" || m.root != "/":
		case slices.Contains(strings.Split(m.options, ","), "ro"):
			why = m.point + " is read-only"
		default:
			at := slices.IndexFunc(list, func(c procMount) bool {
				below, ok := strings.CutPrefix(c.point, strings.TrimSuffix(m.point, "/"))
				return c.parent == m.id && ok && !slices.Contains(alwaysEmpty, below)
			})
			if at < 0 {
				return ""
			}
			why = list[at].point + " lies over a part of it"
		}
	}
	return why
}
