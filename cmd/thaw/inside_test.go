package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestBelowRoot: links that whoever fills a root has planted lead nowhere else.
func TestBelowRoot(t *testing.T) {
	top := t.TempDir()
	root := filepath.Join(top, "root")
	for _, d := range []string{"a/b", "usr/lib"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{
		"absolute": "/a", "upward": "../../../../../a", "lib": "usr/lib", "a/b/back": "../../usr", "chain": "absolute/b/back/lib",
		"circle": "circle", "dangling": "/none/x", "a/up": "..", "self": "/", "long0": top,
	}
	for i := range maxLinks {
		links["long"+strconv.Itoa(i+1)] = "long" + strconv.Itoa(i)
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	below := belowRoot(root)
	for p, want := range map[string]string{
		"/":                              "/",
		"":                               "/",
		"/a/b":                           "/a/b",
		"/none/of/it":                    "/none/of/it",
		"/none/../absolute/x":            "/a/x",
		"/none/of/../../lib":             "/usr/lib",
		"/none/absolute":                 "/none/absolute",
		"/absolute/b/x":                  "/a/b/x",
		"/upward/b":                      "/a/b",
		"/lib/x.so":                      "/usr/lib/x.so",
		"/a/b/back/lib/x":                "/usr/lib/x",
		"/chain/x":                       "/usr/lib/x",
		"/dangling/y":                    "/none/x/y",
		"/a/up/a/up/usr":                 "/usr",
		"/self/self/a":                   "/a",
		"/long39/root":                   top + "/root",
		"/circle/x":                      nowhere,
		"/long" + strconv.Itoa(maxLinks): nowhere,
	} {
		if want != nowhere {
			want = filepath.Join(root, want)
		}
		for range 2 { // found, and known
			if got := below(p); got != want {
				t.Errorf("%q is %q, want %q", p, got, want)
			}
		}
	}
	if _, err := os.Stat(nowhere); err == nil {
		t.Error("what is nowhere is there")
	}
}
