package criu

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/thaw-cr/thaw/codec"
)

// BenchmarkCores: 500 files of cores in memory, of which all is decoded; no two
// have the same floating point registers that follow each other.
func BenchmarkCores(b *testing.B) {
	dir, _ := unpackGolden(b, "../../testdata/criu/c-threads.tar.zst")
	var cores [][]byte
	for name, f := range dir {
		if strings.HasPrefix(name, kCore+"-") {
			cores = append(cores, f.Data)
		}
	}
	many := fstest.MapFS{}
	for i := range 500 {
		many[fmt.Sprintf("%s-%d.img", kCore, i+1)] = &fstest.MapFile{Data: cores[i%len(cores)]}
	}
	b.ReportAllocs()
	for b.Loop() {
		im, err := readImage(b.Context(), many, budget{lim: codec.Limits{}.WithDefaults(), used: &atomic.Int64{}})
		if err != nil || len(im.all(kCore)) != 500 {
			b.Fatal(err)
		}
	}
}
