package native_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/format"
)

// An image is written to a buffer, found out to be one of this format, and read.
func Example() {
	ctx := context.Background()
	reg := codec.NewRegistry(native.Format())
	img := &format.Image{Root: 300, Tasks: []format.Task{{TID: 300, TGID: 300, State: format.Running, Comm: "sleep"}}}

	var b bytes.Buffer
	if err := reg.Encode(ctx, &b, img, "thaw", codec.EncodeOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	f, err := reg.Open(ctx, codec.Source{Name: "sleep.thaw", At: bytes.NewReader(b.Bytes()), Size: int64(b.Len())}, codec.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	fmt.Println(f.Format, f.Version, f.Image.Tasks[0].Comm)

	_, err = reg.Open(ctx, codec.Source{Name: "cut.thaw", Reader: bytes.NewReader(b.Bytes()[:100])}, codec.Limits{})
	fmt.Println(err)
	// Output:
	// thaw 1.0 sleep
	// cut.thaw: at 0x64: the file ends without a trailer: writing it was cut short, or it was cut off later
}
