package native

import (
	"reflect"
	"sync"

	"github.com/thaw-cr/thaw/codec/native/internal/wire"
	"github.com/thaw-cr/thaw/format"
)

// A list is one of the model whose records each give a part of it, so that parts
// can be decoded beside each other.
type list struct {
	typ   recordType
	whole reflect.Value
	// room is for as many elements as foresee found, used of which have been given
	// out. Parts that it has no room for are apart, until all are joined.
	room  reflect.Value
	used  int
	apart []reflect.Value
}

const (
	// foreseen is how many records foresee looks at.
	foreseen = 4096
	// mostRoom is how much room it may ask for, in bytes for each byte of metadata:
	// what asks for more is no image that anybody made. A file with holes is longer
	// than what there is to read of it, so there is an end to that, mostAhead.
	mostRoom  = 16
	mostAhead = 512 << 20
)

// foresee counts the elements of the lists before their records are read, as far
// as the beginnings of those tell it. Nothing has been checked then, so this is
// no more than a guess about the memory that will be needed.
func (r *reader) foresee(metadata uint64) {
	end := int64(r.trailer.footer)
	if len(r.footer.Segments) > 0 {
		end = int64(r.footer.Segments[0].Offset)
	}
	sizes := map[recordType]int{}
	cost := uint64(0)
	var b [frameSize + wire.MaxHead]byte
	for at, i := int64(headerSize), 0; end-at >= int64(len(b)) && i < foreseen; i++ {
		if readAt(r.At, b[:], at, "") != nil {
			return // whoever reads it for good will say so
		}
		f := parseFrame(b[:])
		if rec := find(f.typ); rec != nil && rec.list != nil && f.flags == 0 {
			size, least := rec.wireType().Elem().Cost()
			n := uint64(wire.PeekCount(b[frameSize:]))
			if n*least > uint64(f.stored) {
				return // it cannot have so many
			}
			sizes[f.typ] += int(n)
			cost += n * size
		}
		at += frameSize + int64(f.stored)
	}
	if cost <= min(mostRoom*metadata, mostAhead, uint64(r.lim.Memory)) {
		r.sizes = sizes
	}
}

// part gives n elements of the list that rec continues.
func (r *reader) part(rec *record, n int) reflect.Value {
	last := len(r.lists) - 1
	if last < 0 || r.lists[last].typ != rec.typ {
		size := max(r.sizes[rec.typ], n)
		l := &list{typ: rec.typ, whole: wholeOf(rec, r.img)}
		l.room = reflect.MakeSlice(l.whole.Type(), size, size)
		r.lists = append(r.lists, l)
		last++
	}
	l := r.lists[last]
	if l.used+n <= l.room.Len() && len(l.apart) == 0 {
		l.used += n
		return l.room.Slice(l.used-n, l.used)
	}
	l.apart = append(l.apart, reflect.MakeSlice(l.whole.Type(), n, n))
	return l.apart[len(l.apart)-1]
}

// wholeOf is the list of img that rec continues.
func wholeOf(rec *record, img *format.Image) reflect.Value {
	return reflect.ValueOf(rec.list(img)).Elem()
}

// join waits for the parts that are being decoded and makes lists of them.
func (r *reader) join() {
	r.decoding.wait()
	var group sync.WaitGroup
	for _, l := range r.lists {
		if len(l.apart) == 0 {
			l.whole.Set(l.room.Slice3(0, l.used, l.used))
			continue
		}
		group.Go(l.join)
	}
	group.Wait()
	r.lists = nil
}

func (l *list) join() {
	n := l.used
	for _, p := range l.apart {
		n += p.Len()
	}
	whole := reflect.MakeSlice(l.whole.Type(), n, n)
	at := reflect.Copy(whole, l.room.Slice(0, l.used))
	for _, p := range l.apart {
		at += reflect.Copy(whole.Slice(at, n), p)
	}
	l.whole.Set(whole)
}
