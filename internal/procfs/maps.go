package procfs

import "bytes"

// Map is one area of /proc/PID/maps, with what smaps adds.
type Map struct {
	Start, End                uint64
	Read, Write, Exec, Shared bool
	Offset                    uint64
	Major, Minor              uint32
	Inode                     uint64
	// Path has octal escapes undone; "[heap]" and the like, or empty. Deleted
	// says that the file had " (deleted)" after its path, which is cut off.
	Path    string
	Deleted bool

	// VMFlags are the two-letter flags of smaps, joined: "rdexmr".
	VMFlags       string
	ProtectionKey uint64
	// Anonymous is in KiB.
	Anonymous uint64
	Swap      uint64
}

// Has says whether smaps gave the two-letter flag.
func (m *Map) Has(flag string) bool {
	for i := 0; i+2 <= len(m.VMFlags); i += 2 {
		if m.VMFlags[i:i+2] == flag {
			return true
		}
	}
	return false
}

const deletedSuffix = " (deleted)"

// parseMapLine parses a line of maps, or a heading of smaps.
func parseMapLine(b []byte) (Map, bool) {
	var m Map
	rng, b := field(b)
	from, to, ok := bytes.Cut(rng, []byte("-"))
	perm, b := field(b)
	off, b := field(b)
	dev, b := field(b)
	ino, b := field(b)
	major, minor, ok2 := bytes.Cut(dev, []byte(":"))
	if !ok || !ok2 || len(perm) != 4 || !parsePerm(&m, perm) {
		return m, false
	}
	var oks [6]bool
	var maj, min uint64
	m.Start, oks[0] = number(from, 16)
	m.End, oks[1] = number(to, 16)
	m.Offset, oks[2] = number(off, 16)
	maj, oks[3] = number(major, 16)
	min, oks[4] = number(minor, 16)
	m.Inode, oks[5] = number(ino, 10)
	if oks != [6]bool{true, true, true, true, true, true} || m.End <= m.Start || maj > 1<<32-1 || min > 1<<32-1 {
		return m, false
	}
	m.Major, m.Minor = uint32(maj), uint32(min)
	path := bytes.TrimLeft(b, " ")
	if m.Deleted = bytes.HasSuffix(path, []byte(deletedSuffix)); m.Deleted {
		path = path[:len(path)-len(deletedSuffix)]
	}
	m.Path = unescapePath(path)
	return m, true
}

func parsePerm(m *Map, p []byte) bool {
	m.Read, m.Write, m.Exec, m.Shared = p[0] == 'r', p[1] == 'w', p[2] == 'x', p[3] == 's'
	return (m.Read || p[0] == '-') && (m.Write || p[1] == '-') && (m.Exec || p[2] == '-') &&
		(m.Shared || p[3] == 'p')
}

// unescapePath undoes \012, the one escape of seq_file_path(m, file, "\n").
func unescapePath(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	return string(bytes.ReplaceAll(b, []byte(`\012`), []byte("\n")))
}

// likelyAreas is room for those of most programs.
const likelyAreas = 32

// ParseMaps parses /proc/PID/maps or smaps; the areas come in ascending order
// and do not overlap, or it is an error.
func ParseMaps(b []byte) ([]Map, error) {
	maps := make([]Map, 0, min(bytes.Count(b, []byte("\n")), likelyAreas))
	for n := 1; len(b) > 0; n++ {
		var text []byte
		text, b = line(b)
		if len(text) > 0 && text[0] >= 'A' && text[0] <= 'Z' {
			if err := parseDetail(maps, text, n); err != nil {
				return nil, err
			}
			continue
		}
		m, ok := parseMapLine(text)
		if !ok {
			return nil, malformed("maps", n, "no memory area: %.80q", text)
		}
		if k := len(maps); k > 0 && maps[k-1].End > m.Start {
			return nil, malformed("maps", n, "area at %#x lies before the end of the one above it", m.Start)
		}
		maps = append(maps, m)
	}
	return maps, nil
}

// parseDetail parses a line of smaps below a heading.
func parseDetail(maps []Map, text []byte, n int) error {
	if len(maps) == 0 {
		return malformed("smaps", n, "%.40q before the first area", text)
	}
	m := &maps[len(maps)-1]
	name, value, ok := bytes.Cut(text, []byte(":"))
	if !ok {
		return malformed("smaps", n, "no colon in %.40q", text)
	}
	switch string(name) {
	case "VmFlags":
		m.VMFlags = string(bytes.ReplaceAll(value, []byte(" "), nil))
	case "ProtectionKey":
		return setDetail(&m.ProtectionKey, value, n)
	case "Anonymous":
		return setDetail(&m.Anonymous, value, n)
	case "Swap":
		return setDetail(&m.Swap, value, n)
	}
	return nil
}

func setDetail(dst *uint64, value []byte, n int) error {
	word, _ := field(value)
	v, ok := number(word, 10)
	if !ok {
		return malformed("smaps", n, "number wanted, not %.40q", value)
	}
	*dst = v
	return nil
}

// Maps reads /proc/TID/maps.
func (r *Reader) Maps(tid int) ([]Map, error) { return r.mapsAt(Path(tid, "maps")) }

// Smaps reads /proc/TID/smaps, which costs the kernel a walk over all pages.
func (r *Reader) Smaps(tid int) ([]Map, error) { return r.mapsAt(Path(tid, "smaps")) }

func (r *Reader) mapsAt(path string) ([]Map, error) {
	b, err := r.Read(path)
	if err != nil {
		return nil, err
	}
	m, err := ParseMaps(b)
	return m, inFile(path, err)
}
