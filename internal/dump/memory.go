package dump

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/thaw-cr/thaw/format"
)

// Memory prints the ranges of each address space with the number of pages that
// the image holds of them, and the shared memory beside them.
func (p *Printer) Memory(ctx context.Context) error {
	who := p.usersOf(func(t *format.Task) format.ObjectID { return t.Memory })
	for i := range p.img.Objects.Memories {
		m := &p.img.Objects.Memories[i]
		if i > 0 {
			p.printf("\n")
		}
		title := joinSet(", ", fmt.Sprintf("memory %d of %s", m.ID, who.String(m.ID)), Clean(m.Exe.Path))
		p.printf("%s\n", p.paint(title, text.Bold))
		if err := p.ranges(ctx, m); err != nil {
			return err
		}
	}
	if err := p.sharedMemory(ctx); err != nil {
		return err
	}
	return p.out.Flush()
}

// TaskMemory prints the ranges of one task's address space.
func (p *Printer) TaskMemory(ctx context.Context, tid format.PID) error {
	id, err := memoryOf(p.img, tid)
	if err != nil {
		return err
	}
	m := p.idx.Memory(id)
	if m == nil {
		return fmt.Errorf("%w: task %d has none in the image", ErrRange, tid)
	}
	if err := p.ranges(ctx, m); err != nil {
		return err
	}
	return p.out.Flush()
}

func (p *Printer) ranges(ctx context.Context, m *format.AddressSpace) error {
	held, err := p.held(ctx, m)
	if err != nil {
		return err
	}
	header := []string{">START", ">END", "PROT", "KIND", ">SIZE", ">HELD", ">ZERO"}
	_, layered := p.img.Pages.(format.ParentPages)
	if layered {
		header = append(header, ">PARENT")
	}
	table := NewTable(append(header, "FLAGS", "WHAT")...)
	for i := range m.VMAs {
		v := &m.VMAs[i]
		row := []string{
			v.Start.String(), v.End.String(), protWords(v), Clean(string(v.Kind)), size(v.End - v.Start),
			Bytes(held[i].all * format.PageSize), Bytes(held[i].zero * format.PageSize),
		}
		if layered {
			row = append(row, Bytes(held[i].parent*format.PageSize))
		}
		table.Add(append(row, vmaFlags(v.Flags), backing(v))...)
	}
	return table.Write(p.out, p.opts)
}

// protWords is the protection as in /proc/PID/maps: "rw-p".
func protWords(v *format.VMA) string {
	if v.SharedMap {
		return v.Prot.String() + "s"
	}
	return v.Prot.String() + "p"
}

// size gives a range's size; one that ends before it begins has none.
func size(n format.Addr) string {
	if int64(n) < 0 {
		return "-"
	}
	return Bytes(uint64(n))
}

// holding is how many pages of a range are in the image: all of them, and of
// those the zero pages and the ones that lie in a parent image.
type holding struct{ all, zero, parent uint64 }

// held counts the pages of m in the image for each of its ranges, in one pass
// over both. Ranges out of order or overlapping, which validation refuses, have
// no such pass: all of them count as empty.
func (p *Printer) held(ctx context.Context, m *format.AddressSpace) ([]holding, error) {
	pages := make([]holding, len(m.VMAs))
	if p.img.Pages == nil || !disjoint(m.VMAs) {
		return pages, nil
	}
	err := tally(m.VMAs, p.img.Pages.Runs(ctx, m.ID), func(i int, n uint64, zero bool) {
		pages[i].all += n
		if zero {
			pages[i].zero += n
		}
	})
	if layered, ok := p.img.Pages.(format.ParentPages); ok && err == nil {
		err = tally(m.VMAs, layered.ParentRuns(ctx, m.ID), func(i int, n uint64, _ bool) { pages[i].parent += n })
	}
	if err != nil {
		return nil, fmt.Errorf("page runs of memory %d: %w", m.ID, err)
	}
	return pages, nil
}

// tally tells count of the pages that each range has in the runs.
func tally(vmas []format.VMA, runs iter.Seq2[format.PageRun, error], count func(i int, pages uint64, zero bool)) error {
	i := 0
	for run, err := range runs {
		if err != nil {
			return err
		}
		first, end := run.First.Addr(), run.End().Addr()
		for i < len(vmas) && vmas[i].End <= first {
			i++
		}
		for k := i; k < len(vmas) && vmas[k].Start < end; k++ {
			from, to := max(first, vmas[k].Start), min(end, vmas[k].End)
			if from < to {
				count(k, uint64(to-from)/format.PageSize, run.Zero)
			}
		}
	}
	return nil
}

func disjoint(list []format.VMA) bool {
	end := format.Addr(0)
	for i := range list {
		if list[i].Start < end || list[i].End < list[i].Start {
			return false
		}
		end = list[i].End
	}
	return true
}

func (p *Printer) sharedMemory(ctx context.Context) error {
	list := p.img.Objects.Shared
	if len(list) == 0 {
		return nil
	}
	p.printf("\n%s\n", p.paint("shared memory", text.Bold))
	table := NewTable(">OBJECT", "KIND", ">SIZE", ">HELD", ">ZERO", "NAME")
	for i := range list {
		s := &list[i]
		data, zero, err := p.pages(ctx, s.ID)
		if err != nil {
			return err
		}
		table.Add(fmt.Sprint(s.ID), Clean(string(s.Kind)), Bytes(s.Size), Bytes((data+zero)*format.PageSize), Bytes(zero*format.PageSize), Clean(s.Name))
	}
	return table.Write(p.out, p.opts)
}

// backing says what is behind a range: a path and offset, an object, a name.
func backing(v *format.VMA) string {
	switch v.Kind {
	case format.VMAFile:
		at := ""
		if v.Offset != 0 {
			at = fmt.Sprintf(" +%#x", v.Offset)
		}
		return fileRef(&v.File) + at
	case format.VMAShared:
		return fmt.Sprintf("shared %d +%#x", v.Shared, v.Offset)
	default:
		return Clean(v.Name)
	}
}

// fileRef names a file and says whether it has no name any more.
func fileRef(f *format.FileRef) string {
	if f.Deleted != 0 {
		return fmt.Sprintf("%s (deleted, contents in %d)", Clean(f.Path), f.Deleted)
	}
	return Clean(f.Path)
}

// flagLetters are the letters of VmFlags in /proc/PID/smaps, in the order of
// the model's bits.
var flagLetters = [...]string{
	"gd", "lo", "lf", "hg", "nh", "dc", "dd", "wf", "sr", "rr", "mg", "nr", "sl", "ht", "um", "uw", "io", "pf", "ac", "sf", "ss",
}

// vmaFlags gives the letters of the flags; accounting, which most ranges have,
// is left out.
func vmaFlags(f format.VMAFlags) string {
	var set []string
	for i, letters := range flagLetters {
		if bit := format.VMAFlags(1) << i; f&bit != 0 && bit != format.VMAAccount {
			set = append(set, letters)
		}
	}
	return strings.Join(set, " ")
}
