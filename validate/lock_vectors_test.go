package validate

import "github.com/thaw-cr/thaw/format"

// locks gives a description of the root's table locks; it is of a file that the
// second one is of, too.
func (v *vector) locks(first, second []format.FileLock) {
	ref := &format.RegularFile{File: format.FileRef{Path: "/tmp/locked", Mode: 0o100644}}
	v.open(format.OpenFile{ID: 43, Kind: format.FileRegular, Flags: format.ORdWr, Regular: ref, Locks: first})
	v.open(format.OpenFile{ID: 44, Kind: format.FileRegular, Flags: format.ORdWr, Regular: ref, Locks: second})
}

var lockMutations = []mutation{
	{"R027", "reversed", func(v *vector) {
		v.locks([]format.FileLock{{Type: "posix", Start: 10, End: 5}}, nil)
	}},
	{"R027", "beyond-all-files", func(v *vector) { v.locks([]format.FileLock{{Type: "ofd", Start: 5, End: 1 << 63}}, nil) }},
	{"R027", "negative-owner", func(v *vector) { v.locks([]format.FileLock{{Type: "flock", Owner: -1}}, nil) }},
	{"R027", "unknown", func(v *vector) { v.locks([]format.FileLock{{Type: "padlock"}}, nil) }},
	{"R028", "two-flocks", func(v *vector) {
		v.locks([]format.FileLock{{Type: "flock", Write: true}}, []format.FileLock{{Type: "flock"}})
	}},
	{"R028", "overlap", func(v *vector) {
		v.locks([]format.FileLock{{Type: "posix", Write: true, Owner: 100, Start: 10, End: 29}},
			[]format.FileLock{{Type: "ofd", Start: 0, End: 9}, {Type: "ofd", Start: 29, End: format.Unlimited}})
	}},
	{"R028", "far-reaching", func(v *vector) {
		v.locks([]format.FileLock{{Type: "ofd", Write: true, End: format.Unlimited}},
			[]format.FileLock{{Type: "posix", Owner: 100, Start: 5000, End: 5000}})
	}},
	{"R029", "write-lock-by-reader", func(v *vector) {
		v.open(format.OpenFile{
			ID: 43, Kind: format.FileRegular, Regular: &format.RegularFile{File: format.FileRef{Path: "/tmp/locked"}},
			Locks: []format.FileLock{{Type: "posix", Write: true, Owner: 100, End: 5}},
		})
	}},
	{"R037", "stranger", func(v *vector) {
		v.locks([]format.FileLock{{Type: "posix", Owner: 102, End: 5}}, nil)
	}},
}
