package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/internal/live"
)

// folderImages is how many images the folder has.
const folderImages = 1000

// legacy are the images of linux-cr in the repository, without the one that is cut off.
const legacy = "../../testdata/linuxcr/*/[^u]*.ckpt"

// folder is a folder of many real images.
func folder(b *testing.B) string {
	b.Helper()
	names, err := filepath.Glob(legacy)
	if err != nil || len(names) == 0 {
		b.Fatalf("no images: %v", err)
	}
	dir := b.TempDir()
	for i := range folderImages {
		image, err := os.ReadFile(names[i%len(names)])
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.ckpt", i)), image, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// BenchmarkConvertFolder measures thaw convert of a folder on all processors;
// its floor is the same on one, so that the ratio says how much the others do.
func BenchmarkConvertFolder(b *testing.B) {
	w := world(b)
	in, out := folder(b), filepath.Join(b.TempDir(), "out")
	remove := func() {
		if err := os.RemoveAll(out); err != nil {
			b.Fatal(err)
		}
	}
	// The table that convert prints would be in the way of the measure's own.
	convert := func(procs string) live.Run {
		return w.MeasuredProgram("/bin/sh", "-c", procs+`exec "$0" convert "$1" "$2" --to thaw >/dev/null 2>&1`, w.Thaw(), in, out)
	}
	one := func() time.Duration {
		defer remove()
		return convert("GOMAXPROCS=1 ").Took
	}
	r := &row{name: fmt.Sprintf("convert %d images", folderImages), floorName: "on one processor"}
	measure(b, r, one, func() live.Run { return convert("") }, remove)
}
