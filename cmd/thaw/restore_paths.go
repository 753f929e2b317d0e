package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/format"
)

// pathOptions say where the files of an image are found.
type pathOptions struct {
	// root is the directory that takes the place of /; empty for / itself.
	root string
	// mapped are OLD=NEW each.
	mapped []string
}

// AddFlags declares the flags.
func (o *pathOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&o.root, "root", "", "find all files of the image under `DIR`, which becomes the tree's root directory")
	f.StringArrayVar(&o.mapped, "map-path", nil, "find the file or directory OLD of the image at NEW; may be repeated, the longest OLD counts, before --root (`OLD=NEW`)")
}

// given says that files are to be found elsewhere than the image has them.
func (o *pathOptions) given() bool { return o.root != "" || len(o.mapped) > 0 }

// maps are the flags as the model takes them.
func (o *pathOptions) maps() ([]format.PathMap, error) {
	var maps []format.PathMap
	seen := map[string]bool{}
	for _, m := range o.mapped {
		from, to, ok := strings.Cut(m, "=")
		if !ok || !filepath.IsAbs(from) || to == "" {
			return nil, usage("--map-path %.80q is not OLD=NEW with an absolute OLD", m)
		}
		from = filepath.Clean(from)
		if seen[from] {
			return nil, usage("--map-path says twice where %.80q is", from)
		}
		seen[from] = true
		maps = append(maps, format.PathMap{Old: from, New: to})
	}
	if o.root != "" {
		if seen["/"] {
			return nil, usage("--root and --map-path /=… both say where / is")
		}
		maps = append(maps, format.PathMap{Old: "/", New: o.root})
	}
	for i := range maps {
		there, err := filepath.Abs(maps[i].New)
		if err != nil {
			return nil, fail(exitIO, fmt.Errorf("find %q: %w", maps[i].New, err))
		}
		maps[i].New = there
		if maps[i].Old == "/" && o.root != "" {
			maps[i].Below = belowRoot(there)
		}
	}
	return maps, nil
}
