//go:build !amd64

package capture

import "context"

// Supported says whether this architecture can be captured.
const supported = false

func (c *capturer) readAllRegs(context.Context) error { return ErrUnsupported }

func (c *capturer) queryAll(context.Context) error { return ErrUnsupported }

func putBack(*task) error { return ErrUnsupported }

func (c *capturer) learnSleeps() (bool, error) { return false, ErrUnsupported }

type vdsoRoom struct{ insn uint64 }

func lookAtVDSO([]byte, uint64) vdsoRoom { return vdsoRoom{} }

type stub struct{}
