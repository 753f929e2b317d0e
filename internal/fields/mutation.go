package fields

import (
	"bytes"
	"math/bits"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

func itoa(i int) string { return strconv.Itoa(i) }

// A Mutation is another value of a site.
type Mutation struct {
	// Name says what became of the value: "zero", "max", "first-removed".
	Name  string
	value reflect.Value
}

// Try gives the site the mutation's value while f runs.
func (s *Site) Try(m Mutation, f func()) {
	was := reflect.New(s.value.Type()).Elem()
	was.Set(s.value)
	s.value.Set(m.value)
	defer s.value.Set(was)
	f()
}

// maxOthers is how many values of other sites a site is given.
const maxOthers = 3

// A Pool is values that fields of images have.
type Pool struct {
	// of are the values of fields by name, ids those of all objects.
	of  map[string][]reflect.Value
	ids []format.ObjectID
}

// maxValues is how many values of a field a pool holds.
const maxValues = 16

// Collect makes a pool of what images hold.
func Collect(images ...*format.Image) *Pool {
	p := &Pool{of: map[string][]reflect.Value{}}
	for _, img := range images {
		for _, s := range Sites(img) {
			p.add(s)
		}
	}
	return p
}

func (p *Pool) add(s Site) {
	list := p.of[s.Name]
	if len(list) >= maxValues || !s.value.Comparable() || s.value.Kind() == reflect.Pointer {
		return
	}
	if slices.ContainsFunc(list, func(v reflect.Value) bool { return v.Equal(s.value) }) {
		return
	}
	v := reflect.New(s.value.Type()).Elem()
	v.Set(s.value)
	p.of[s.Name] = append(list, v)
	if id, ok := reflect.TypeAssert[format.ObjectID](v); ok && id != 0 {
		p.ids = append(p.ids, id)
	}
}

// Mutations are the values that the site is given, all other than the one it has,
// always the same for the same image and pool.
func (s *Site) Mutations(p *Pool) []Mutation {
	w := &writer{was: s.value}
	switch s.value.Kind() { //nolint:exhaustive // the model has no others
	case reflect.Bool:
		w.add("negated", reflect.ValueOf(!s.value.Bool()))
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.signed()
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		w.unsigned()
	case reflect.String:
		w.text()
	case reflect.Array:
		w.array()
	case reflect.Pointer:
		w.pointer()
	case reflect.Slice:
		if s.value.Type().Elem().Kind() == reflect.Uint8 {
			w.bytes()
		} else {
			w.list()
		}
	}
	w.others(s.Name, p)
	return w.made
}

// A writer makes the mutations of one value.
type writer struct {
	was  reflect.Value
	made []Mutation
}

// add takes a mutation, unless it changes nothing or is there.
func (w *writer) add(name string, v reflect.Value) {
	v = v.Convert(w.was.Type())
	if reflect.DeepEqual(v.Interface(), w.was.Interface()) {
		return
	}
	for _, m := range w.made {
		if reflect.DeepEqual(m.value.Interface(), v.Interface()) {
			return
		}
	}
	w.made = append(w.made, Mutation{name, v})
}

func (w *writer) signed() {
	n, last := w.was.Int(), w.was.Type().Bits()-1
	top := int64(1)<<last - 1
	for _, m := range []struct {
		name string
		v    int64
	}{
		{"zero", 0},
		{"one", 1},
		{"minus-one", -1},
		{"max", top},
		{"min", -top - 1},
		{"one-more", n + 1},
		{"one-less", n - 1},
		{"bit-0", n ^ 1},
		{"bit-5", n ^ 1<<5},
		{"bit-mid", n ^ 1<<(last/2)},
		{"bit-high", n ^ 1<<(last-1)},
	} {
		w.add(m.name, reflect.ValueOf(m.v))
	}
}

func (w *writer) unsigned() {
	n, size := w.was.Uint(), w.was.Type().Bits()
	for _, m := range []struct {
		name string
		v    uint64
	}{
		{"zero", 0},
		{"one", 1},
		{"max", 1<<size - 1},
		{"half", 1 << (size - 1)},
		{"one-more", n + 1},
		{"one-less", n - 1},
		{"bit-0", n ^ 1},
		{"bit-mid", n ^ 1<<(size/2)},
		{"bit-high", n ^ 1<<(size-1)},
		{"page-more", n + format.PageSize},
		{"page-less", n - format.PageSize},
		{"bit-low-set", n ^ 1<<bits.TrailingZeros64(n)},
	} {
		w.add(m.name, reflect.ValueOf(m.v))
	}
}

func (w *writer) text() {
	s := w.was.String()
	w.add("empty", reflect.ValueOf(""))
	w.add("nonsense", reflect.ValueOf("\x01no\xffnsense"))
	w.add("zero-byte", reflect.ValueOf(s+"\x00"))
	w.add("long", reflect.ValueOf(s+"/"+strings.Repeat("x", 5000)))
	w.add("climbing", reflect.ValueOf(s+"/../../.."))
	w.add("absolute", reflect.ValueOf("/no/such/file"))
}

func (w *writer) bytes() {
	b := w.was.Bytes()
	w.add("empty", reflect.ValueOf([]byte(nil)))
	w.add("one-byte-more", reflect.ValueOf(append(bytes.Clone(b), 0)))
	w.add("page-more", reflect.ValueOf(append(bytes.Clone(b), make([]byte, format.PageSize)...)))
	if len(b) == 0 {
		return
	}
	w.add("one-byte-less", reflect.ValueOf(bytes.Clone(b[:len(b)-1])))
	w.add("zeroes", reflect.ValueOf(make([]byte, len(b))))
	w.add("ones", reflect.ValueOf(bytes.Repeat([]byte{0xff}, len(b))))
	for _, at := range []int{0, 4, 8, 12, 16, len(b) / 2, len(b) - 1} {
		if at < len(b) {
			c := bytes.Clone(b)
			c[at] ^= 1 << (at % 8)
			w.add("byte-"+itoa(at)+"-flipped", reflect.ValueOf(c))
		}
	}
}

func (w *writer) array() {
	for _, at := range []int{0, w.was.Len() - 1} {
		v := reflect.New(w.was.Type()).Elem()
		v.Set(w.was)
		v.Index(at).SetUint(^w.was.Index(at).Uint())
		w.add("element-"+itoa(at)+"-inverted", v)
	}
}

func (w *writer) pointer() {
	if w.was.IsNil() {
		w.add("added", reflect.New(w.was.Type().Elem()))
		return
	}
	w.add("removed", reflect.Zero(w.was.Type()))
	w.add("emptied", reflect.New(w.was.Type().Elem()))
}

func (w *writer) list() {
	v, n := w.was, w.was.Len()
	w.add("zero-added", reflect.Append(clone(v), reflect.Zero(v.Type().Elem())))
	if n == 0 {
		return
	}
	w.add("removed", reflect.Zero(v.Type()))
	w.add("first-removed", v.Slice3(1, n, n))
	w.add("last-removed", v.Slice3(0, n-1, n-1))
	w.add("first-doubled", reflect.Append(clone(v), v.Index(0)))
	w.add("last-doubled", reflect.Append(clone(v), v.Index(n-1)))
	back := clone(v)
	for i := range n {
		back.Index(i).Set(v.Index(n - 1 - i))
	}
	w.add("reversed", back)
	if k := v.Type().Elem().Kind(); k >= reflect.Int && k <= reflect.Uint64 {
		w.elements()
	}
}

// elements gives the numbers of a list boundary values.
func (w *writer) elements() {
	for _, at := range []int{0, w.was.Len() - 1} {
		for _, name := range []string{"zero", "max"} {
			c := clone(w.was)
			e := c.Index(at)
			switch {
			case name == "zero":
				e.SetZero()
			case e.CanInt():
				e.SetInt(1<<(e.Type().Bits()-1) - 1)
			default:
				e.SetUint(1<<e.Type().Bits() - 1)
			}
			w.add("element-"+itoa(at)+"-"+name, c)
		}
	}
}

// clone is a copy of a list with room for one more.
func clone(v reflect.Value) reflect.Value {
	c := reflect.MakeSlice(v.Type(), v.Len(), v.Len()+1)
	reflect.Copy(c, v)
	return c
}

// others adds what other sites of the name hold, and ids of other objects.
func (w *writer) others(name string, p *Pool) {
	if p == nil {
		return
	}
	before := len(w.made)
	for i, v := range p.of[name] {
		if len(w.made) < before+maxOthers {
			w.add("another-"+itoa(i), v)
		}
	}
	if w.was.Type() != reflect.TypeFor[format.ObjectID]() {
		return
	}
	before = len(w.made)
	for i, id := range p.ids {
		if len(w.made) < before+maxOthers {
			w.add("object-"+itoa(i), reflect.ValueOf(id))
		}
	}
}
