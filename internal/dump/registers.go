package dump

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/thaw-cr/thaw/format"
)

// register is one with its name.
type register struct {
	name  string
	value uint64
}

func amd64Registers(a *format.RegistersAMD64) []register {
	return []register{
		{"rax", a.RAX},
		{"rbx", a.RBX},
		{"rcx", a.RCX},
		{"rdx", a.RDX},
		{"rsi", a.RSI},
		{"rdi", a.RDI},
		{"rbp", a.RBP},
		{"rsp", a.RSP},
		{"r8", a.R8},
		{"r9", a.R9},
		{"r10", a.R10},
		{"r11", a.R11},
		{"r12", a.R12},
		{"r13", a.R13},
		{"r14", a.R14},
		{"r15", a.R15},
		{"rip", a.RIP},
		{"rflags", a.RFlags},
		{"orig_ax", a.OrigAX},
		{"fs_base", a.FSBase},
		{"gs_base", a.GSBase},
		{"cs", a.CS},
		{"ss", a.SS},
		{"ds", a.DS},
		{"es", a.ES},
		{"fs", a.FS},
		{"gs", a.GS},
	}
}

func arm64Registers(a *format.RegistersARM64) []register {
	list := make([]register, 0, len(a.X)+4)
	for i, x := range a.X {
		list = append(list, register{fmt.Sprintf("x%d", i), x})
	}
	return append(list, register{"sp", a.SP}, register{"pc", a.PC}, register{"pstate", a.PState}, register{"tls", a.TLS})
}

// perLine is how many registers stand in a line.
const perLine = 4

// registers prints all of a task's.
func (p *Printer) registers(r *format.Registers) {
	var list []register
	switch {
	case r == nil:
		return
	case r.AMD64 != nil:
		list = amd64Registers(r.AMD64)
	case r.ARM64 != nil:
		list = arm64Registers(r.ARM64)
	}
	p.printf("\n%s\n", p.paint("registers", text.Bold))
	for len(list) > 0 {
		row := list[:min(perLine, len(list))]
		list = list[len(row):]
		cells := make([]string, len(row))
		for i, r := range row {
			cells[i] = fmt.Sprintf("%-7s  %-18s", r.name, fmt.Sprintf("%#x", r.value))
		}
		p.printf("%s\n", strings.TrimRight(strings.Join(cells, "  "), " "))
	}
	for _, set := range r.Raw {
		p.printf("set %#x of %s, %s\n", set.Type, Clean(set.Arch), Bytes(uint64(len(set.Data))))
	}
}
