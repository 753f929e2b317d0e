package linuxcr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// TestImagesOfTodayBecomeOldOnes writes the valid images of the repository, made
// by capture and the like, as every generation that is written. The tree must be
// the same, and what else is lost must be told.
func TestImagesOfTodayBecomeOldOnes(t *testing.T) {
	names, err := filepath.Glob("../../testdata/valid/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no images: %v", err)
	}
	for _, name := range names {
		for _, g := range written {
			t.Run(filepath.Base(name)+" "+g.String(), func(t *testing.T) {
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				var file struct {
					Image format.Image `json:"image"`
				}
				if err := json.Unmarshal(data, &file); err != nil {
					t.Fatal(err)
				}
				img := &file.Image
				var b bytes.Buffer
				losses, err := Format().EncodeReport(t.Context(), &b, img, codec.EncodeOptions{Version: g.String()})
				if err != nil {
					t.Fatal(err)
				}
				lost := map[codec.LossCode]int{}
				for _, l := range losses {
					lost[l.Code]++
				}
				got := openBytes(t, b.Bytes()).Image
				if d := gocmp.Diff(hierarchy(img), hierarchy(got)); d != "" {
					t.Errorf("(-today +old):\n%s", d)
				}
				want, files := descriptors(img), descriptors(got)
				if want != files+lost[codec.LossFile] {
					t.Errorf("%d descriptors of %d, %d told as lost", files, want, lost[codec.LossFile])
				}
				again, err := Format().EncodeReport(t.Context(), new(discard), img, codec.EncodeOptions{Version: g.String()})
				if err != nil || len(again) != len(losses) {
					t.Errorf("%d losses, then %d, %v", len(losses), len(again), err)
				}
			})
		}
	}
}

// hierarchy is what every generation says of tasks.
func hierarchy(img *format.Image) []string {
	var list []string
	for _, t := range img.Tasks {
		signal := t.ExitSignal
		if t.State == format.Zombie || t.State == format.DeadLeader {
			signal = format.SIGCHLD // it is not recorded
		}
		list = append(list, fmt.Sprint(t.TID, t.TGID, t.PPID, t.PGID, t.SID, t.State, t.StopSignal, t.Status, signal, t.ParentDeathSignal,
			t.Comm, t.SignalMask, len(t.Pending), t.TIDAddress))
	}
	return list
}

// descriptors counts the descriptors of all file tables that tasks have.
func descriptors(img *format.Image) int {
	n := 0
	for _, ft := range img.Objects.FileTables {
		n += len(ft.Entries)
	}
	return n
}

// TestOpenFlags: flags that only opening has are no open file's.
func TestOpenFlags(t *testing.T) {
	data := synthetic(D3, archX8664)
	for r, err := range Records(t.Context(), seekableSource(data), codec.Limits{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Name == "FILE" {
			data[r.Offset+16] |= 0o100
			break
		}
	}
	_, err := Format().Open(t.Context(), seekableSource(data), codec.Limits{})
	if kindOf(t, err) != codec.Malformed {
		t.Errorf("%v", err)
	}
}
