package malformed

import (
	"fmt"
	"slices"
	"strings"
)

// Bases of CRIU.
const (
	criuZombies = "criu-zombies"
	criuThreads = "criu-threads"
	criuFiles   = "criu-files"
	criuPidNS   = "criu-pidns"
)

// criuDir is an image: the contents of its files by name, and symbolic links.
type criuDir struct {
	files map[string][]byte
	links map[string]string
}

// headOf is the length of the magic numbers of a file; the inventory has one, all
// others two.
func headOf(name string) int {
	if name == "inventory.img" {
		return 4
	}
	return 8
}

// messages gives the messages of a file without raw data between them.
func (d *criuDir) messages(name string) (list [][]byte) {
	for b := d.files[name][headOf(name):]; len(b) > 0; {
		n := int(le.Uint32(b))
		list, b = append(list, b[4:4+n]), b[4+n:]
	}
	return list
}

func (d *criuDir) setMessages(name string, list [][]byte) {
	b := slices.Clone(d.files[name][:headOf(name)])
	for _, m := range list {
		b = append(le.AppendUint32(b, uint32(len(m))), m...)
	}
	d.files[name] = b
}

// criuFault is a fault of a directory.
type criuFault struct {
	fault
	base   string
	change func(d *criuDir)
}

func makeCRIU(w *workshop) {
	for _, table := range [][]criuFault{criuFraming(), criuTrees, criuCores, criuMemories, criuFileFaults, criuChains, criuStrange} {
		for _, f := range table {
			base, ok := w.bases[f.base]
			if !ok {
				w.errs = append(w.errs, fmt.Errorf("there is no base %s", f.base))
				return
			}
			d := &criuDir{map[string][]byte{}, map[string]string{}}
			for _, file := range base.Files {
				d.files[file.Name] = slices.Clone(file.Data)
			}
			f.change(d)
			w.add(formatCRIU, f.fault, f.base, KindDirectory, d.list())
		}
	}
}

func (d *criuDir) list() (files []File) {
	for name, data := range d.files {
		files = append(files, File{Name: name, Data: data})
	}
	for name, target := range d.links {
		files = append(files, File{Name: name, Link: target, Data: []byte{}})
	}
	return files
}

// criuKinds are a file of each kind that the bases have.
var criuKinds = []struct{ name, file, base string }{
	{"inventory", "inventory.img", criuThreads},
	{"pstree", "pstree.img", criuThreads},
	{"core", "core-20401.img", criuThreads},
	{"core-thread", "core-20405.img", criuThreads},
	{"mm", "mm-20401.img", criuThreads},
	{"pagemap", "pagemap-20401.img", criuThreads},
	{"ids", "ids-20401.img", criuThreads},
	{"fs", "fs-20401.img", criuThreads},
	{"fdinfo", "fdinfo-2.img", criuThreads},
	{"files", "files.img", criuThreads},
	{"seccomp", "seccomp.img", criuThreads},
	{"timens", "timens-0.img", criuThreads},
	{"pipes-data", "pipes-data.img", criuThreads},
	{"filelocks", "filelocks.img", criuFiles},
	{"remap-fpath", "remap-fpath.img", criuFiles},
	{"ghost-file", "ghost-file-1.img", criuFiles},
	{"memfd", "memfd.img", criuFiles},
	{"pagemap-shmem", "pagemap-shmem-30923.img", criuFiles},
	{"ipcns-sem", "ipcns-sem-10.img", criuPidNS},
	{"ipcns-shm", "ipcns-shm-10.img", criuPidNS},
	{"ipcns-var", "ipcns-var-10.img", criuPidNS},
	{"utsns", "utsns-11.img", criuPidNS},
	{"core-zombie", "core-5.img", criuPidNS},
}

// criuFraming has each kind of file with each wrong length, wrong magic numbers,
// cut off, empty, not there, and with something after its end.
func criuFraming() []criuFault {
	var list []criuFault
	for _, k := range criuKinds {
		add := func(name, what, usual string, change func(b []byte, head int) []byte) {
			list = append(list, criuFault{
				fault{name + "-" + k.name, fmt.Sprintf("%s: %s", k.file, what), k.file, criuCode(name, k.name, usual)},
				k.base, func(d *criuDir) { d.files[k.file] = change(d.files[k.file], headOf(k.file)) },
			})
		}
		for _, l := range wrongLengths {
			add("length-"+l.name, "the length of the first message is wrong: "+l.name, "F013", func(b []byte, head int) []byte {
				if len(b) == head { // there is none: begin one
					b = append(b, 0, 0, 0, 0)
				}
				le.PutUint32(b[head:], l.of(le.Uint32(b[head:])))
				return b
			})
		}
		add("magic", "the magic number is another", "F001", func(b []byte, head int) []byte {
			b[head-1] ^= 1
			return b
		})
		add("cut-magic", "ends in the magic number", "F003", func(b []byte, head int) []byte { return b[:head-1] })
		add("cut-length", "ends in the length of the first message", "F003", func(b []byte, head int) []byte {
			if len(b) == head {
				return append(b, 9, 0)
			}
			return b[:head+2]
		})
		add("cut-last", "the last byte is not there", "F003", func(b []byte, head int) []byte {
			if len(b) == head {
				return append(b, 9, 0, 0, 0, 8)
			}
			return b[:len(b)-1]
		})
		add("empty", "has no bytes", "F003", func([]byte, int) []byte { return []byte{} })
		add("trailing", "three bytes follow the last message", "F003", func(b []byte, _ int) []byte { return append(b, 1, 2, 3) })
		list = append(list, criuFault{
			fault{"missing-" + k.name, k.file + " is not there", k.file, criuCode("missing", k.name, "F009")},
			k.base, func(d *criuDir) { delete(d.files, k.file) },
		})
	}
	return slices.DeleteFunc(list, func(f criuFault) bool { return slices.Contains(criuFine, f.name) })
}

// criuOne are files of one message: what follows it is another, and a message
// that is too long ends beyond the file.
var criuOne = []string{"inventory", "core", "core-thread", "core-zombie", "mm", "ids", "fs", "timens", "ipcns-var", "utsns", "seccomp"}

// criuShort are files that have one message in the bases.
var criuShort = append([]string{"pstree", "pipes-data", "memfd", "ipcns-shm"}, criuOne...)

// criuCodes are those of criuFraming that differ from what is usual.
var criuCodes = map[string]string{
	"length-one-seccomp": "F003", "length-one-less-seccomp": "F006", "missing-ipcns-shm": "M056",
}

// criuFine are no faults: files that only images with such state have, a message
// without fields in a file where all may be left out, and contents of a deleted
// file, whose length nothing else tells.
var criuFine = []string{
	"missing-seccomp", "missing-timens", "missing-pipes-data", "missing-filelocks", "missing-remap-fpath", "missing-pagemap-shmem",
	"missing-ipcns-sem", "missing-ipcns-var", "missing-utsns", "length-zero-seccomp", "cut-last-ghost-file", "trailing-ghost-file",
}

func criuCode(what, kind, usual string) string {
	if c, ok := criuCodes[what+"-"+kind]; ok {
		return c
	}
	switch {
	case strings.HasPrefix(what, "length-max"):
		return "F006"
	case what == "length-one-more" && slices.Contains(criuShort, kind):
		return "F003"
	case what == "trailing" && slices.Contains(criuOne, kind):
		return "F008"
	}
	return usual
}

// message changes the nth message of a file; negative numbers count from the end.
func message(file string, nth int, change func(b []byte) []byte) func(*criuDir) {
	return func(d *criuDir) {
		list := d.messages(file)
		if nth < 0 {
			nth += len(list)
		}
		list[nth] = change(slices.Clone(list[nth]))
		d.setMessages(file, list)
	}
}

// number sets a number in the nth message of a file.
func number(file string, nth int, path string, v uint64) func(*criuDir) {
	return message(file, nth, func(b []byte) []byte { return editPB(b, path, setNumber(v)) })
}

// text sets the name of a regular file or of a task, which has the same numbers.
func text(file string, nth int, v string) func(*criuDir) {
	return message(file, nth, func(b []byte) []byte { return editPB(b, "3.6", setText(v)) })
}

func drop(file string, nth int, path string) func(*criuDir) {
	return message(file, nth, func(b []byte) []byte { return editPB(b, path, dropField) })
}

// double has a field of the first message twice.
func double(file, path string) func(*criuDir) {
	return message(file, 0, func(b []byte) []byte { return editPB(b, path, doubleField) })
}

// repeated has the nth message of a file twice.
func repeated(file string, nth int) func(*criuDir) {
	return func(d *criuDir) {
		list := d.messages(file)
		d.setMessages(file, append(list, list[nth]))
	}
}

// all makes several changes.
func all(changes ...func(*criuDir)) func(*criuDir) {
	return func(d *criuDir) {
		for _, c := range changes {
			c(d)
		}
	}
}

// resize makes a file longer or shorter.
func resize(file string, by int) func(*criuDir) {
	return func(d *criuDir) {
		b := d.files[file]
		d.files[file] = append(b, make([]byte, max(by, 0))...)[:len(b)+by]
	}
}

func renamed(from, to string) func(*criuDir) {
	return func(d *criuDir) {
		d.files[to] = d.files[from]
		delete(d.files, from)
	}
}
