package native

import (
	"reflect"
	"sync"
)

// A list is one of the model whose records each give a part of it. As they do not
// tell how long it is, the parts are joined when all are there: no memory is moved
// more than once, and parts can be decoded beside each other.
type list struct {
	typ   recordType
	whole reflect.Value
	parts []reflect.Value
}

// part gives the place of one more part of the list that rec continues.
func (r *reader) part(rec *record) reflect.Value {
	n := len(r.lists)
	if n == 0 || r.lists[n-1].typ != rec.typ {
		whole := reflect.ValueOf(rec.list(r.img)).Elem()
		r.lists = append(r.lists, &list{typ: rec.typ, whole: whole})
		n++
	}
	l := r.lists[n-1]
	l.parts = append(l.parts, reflect.New(l.whole.Type()).Elem())
	return l.parts[len(l.parts)-1]
}

// join waits for the parts that are being decoded and makes lists of them.
func (r *reader) join() {
	r.decoding.wait()
	var group sync.WaitGroup
	for _, l := range r.lists {
		if len(l.parts) == 1 {
			l.whole.Set(l.parts[0])
			continue
		}
		group.Go(l.join)
	}
	group.Wait()
	r.lists = nil
}

func (l *list) join() {
	n := 0
	for _, p := range l.parts {
		n += p.Len()
	}
	whole := reflect.MakeSlice(l.whole.Type(), n, n)
	at := 0
	for i, p := range l.parts {
		at += reflect.Copy(whole.Slice(at, n), p)
		l.parts[i] = reflect.Value{} // so that its memory can be used again
	}
	l.whole.Set(whole)
}
