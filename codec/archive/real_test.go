package archive_test

import (
	"fmt"
	"testing"

	"github.com/thaw-cr/thaw/codec"
)

func TestRealPodman(t *testing.T) {
	for _, name := range []string{"single-zstd.tar", "multi-zstd.tar", "multi-none.tar.zst", "oci-layout.tar"} {
		for _, stream := range []bool{false, true} {
			f, err := openBytes(t, realFile(t, "podman/"+name), stream, codec.Limits{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			fmt.Println(name, f.Wrappers, f.Faults, len(f.Image.Attachments))
			fmt.Printf("%+v\n", f.Image.Containers[0])
		}
	}
}
