//go:build !amd64

package restore

import "github.com/thaw-cr/thaw/internal/husk"

func (f *finisher) call(*target, uint64, ...uint64) error { return husk.ErrNotSupported }

func (f *finisher) learn(*target) error { return husk.ErrNotSupported }

func (f *finisher) set(*target) error { return husk.ErrNotSupported }

func result(int) (int64, error) { return 0, husk.ErrNotSupported }
