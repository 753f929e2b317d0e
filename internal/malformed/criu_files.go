package malformed

import (
	"math"
	"slices"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// criuFileFaults are faults of descriptors and files. In criuZombies, descriptors
// 0 to 2 of 20501 are in fdinfo-2.img; files.img has the program first.
var criuFileFaults = []criuFault{
	{fault{"fd-dangling", "a descriptor of a file that is not there", "fdinfo-2.img, entry 0, id", "F009"}, criuZombies, number("fdinfo-2.img", 0, "1", 999)},
	{fault{"fd-mistyped", "a descriptor of a file of another kind", "fdinfo-2.img, entry 0, type", "F013"}, criuZombies, number("fdinfo-2.img", 0, "3", 2)},
	{fault{"fd-type-99", "a descriptor of a kind that does not exist", "fdinfo-2.img, entry 0, type", "F013"}, criuZombies, number("fdinfo-2.img", 0, "3", 99)},
	{fault{"fd-twice", "a descriptor twice", "fdinfo-2.img", "F008"}, criuZombies, repeated("fdinfo-2.img", 0)},
	{fault{"fd-max", "descriptor 2^32-1", "fdinfo-2.img, entry 2, fd", "F013"}, criuZombies, number("fdinfo-2.img", 2, "4", math.MaxUint32)},
	{fault{"fd-no-number", "a descriptor without a number", "fdinfo-2.img, entry 2, fd", "F013"}, criuZombies, drop("fdinfo-2.img", 2, "4")},
	{fault{"file-twice", "a file twice", "files.img", "F008"}, criuZombies, repeated("files.img", 0)},
	{fault{"file-type-99", "a file of a kind that does not exist", "files.img, entry 2, type", "F002"}, criuZombies, number("files.img", 2, "1", 99)},
	{fault{"file-no-contents", "a file that does not say what it is", "files.img, entry 2, reg", "F009"}, criuZombies, drop("files.img", 2, "3")},
	{fault{"file-other-id", "a file with two numbers", "files.img, entry 2, reg.id", "F032"}, criuZombies, number("files.img", 2, "3.1", 77)},
	{fault{"file-relative", "a path that is not absolute", "files.img, entry 2, reg.name", "R019"}, criuZombies, text("files.img", 2, "etc/passwd")},
	{fault{"file-climbing", "a path with ..", "files.img, entry 3, reg.name", "R021"}, criuZombies, text("files.img", 3, "/tmp/../etc/passwd")},
	{fault{"file-zero-byte", "a path with a zero byte", "files.img, entry 3, reg.name", "R020"}, criuZombies, text("files.img", 3, "/etc/passwd\x00.txt")},
	{fault{"file-no-path", "a file without a path", "files.img, entry 3, reg.name", "R018"}, criuZombies, text("files.img", 3, "")},
	{fault{"file-position", "a position of -1", "files.img, entry 3, reg.pos", "F013"}, criuZombies, number("files.img", 3, "3.3", math.MaxUint64)},
	{fault{"file-mode-3", "access mode 3", "files.img, entry 3, reg.flags", "R015"}, criuZombies, number("files.img", 3, "3.2", 32771)},
	{fault{"file-flags-create", "flags that say to create the file", "files.img, entry 3, reg.flags", "R016"}, criuZombies, number("files.img", 3, "3.2", 32769|0o100)},
	{fault{"memfd-dangling", "a memfd whose memory is not there", "files.img, entry 1, memfd.inode_id", "F009"}, criuZombies, number("files.img", 1, "20.5", 999)},
	{fault{"memfd-seals", "a seal that does not exist", "memfd.img, seals", "M060"}, criuFiles, number("memfd.img", 0, "6", 0x100)},
	{fault{"memfd-twice", "a memfd twice", "memfd.img", "F008"}, criuZombies, repeated("memfd.img", 0)},
	{fault{"ghost-missing", "a deleted file without its contents", "ghost-file-1.img", "F009"}, criuFiles, func(d *criuDir) { delete(d.files, "ghost-file-1.img") }},
	{fault{"remap-dangling", "another name of a file that is not there", "remap-fpath.img, entry 0, orig_id", "F009"}, criuFiles, number("remap-fpath.img", 0, "1", 999)},
	{fault{"remap-target-dangling", "a deleted file that is not there", "remap-fpath.img, entry 0, remap_id", "F009"}, criuFiles, number("remap-fpath.img", 0, "2", 999)},
	{fault{"remap-type-9", "a way of finding a file that does not exist", "remap-fpath.img, entry 0, remap_type", "F002"}, criuFiles, number("remap-fpath.img", 0, "3", 9)},
	{fault{"remap-twice", "a file that is deleted twice", "remap-fpath.img", "F008"}, criuFiles, repeated("remap-fpath.img", 0)},
	{fault{"remap-itself", "a file that is found by itself", "remap-fpath.img, entry 1, remap_id", "F013"}, criuFiles, number("remap-fpath.img", 1, "2", 8)},
	{fault{"lock-of-nobody", "a lock of a process that is not there", "filelocks.img, entry 0, pid", "F009"}, criuFiles, number("filelocks.img", 0, "3", 777)},
	{fault{"lock-fd", "a lock on a descriptor that is not there", "filelocks.img, entry 0, fd", "F009"}, criuFiles, number("filelocks.img", 0, "4", 777)},
	{fault{"lock-type-9", "a lock of a type that does not exist", "filelocks.img, entry 0, type", "F013"}, criuFiles, number("filelocks.img", 0, "2", 9)},
	{fault{"lock-reversed", "a lock with a negative length", "filelocks.img, entry 1, len", "F013"}, criuFiles, number("filelocks.img", 1, "6", math.MaxUint64)},
	{fault{"pipe-data-more", "a pipe with more than the file has", "pipes-data.img, bytes", "F003"}, criuFiles, number("pipes-data.img", 0, "2", 100)},
	{fault{"pipe-data-max", "a pipe with 2^32-1 bytes", "pipes-data.img, bytes", "F003"}, criuFiles, number("pipes-data.img", 0, "2", math.MaxUint32)},
	{fault{"pipe-data-twice", "contents of a pipe twice", "pipes-data.img", "F008"}, criuFiles, repeated("pipes-data.img", 0)},
	{fault{"pages-twice-shared", "shared memory whose pages are those of another", "pagemap-shmem-30923.img, pages_id", "F004"}, criuFiles, number("pagemap-shmem-30923.img", 0, "1", 2)},
	{fault{"shmem-beyond", "shared memory with a page beyond its end", "pagemap-shmem-30923.img, entry 1, vaddr", "M054"}, criuFiles, number("pagemap-shmem-30923.img", -1, "1", 1<<30)},
	{fault{"sem-count", "a set of semaphores with fewer values than it says", "ipcns-sem-10.img, nsems", "F003"}, criuPidNS, func(d *criuDir) {
		b := d.files["ipcns-sem-10.img"]
		n := int(le.Uint32(b[8:]))
		rest := slices.Clone(b[12+n:])
		m := editPB(slices.Clone(b[12:12+n]), "2", setNumber(500))
		d.files["ipcns-sem-10.img"] = append(append(le.AppendUint32(slices.Clone(b[:8]), uint32(len(m))), m...), rest...)
	}},
	{fault{"directory-for-file", "a directory where a file must be", "mm-20512.img", "F009"}, criuZombies, func(d *criuDir) {
		delete(d.files, "mm-20512.img")
		d.files["mm-20512.img/x"] = []byte("x")
	}},
	{fault{"link-out", "a file that is a link out of the image", "mm-20512.img", "A003 F009"}, criuZombies, func(d *criuDir) {
		delete(d.files, "mm-20512.img")
		d.links["mm-20512.img"] = "../../../../../../../etc/passwd"
	}},
	{fault{"link-endless", "a file that is a link without end", "pages-2.img", "A004 F009"}, criuZombies, func(d *criuDir) {
		delete(d.files, "pages-2.img")
		d.links["pages-2.img"] = "pages-2.img"
	}},
}
