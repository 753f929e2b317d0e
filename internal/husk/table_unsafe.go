package husk

import (
	"errors"
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/thaw-cr/thaw/internal/sys"
)

func (t *Table) word(w Word) *uint32 {
	return (*uint32)(unsafe.Pointer(&t.mem[uint64(w)-t.base]))
}

func (t *Table) value(w Word) uint32 { return atomic.LoadUint32(t.word(w)) }

func (t *Table) set(w Word, n uint32) error {
	atomic.StoreUint32(t.word(w), n)
	_, err := sys.FutexWake(t.word(w), math.MaxInt32)
	return err
}

// wait sleeps while the word is v, at most d, and says whether d was over.
func (t *Table) wait(w Word, v uint32, d time.Duration) (bool, error) {
	err := sys.FutexWait(t.word(w), v, d)
	if errors.Is(err, sys.ErrFutexTimeout) {
		return true, nil
	}
	return false, err
}
