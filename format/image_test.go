package format_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// lists are the lists of objects, by their names.
func lists(o *format.Objects) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for i, v := 0, reflect.ValueOf(o).Elem(); i < v.NumField(); i++ {
		all[v.Type().Field(i).Name] = v.Field(i)
	}
	return all
}

// TestSort: no list of objects is forgotten.
func TestSort(t *testing.T) {
	var o format.Objects
	for _, list := range lists(&o) {
		list.Set(reflect.MakeSlice(list.Type(), 4, 4))
		for i, id := range []uint64{2, 7, 1, math.MaxUint32} {
			list.Index(i).FieldByName("ID").SetUint(id)
		}
	}
	o.Sort()
	for name, list := range lists(&o) {
		var got []uint64
		for i := range list.Len() {
			got = append(got, list.Index(i).FieldByName("ID").Uint())
		}
		if !slices.Equal(got, []uint64{1, 2, 7, math.MaxUint32}) {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// TestIndex: of several of one number the index has the first, and nothing of what
// is not there.
func TestIndex(t *testing.T) {
	img := &format.Image{
		Tasks:   []format.Task{{TID: 5, Comm: "first"}, {TID: 1 << 22}, {TID: 5, Comm: "second"}},
		Objects: format.Objects{Files: []format.OpenFile{{ID: 9, Pos: 1}, {ID: 9, Pos: 2}}},
	}
	x := format.NewIndex(img)
	if x.Task(5) != &img.Tasks[0] || x.Task(1<<22) != &img.Tasks[1] || x.File(9) != &img.Objects.Files[0] {
		t.Errorf("task %+v, file %+v", x.Task(5), x.File(9))
	}
	if x.Task(6) != nil || x.Task(-1) != nil || x.Task(math.MaxInt32) != nil || x.File(0) != nil || x.Memory(9) != nil {
		t.Error("the index has what the image has not")
	}
}

// TestPageRunEnd: a run ends before the page that its End names.
func TestPageRunEnd(t *testing.T) {
	if end := (format.PageRun{First: 7, Count: 3}).End(); end != 10 || end.Addr() != 0xa000 {
		t.Errorf("it ends at page %d, %s", end, end.Addr())
	}
}
