package dump

import (
	"testing"

	"github.com/thaw-cr/thaw/format"
)

func TestTraitWords(t *testing.T) {
	for _, tt := range []struct {
		task   format.Task
		memory format.AddressSpace
		want   string
	}{
		{},
		{task: format.Task{MCEKill: format.MCEKillEarly}, want: "killed for lost memory early"},
		{task: format.Task{Login: &format.Login{UID: format.NoLogin}}},
		{task: format.Task{Login: &format.Login{}, NoTSC: true}, want: "login of user 0, no rdtsc"},
		{task: format.Task{NoTSC: true, NoCPUID: true, IOFlusher: true}, want: "no rdtsc, no cpuid, I/O flusher"},
		{
			task: format.Task{Speculation: []format.Speculation{{Feature: 1, Control: 8}, {Feature: 9, Control: 4}}},
			want: "indirect branches set to 8, speculation 9 set to 4",
		},
		{memory: format.AddressSpace{NoTHP: true, THPAdvised: true, MDWE: 1}, want: "no huge pages but where advised, no execution of written memory"},
		{
			memory: format.AddressSpace{MDWE: 1, Membarriers: format.MembarrierPrivate | format.MembarrierRseq},
			want:   "no execution of written memory, memory barriers private and of rseq",
		},
		{memory: format.AddressSpace{Membarriers: format.MembarrierGlobal | format.MembarrierSyncCore}, want: "memory barriers core-syncing and of others"},
		{memory: format.AddressSpace{NoTHP: true, MergeAny: true, Guards: make([]format.PageSpan, 1)}, want: "no huge pages, equal pages merged, 1 range of guard pages"},
	} {
		if got := joinSet(", ", traitWords(&tt.task), memoryTraitWords(&tt.memory)); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
