package main

import (
	"errors"
	"io/fs"
	"testing"
)

// TestBadImageNames: an error of reading says which file of which image.
func TestBadImageNames(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		{"pstree.img", "dir/tree: open pstree.img: permission denied"},
		{"dir/tree", "open dir/tree: permission denied"},
		{"/proc/1/mem", "open /proc/1/mem: permission denied"},
	} {
		err := badImage("dir/tree", &fs.PathError{Op: "open", Path: tt.path, Err: fs.ErrPermission})
		if f, ok := errors.AsType[*failure](err); !ok || f.code != exitIO || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}
