package plan

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// fuzzTask is how many bytes of fuzz input describe one task.
const fuzzTask = 10

var fuzzStates = []format.State{
	format.Running, format.Running, format.Stopped, format.TracedStop, format.Zombie, format.DeadLeader, format.DeadUnknown, "nonsense",
}

// fuzzImage reads an arbitrary small image: numbers from -1 to 14, so that they
// meet often.
func fuzzImage(data []byte) (*format.Image, Options) {
	img := &format.Image{}
	if len(data) == 0 {
		return img, Options{}
	}
	opts := Options{PIDNamespace: data[0]&1 != 0, ShellJob: data[0]&2 != 0, Group: format.PID(data[0] >> 4)}
	if data[0]&4 != 0 {
		opts.MaxPID = 20
	}
	small := func(b byte) format.PID { return format.PID(b&15) - 1 }
	for data = data[1:]; len(data) >= fuzzTask && len(img.Tasks) < 40; data = data[fuzzTask:] {
		objects := binary.LittleEndian.Uint16(data[8:])
		t := format.Task{
			TID: small(data[0]), TGID: small(data[1]), PPID: small(data[2]), PGID: small(data[3]), SID: small(data[4]),
			State: fuzzStates[data[5]&7], ExitSignal: format.Signal(data[6]), StopSignal: format.Signal(data[7]),
			StopUnreported: data[5]&8 != 0,
			Memory:         format.ObjectID(objects & 7), Files: format.ObjectID(objects >> 3 & 7),
			FS: format.ObjectID(objects >> 6 & 7), Handlers: format.ObjectID(objects >> 9 & 7),
		}
		if data[5]&16 == 0 {
			t.TGID = t.TID
		}
		if data[5]&32 == 0 {
			t.ExitSignal = format.SIGCHLD
		}
		if data[5]&64 == 0 {
			t.Memory, t.Files, t.FS, t.Handlers = 0, 0, 0, 0
		}
		img.Tasks = append(img.Tasks, t)
	}
	if len(img.Tasks) > 0 {
		img.Root = img.Tasks[0].TID
	}
	return img, opts
}

// FuzzNew: any image at all gets either a plan that makes it or an *Error with
// reasons.
func FuzzNew(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 5, 12, 30} {
		data := make([]byte, 1+n*fuzzTask)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		f.Add(data)
	}
	for _, s := range shapes() {
		data := []byte{0}
		for _, t := range s.tasks {
			b := func(p format.PID) byte { return byte(p%14) + 1 }
			data = append(data, b(t.TID), b(t.TGID), b(t.PPID), b(t.PGID), b(t.SID), 0, 17, 19, 0, 0)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, opts := fuzzImage(data)
		p, err := New(img, opts)
		if refusal, ok := errors.AsType[*Error](err); ok {
			if p != nil || len(refusal.Reasons) == 0 {
				t.Fatalf("refusal with a plan or without reasons: %v", err)
			}
			for _, r := range refusal.Reasons {
				if r.Reason == "" {
					t.Fatalf("empty reason: %+v", refusal.Reasons)
				}
			}
			return
		}
		if err != nil {
			t.Fatalf("error is no *Error: %v", err)
		}
		for seed := range uint64(2) {
			got, err := Simulate(p, img, opts, rand.New(rand.NewPCG(seed, 1)))
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, show(img), p)
			}
			if d := Compare(img, got, opts); len(d) > 0 {
				t.Fatalf("%v\n%s\n%s", d, show(img), p)
			}
		}
	})
}
