package malformed

import (
	"math"
	"slices"
	"strings"
)

// criuMemories are faults of mm, pagemap and pages files. The memory of 20501 has
// its pages in pages-2.img; the second entry of its pagemap is the first of pages.
var criuMemories = []criuFault{
	{fault{"vma-overlap", "mappings that overlap", "mm-20501.img, vmas[1].start", "M006"}, criuZombies, number("mm-20501.img", 0, "14[1].1", 4194304)},
	{fault{"vma-reversed", "a mapping that ends before it begins", "mm-20501.img, vmas[1].end", "F013"}, criuZombies, number("mm-20501.img", 0, "14[0].2", 4096)},
	{fault{"vma-empty", "a mapping of nothing", "mm-20501.img, vmas[0].end", "F013"}, criuZombies, number("mm-20501.img", 0, "14[0].2", 4194304)},
	{fault{"vma-start-unaligned", "a mapping that begins in the middle of a page", "mm-20501.img, vmas[0].start", "F013"}, criuZombies, number("mm-20501.img", 0, "14[0].1", 4194305)},
	{fault{"vma-end-unaligned", "a mapping that ends in the middle of a page", "mm-20501.img, vmas[0].end", "F013"}, criuZombies, number("mm-20501.img", 0, "14[0].2", 4198399)},
	{fault{"vma-out-of-order", "mappings out of order", "mm-20501.img, vmas", "M005"}, criuZombies, message("mm-20501.img", 0, func(b []byte) []byte {
		return editPB(b, "14[0]", func(list []pbField, i int) []pbField {
			list[i], list[i+1] = list[i+1], list[i]
			return list
		})
	})},
	{fault{"vma-twice", "a mapping twice", "mm-20501.img, vmas", "M006"}, criuZombies, double("mm-20501.img", "14[2]")},
	{fault{"vma-none", "a process that maps nothing", "mm-20501.img, vmas", "M002 M037 M038 M052"}, criuZombies, message("mm-20501.img", 0, func(b []byte) []byte {
		return encodePB(slices.DeleteFunc(parsePB(b), func(f pbField) bool { return f.num == 14 }))
	})},
	{fault{"vma-kernel", "a mapping in the kernel", "mm-20501.img, vmas[0]", "M005 M007"}, criuZombies, message("mm-20501.img", 0, func(b []byte) []byte {
		b = editPB(b, "14[0].2", setNumber(0xffff800000001000))
		return editPB(b, "14[0].1", setNumber(0xffff800000000000))
	})},
	{fault{"vma-flags", "neither private nor shared", "mm-20501.img, vmas[5].flags", "F013"}, criuZombies, number("mm-20501.img", 0, "14[5].6", 0x20)},
	{fault{"vma-offset-unaligned", "a mapping of a file from offset 16", "mm-20501.img, vmas[1].pgoff", "F013"}, criuZombies, number("mm-20501.img", 0, "14[1].3", 16)},
	{fault{"vma-offset-overflow", "offset and length of a mapping wrap around", "mm-20501.img, vmas[1].pgoff", "F013"}, criuZombies, number("mm-20501.img", 0, "14[1].3", 0xfffffffffffff000)},
	{fault{"vma-file-dangling", "a mapping of a file that is not there", "mm-20501.img, vmas[0].shmid", "F009"}, criuZombies, number("mm-20501.img", 0, "14[0].4", 999)},
	{fault{"vma-no-start", "a mapping without a beginning", "mm-20501.img, vmas[0].start", "F013"}, criuZombies, drop("mm-20501.img", 0, "14[0].1")},
	{fault{"mm-program-dangling", "a program that is not there", "mm-20501.img, exe_file_id", "F009"}, criuZombies, number("mm-20501.img", 0, "12", 999)},
	{fault{"mm-brk-kernel", "a break in the kernel", "mm-20501.img, mm_brk", "M036"}, criuZombies, number("mm-20501.img", 0, "7", 0xffffffff81000000)},
	{fault{"mm-brk-below", "a break below its start", "mm-20501.img, mm_brk", "M039"}, criuZombies, number("mm-20501.img", 0, "7", 4096)},
	{fault{"mm-code-reversed", "code that ends before it begins", "mm-20501.img, mm_end_code", "M035"}, criuZombies, number("mm-20501.img", 0, "2", 4096)},
	{fault{"mm-dumpable", "dumpable is 7", "mm-20501.img, dumpable", "F013"}, criuZombies, number("mm-20501.img", 0, "15", 7)},
	{fault{"mm-twice", "two memories in one file", "mm-20501.img", "F008"}, criuZombies, repeated("mm-20501.img", 0)},
	{fault{"pages-page-short", "a page too few", "pages-2.img", "F003"}, criuZombies, resize("pages-2.img", -pageSize)},
	{fault{"pages-byte-short", "the last byte is not there", "pages-2.img", "F003"}, criuZombies, resize("pages-2.img", -1)},
	{fault{"pages-empty", "no pages", "pages-2.img", "F003"}, criuZombies, func(d *criuDir) { d.files["pages-2.img"] = []byte{} }},
	{fault{"pages-page-more", "a page too many", "pages-2.img", "F004"}, criuZombies, resize("pages-2.img", pageSize)},
	{fault{"pages-byte-more", "a byte too many", "pages-2.img", "F004"}, criuZombies, resize("pages-2.img", 1)},
	{fault{"pages-missing", "the pages are not there", "pages-2.img", "F009"}, criuZombies, func(d *criuDir) { delete(d.files, "pages-2.img") }},
	{fault{"pages-of-another", "two memories with one file of pages", "pagemap-20512.img, pages_id", "F008"}, criuZombies, number("pagemap-20512.img", 0, "1", 2)},
	{fault{"pages-number-zero", "pages of number 0", "pagemap-20501.img, pages_id", "F009"}, criuZombies, number("pagemap-20501.img", 0, "1", 0)},
	{fault{"pages-shared-short", "shared memory a page too short", "pages-1.img", "F003"}, criuZombies, resize("pages-1.img", -pageSize)},
	{fault{"pagemap-in-a-hole", "pages where nothing is mapped", "pagemap-20501.img, entry 1, vaddr", "M052"}, criuZombies, number("pagemap-20501.img", 1, "1", 0x10000)},
	{fault{"pagemap-unaligned", "pages at an address in the middle of one", "pagemap-20501.img, entry 1, vaddr", "F013"}, criuZombies, number("pagemap-20501.img", 1, "1", 4198401)},
	{fault{"pagemap-kernel", "pages at a kernel address", "pagemap-20501.img, last entry, vaddr", "M052"}, criuZombies, number("pagemap-20501.img", -1, "1", 0xffff800000000000)},
	{fault{"pagemap-overlap", "pages twice", "pagemap-20501.img, entry 2, vaddr", "F010"}, criuZombies, number("pagemap-20501.img", 2, "1", 4198400)},
	{fault{"pagemap-descending", "pages out of order", "pagemap-20501.img, entries", "F010"}, criuZombies, func(d *criuDir) {
		list := d.messages("pagemap-20501.img")
		list[1], list[2] = list[2], list[1]
		d.setMessages("pagemap-20501.img", list)
	}},
	{fault{"pagemap-no-pages", "an entry of no pages", "pagemap-20501.img, entry 1, nr_pages", "F013"}, criuZombies, number("pagemap-20501.img", 1, "5", 0)},
	{fault{"pagemap-huge", "2^52 pages", "pagemap-20501.img, entry 1, nr_pages", "F013"}, criuZombies, number("pagemap-20501.img", 1, "5", 1<<52)},
	{fault{"pagemap-wraps", "so many pages that their length wraps around", "pagemap-20501.img, entry 1, nr_pages", "F013"}, criuZombies, number("pagemap-20501.img", 1, "5", 1<<52+1)},
	{fault{"pagemap-max", "2^64-1 pages", "pagemap-20501.img, entry 1, nr_pages", "F013"}, criuZombies, number("pagemap-20501.img", 1, "5", math.MaxUint64)},
	{fault{"pagemap-flags-unknown", "flags that do not exist", "pagemap-20501.img, entry 1, flags", "F002"}, criuZombies, number("pagemap-20501.img", 1, "4", 4|8)},
	{fault{"pagemap-lazy", "pages that a page server has", "pagemap-20501.img, entry 1, flags", "F009"}, criuZombies, number("pagemap-20501.img", 1, "4", 2)},
	{fault{"pagemap-nowhere", "pages that are nowhere", "pagemap-20501.img, entry 1, flags", "F009"}, criuZombies, number("pagemap-20501.img", 1, "4", 0)},
	{fault{"pagemap-head-missing", "no head", "pagemap-20501.img, entry 0", "F009"}, criuZombies, func(d *criuDir) {
		d.setMessages("pagemap-20501.img", d.messages("pagemap-20501.img")[1:])
	}},
}

// criuChains are faults of the chain of earlier images that pages may be in.
var criuChains = []criuFault{
	{fault{"parent-none", "pages in an earlier image that is not there", "pagemap-20501.img, entry 1, flags", "F009"}, criuZombies, all(number("pagemap-20501.img", 1, "4", 1), resize("pages-2.img", -pageSize))},
	{fault{"parent-dangling", "an earlier image that is a link to nowhere", "parent", "A004 F009"}, criuZombies, all(number("pagemap-20501.img", 1, "4", 1), resize("pages-2.img", -pageSize), linked("parent", "nowhere"))},
	{fault{"parent-loop", "an image that is its own earlier image", "parent", "F009"}, criuZombies, all(number("pagemap-20501.img", 1, "4", 1), resize("pages-2.img", -pageSize), linked("parent", "."))},
	{fault{"parent-loop-of-two", "two images that are each other's earlier image", "parent", "F009"}, criuZombies, all(
		number("pagemap-20501.img", 1, "4", 1), resize("pages-2.img", -pageSize), linked("parent", "a"), linked("a/parent", ".."),
		func(d *criuDir) { d.files["a/pagemap-20501.img"] = d.files["pagemap-20501.img"] },
	)},
	{fault{"parent-itself", "an earlier image that is a link to itself", "parent", "A004 F009"}, criuZombies, all(number("pagemap-20501.img", 1, "4", 1), resize("pages-2.img", -pageSize), linked("parent", "parent"))},
	{fault{"parent-lacks-page", "an earlier image without the page", "parent/pagemap-20501.img", "F010"}, criuZombies, all(
		inParent, number("parent/pagemap-20501.img", 1, "1", 0x500000),
	)},
	{fault{"parent-pages-short", "an earlier image whose pages are cut off", "parent/pages-2.img", "F003"}, criuZombies, all(inParent, resize("parent/pages-2.img", -17*pageSize))},
	{fault{"parent-no-pagemap", "an earlier image without the pagemap", "parent/pagemap-20501.img", "F009"}, criuZombies, all(inParent, func(d *criuDir) { delete(d.files, "parent/pagemap-20501.img") })},
	{fault{"parent-file", "an earlier image that is a file", "parent", "F009"}, criuZombies, all(number("pagemap-20501.img", 1, "4", 1), resize("pages-2.img", -pageSize), func(d *criuDir) { d.files["parent"] = []byte("x") })},
	{fault{"parent-deep", "a chain of a thousand and one earlier images", "parent", "F009"}, criuZombies, all(number("pagemap-20501.img", 1, "4", 1), resize("pages-2.img", -pageSize), deepChain)},
}

func linked(name, target string) func(*criuDir) {
	return func(d *criuDir) { d.links[name] = target }
}

// inParent moves the first page of 20501 into an earlier image, which has all of
// the pages.
func inParent(d *criuDir) {
	for _, name := range []string{"pagemap-20501.img", "pages-2.img"} {
		d.files["parent/"+name] = slices.Clone(d.files[name])
	}
	number("pagemap-20501.img", 1, "4", 1)(d)
	d.files["pages-2.img"] = d.files["pages-2.img"][pageSize:]
}

// deepChain makes each link of a chain its own directory, in which the next is.
func deepChain(d *criuDir) {
	const depth = 1001
	name := ""
	for range depth {
		name += "p/"
	}
	// One directory deep enough would need a path longer than a kernel takes: the
	// links of the chain stand beside each other.
	d.links["parent"] = "0000"
	for i := range depth {
		dir := strings.Repeat("0", 4-len(itoa(i))) + itoa(i)
		d.files[dir+"/pagemap-20501.img"] = d.files["pagemap-20501.img"]
		if i < depth-1 {
			next := itoa(i + 1)
			d.links[dir+"/parent"] = "../" + strings.Repeat("0", 4-len(next)) + next
		}
	}
}
