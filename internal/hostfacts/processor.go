package hostfacts

import (
	"bytes"
	"os"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate/host"
)

// SpecFeatures is how many features of PR_SET_SPECULATION_CTRL are known.
const SpecFeatures = 2

// Types of the auxiliary vector (getauxval(3)).
const (
	atHWCap       = 16
	atHWCap2      = 26
	atMinSigStack = 51
)

func (s *Source) processor(f *host.Facts) error {
	p := &host.Processor{XFeatures: abi.XFeatures(), Speculation: Speculation()}
	auxv, err := s.reader.Auxv(os.Getpid())
	if err != nil {
		return err
	}
	to := map[uint64]*uint64{atHWCap: &p.HWCap, atHWCap2: &p.HWCap2, atMinSigStack: &p.SignalFrame}
	for i := 0; i+1 < len(auxv); i += 2 {
		if at := to[auxv[i]]; at != nil {
			*at = auxv[i+1]
		}
	}
	if p.Online, err = Online(); err != nil {
		return err
	}
	f.Processor = p
	return nil
}

// Online are the processors that run, least significant word first.
func Online() ([]uint64, error) {
	b, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, err
	}
	return procfs.ParseCPUList(b)
}

// Speculation is what this program may and does have of each feature of
// PR_GET_SPECULATION_CTRL; zero where the processor lacks it.
func Speculation() []int {
	list := make([]int, SpecFeatures)
	for i := range list {
		if v, err := sys.Prctl(abi.PrGetSpeculation, uint64(i), 0, 0, 0); err == nil {
			list[i] = v
		}
	}
	return list
}

func (*Source) components(f *host.Facts) error {
	for _, k := range abi.XComponents() {
		f.Processor.Components = append(f.Processor.Components, host.Component{Bit: k.Bit, Offset: k.Offset, Size: k.Size})
	}
	return nil
}

// askable asks which features a program can ask for; a kernel that does not know
// the question has none.
func (*Source) askable(f *host.Facts) error {
	can, err := sys.XComp(abi.ArchGetXCompSupp)
	if err != nil {
		can = 0
	}
	f.Processor.Askable = &can
	return nil
}

// userEnd looks for five levels of page tables, which takes time on machines
// with many processors.
func (*Source) userEnd(f *host.Facts) error {
	f.Processor.UserEnd = host.UserEnd4
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil && bytes.Contains(b, []byte(" la57 ")) {
		f.Processor.UserEnd = host.UserEnd5
	}
	return nil
}
