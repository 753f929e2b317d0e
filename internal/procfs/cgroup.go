package procfs

import "bytes"

// Cgroup is a line of /proc/PID/cgroup.
type Cgroup struct {
	Hierarchy   int
	Controllers string
	Path        string
}

// ParseCgroup parses /proc/PID/cgroup.
func ParseCgroup(b []byte) ([]Cgroup, error) {
	var list []Cgroup
	for n := 1; len(b) > 0; n++ {
		var text []byte
		text, b = line(b)
		id, rest, ok := bytes.Cut(text, []byte(":"))
		ctl, path, ok2 := bytes.Cut(rest, []byte(":"))
		v, ok3 := number(id, 10)
		if !ok || !ok2 || !ok3 || v > 1<<31-1 || len(path) == 0 {
			return nil, malformed("cgroup", n, "id:controllers:path wanted, not %.80q", text)
		}
		list = append(list, Cgroup{Hierarchy: int(v), Controllers: string(ctl), Path: string(path)})
	}
	return list, nil
}

// Cgroups reads /proc/TID/cgroup.
func (r *Reader) Cgroups(tid int) ([]Cgroup, error) {
	path := Path(tid, "cgroup")
	b, err := r.Read(path)
	if err != nil {
		return nil, err
	}
	c, err := ParseCgroup(b)
	return c, inFile(path, err)
}

// ParseCPUList parses a list of CPUs like "0-3,8" to a mask, least significant
// word first.
func ParseCPUList(b []byte) ([]uint64, error) {
	var mask []uint64
	for part := range bytes.SplitSeq(bytes.TrimSpace(b), []byte(",")) {
		from, to, ok := bytes.Cut(part, []byte("-"))
		if !ok {
			to = from
		}
		first, ok1 := number(from, 10)
		last, ok2 := number(to, 10)
		if !ok1 || !ok2 || first > last || last >= maxCPUs {
			return nil, malformed("cpu list", 1, "range of CPUs wanted, not %.40q", part)
		}
		for cpu := first; cpu <= last; cpu++ {
			for uint64(len(mask)) <= cpu/64 {
				mask = append(mask, 0)
			}
			mask[cpu/64] |= 1 << (cpu % 64)
		}
	}
	return mask, nil
}

const maxCPUs = 1 << 16
