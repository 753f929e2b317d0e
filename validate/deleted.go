package validate

import "github.com/thaw-cr/thaw/format"

var deletedRules = []Rule{
	{
		Code: "R038", Severity: Error, Title: "removed directory and removed file mixed up",
		Why: "What is open or mapped, and what it is opened from, are of one type.",
		Fix: fixFiles, Example: "a working directory whose object is a regular file",
	},
}

// checkDeleted holds the rules about files and directories without a name.
func checkDeleted(c *checker) {
	for i := range c.img.Objects.Deleted {
		d := &c.img.Objects.Deleted[i]
		typ := d.Mode & modeType
		known := typ == 0 || typ == modeRegular || typ == modeDir && d.Size == 0 && d.Link == ""
		if d.Size >= maxOffset || !known {
			c.object("R041", d.ID, "size %d, mode %#o", d.Size, d.Mode)
		}
		if d.Path == "" && d.Link == "" {
			c.object("R018", d.ID, "deleted file of which nobody knows where it was")
		}
		if (d.Links != 0) != (d.Link != "") {
			c.object("R042", d.ID, "%d links, one of them %.120q", d.Links, d.Link)
		}
	}
	for i := range c.img.Objects.FS {
		fs := &c.img.Objects.FS[i]
		checkRemoved(c, fs.ID, fs.Deleted, true)
	}
	for i := range c.img.Objects.Files {
		f := &c.img.Objects.Files[i]
		eachRefOfFile(f, func(_ string, r *format.FileRef) { checkRemoved(c, f.ID, r.Deleted, f.Directory != nil) })
	}
	for i := range c.img.Objects.Memories {
		mm := &c.img.Objects.Memories[i]
		checkRemoved(c, mm.ID, mm.Exe.Deleted, false)
		for j := range mm.VMAs {
			checkRemoved(c, mm.ID, mm.VMAs[j].File.Deleted, false)
		}
	}
}

// checkRemoved asks that a removed object is, or is not, a directory.
func checkRemoved(c *checker, by, id format.ObjectID, directory bool) {
	if d := c.Deleted(id); d != nil && (d.Mode&modeType == modeDir) != directory {
		c.object("R038", by, "removed %.120q has mode %#o", d.Path, d.Mode)
	}
}
