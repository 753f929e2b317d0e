package archive

import (
	"fmt"

	"github.com/thaw-cr/thaw/codec"
)

// maxFaults is how many faults of one kind are told one by one.
const maxFaults = 20

// faults collects what is wrong. The zero value is ready.
type faults struct {
	file  string
	list  []*codec.FormatError
	count map[codec.Kind]int
}

// add reports a fault; beyond maxFaults of its kind it only counts.
func (f *faults) add(kind codec.Kind, record string, offset int64, msg string, args ...any) {
	f.put(codec.Errorf(kind, record, offset, msg, args...))
}

func (f *faults) put(e *codec.FormatError) {
	if f.count == nil {
		f.count = map[codec.Kind]int{}
	}
	f.count[e.Kind]++
	if f.count[e.Kind] > maxFaults {
		return
	}
	if e.File == "" {
		e.File = f.file
	}
	f.list = append(f.list, e)
}

// all gives the faults, those that were only counted as a number.
func (f *faults) all() []*codec.FormatError {
	for _, k := range codec.Kinds() {
		if more := f.count[k] - maxFaults; more > 0 {
			e := codec.Errorf(k, "", 0, "%d more of this kind", more)
			e.File = f.file
			f.list = append(f.list, e)
			f.count[k] = 0
		}
	}
	return f.list
}

// member names a member in a fault.
func member(name string) string { return fmt.Sprintf("member %.200q", name) }
