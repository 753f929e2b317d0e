package criu

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/internal/golden"
)

var update = flag.Bool("update", false, "write the tables of spec/criu.md")

// TestSpecTables: the specification has the tables that the program goes by.
func TestSpecTables(t *testing.T) {
	set := golden.Set{Update: update, How: "go test ./codec/criu -run SpecTables -update"}
	set.Parts(t, "../../spec/criu.md", map[string]string{"kinds": kindTable(), "areas": areaTable()})
}

func kindTable() string {
	var b strings.Builder
	b.WriteString("| file | magic | message | raw data behind each | becomes |\n|---|---|---|---|---|\n")
	for _, k := range kinds {
		name := k.prefix + k.end()
		if k.number != single {
			name = k.prefix + "-N" + k.end()
		}
		m, magic := "", ""
		if k.entry != nil {
			m = string(k.entry().ProtoReflect().Descriptor().Name())
		}
		if !k.raw() {
			magic = fmt.Sprintf("%s %#x", k.magic, uint32(magics[k.magic]))
		}
		data := ""
		if k.payload != nil || k.prefix == kGhost || k.prefix == kIPCMsg {
			data = "yes"
		}
		goes := k.goes
		if goes == "" {
			goes = "kept"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", name, magic, m, data, goes)
	}
	return b.String()
}

func areaTable() string {
	var b strings.Builder
	b.WriteString("| bit of `flags` | property | | number of madvise(2) in `madv` | property |\n|---|---|---|---|---|\n")
	for i := range max(len(mapFlags), len(adviceFlags)) {
		left, right := "| | | |", " | |"
		if i < len(mapFlags) {
			left = fmt.Sprintf("| %#x | %#x | |", mapFlags[i].bit, uint32(mapFlags[i].flag))
		}
		if i < len(adviceFlags) {
			right = fmt.Sprintf(" %d | %#x |", adviceFlags[i].advice, uint32(adviceFlags[i].flag))
		}
		b.WriteString(left + right + "\n")
	}
	return b.String()
}
