package validate

import (
	"fmt"
	"path"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/policy"
)

const (
	modeSetUID, modeSetGID, modeGroupExec = 0o4000, 0o2000, 0o010
	modeLink                              = 0o120000
)

// judgeLayers judges what the container changed in its image, and the other
// archives that an engine unpacks.
func judgeLayers(j *judge) {
	links := judgeFiles(j, inRootfs, j.k.Changed)
	for _, name := range j.k.Deleted {
		clean := path.Clean("/" + name)
		if hasUp(name) {
			j.find("A040", inDeleted, "%.200q", name)
		} else if clean == "/" {
			j.find("A057", inDeleted, "%.200q", name)
		} else if link := linkAbove(links, clean); link != "" {
			j.find("A056", inDeleted, "%.200q is below the symbolic link %.200q of %s", name, link, inRootfs)
		}
	}
	for i := range j.k.Layers {
		l := &j.k.Layers[i]
		files := int64(len(l.Files))
		if l.Name == inRootfs {
			files = int64(len(j.k.Changed))
		}
		if most := j.Limit(policy.LayerSize); most > 0 && l.Size > most {
			j.find("A084", l.Name, "%d bytes, %d in the archive; the policy allows %d", l.Size, l.Stored, most)
		}
		if most := j.Limit(policy.LayerFiles); most > 0 && files > most {
			j.find("A084", l.Name, "%d files; the policy allows %d", files, most)
		}
		judgeFiles(j, l.Name, l.Files)
	}
}

// judgeFiles judges the members of a layer in the order in which they are
// unpacked, and gives the symbolic links that there are at the end.
func judgeFiles(j *judge, layer string, files []format.ContainerFile) map[string]bool {
	links := map[string]bool{}
	for i := range files {
		if i%1024 == 0 && j.ctx.Err() != nil {
			break
		}
		f := &files[i]
		name := path.Clean("/" + f.Name)
		judgePlace(j, layer, f, name, links)
		judgeKind(j, layer, f, name)
		if f.Mode&modeType == modeLink && !f.HardLink {
			links[name] = true
		} else {
			delete(links, name)
		}
	}
	return links
}

// judgePlace judges where unpacking a member writes, links or deletes.
func judgePlace(j *judge, layer string, f *format.ContainerFile, name string, links map[string]bool) {
	target := path.Clean("/" + f.Link)
	switch {
	case hasUp(f.Name), f.HardLink && hasUp(f.Link):
		j.find("A041", layer, "%.200q%s", f.Name, linkWords(f))
	case linkAbove(links, name) != "":
		j.find("A042", layer, "%.200q is below the symbolic link %.200q", f.Name, linkAbove(links, name))
	case f.HardLink && linkAbove(links, target) != "":
		j.find("A042", layer, "%.200q is a hard link through the symbolic link %.200q", f.Name, linkAbove(links, target))
	}
	if gone, ok := strings.CutPrefix(path.Base(name), whiteoutPrefix); ok && (gone == "" || gone == "." || gone == "..") {
		j.find("A058", layer, "%.200q", f.Name)
	}
}

// whiteoutPrefix begins the names of members that stand for a deleted file (OCI
// image-spec: layer.md, Whiteouts).
const whiteoutPrefix = ".wh."

func linkWords(f *format.ContainerFile) string {
	if f.Link == "" {
		return ""
	}
	return fmt.Sprintf(", a link to %.200q", f.Link)
}

// judgeKind judges what a member is.
func judgeKind(j *judge, layer string, f *format.ContainerFile, name string) {
	switch typ := f.Mode & modeType; {
	case f.HardLink:
	case (typ == modeChar || typ == modeBlock) && (f.Major != 0 || f.Minor != 0): // 0:0 marks what overlayfs deleted
		if d := deviceName(typ == modeBlock, f.Major, f.Minor); !j.Allows(policy.LayerDevices, d) {
			j.find("A043", layer, "%.200q, %s", f.Name, d)
		}
	case typ == modeRegular && (f.Mode&modeSetUID != 0 || f.Mode&modeSetGID != 0 && f.Mode&modeGroupExec != 0):
		if !j.Allows(policy.SetUID, name) {
			j.find("A044", layer, "%.200q, mode %04o, user %d", f.Name, f.Mode&0o7777, f.UID)
		}
	}
	for _, x := range f.XAttrs {
		if j.Denies(policy.XAttrs, x) {
			j.find("A059", layer, "%.200q has %.80q", f.Name, x)
		}
	}
}

// deviceName is a device as policies name it: "b 8:0".
func deviceName(block bool, major, minor int64) string {
	typ := "c"
	if block {
		typ = "b"
	}
	return fmt.Sprintf("%s %d:%d", typ, major, minor)
}

// linkAbove gives the symbolic link that a name leads through; empty for none.
func linkAbove(links map[string]bool, name string) string {
	if len(links) == 0 {
		return ""
	}
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if links[dir] {
			return dir
		}
	}
	return ""
}
