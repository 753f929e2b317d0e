package dump

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
)

// speculationWords are the features of prctl(PR_SET_SPECULATION_CTRL).
var speculationWords = map[uint8]string{0: "store bypass", 1: "indirect branches"}

// traitWords name the attributes of prctl(2) that few tasks have.
func traitWords(t *format.Task) string {
	words := []string{
		prefixed("killed for lost memory ", Clean(string(t.MCEKill))),
		loginWords(t.Login),
		when(t.NoTSC, "no rdtsc"), when(t.NoCPUID, "no cpuid"), when(t.IOFlusher, "I/O flusher"),
	}
	for _, s := range t.Speculation {
		name := speculationWords[s.Feature]
		if name == "" {
			name = fmt.Sprintf("speculation %d", s.Feature)
		}
		words = append(words, fmt.Sprintf("%s set to %d", name, s.Control))
	}
	return joinSet(", ", words...)
}

// memoryTraitWords name those of its address space.
func memoryTraitWords(m *format.AddressSpace) string {
	return joinSet(", ",
		when(m.NoTHP && !m.THPAdvised, "no huge pages"), when(m.NoTHP && m.THPAdvised, "no huge pages but where advised"),
		when(m.MDWE != 0, "no execution of written memory"), when(m.MergeAny, "equal pages merged"),
		prefixed("memory barriers ", barrierWords(m.Membarriers)),
		ifAny(len(m.Guards), "range of guard pages", "ranges of guard pages"))
}

// loginWords name the user whose login a task comes from.
func loginWords(l *format.Login) string {
	if l == nil || l.UID == format.NoLogin {
		return ""
	}
	return fmt.Sprintf("login of user %d", l.UID)
}

// barrierWords name the memory barriers registered for.
func barrierWords(set format.Membarriers) string {
	return joinSet(" and ",
		when(set&format.MembarrierPrivate != 0, "private"), when(set&format.MembarrierSyncCore != 0, "core-syncing"),
		when(set&format.MembarrierRseq != 0, "of rseq"), when(set&format.MembarrierGlobal != 0, "of others"))
}

func when(on bool, words string) string {
	if on {
		return words
	}
	return ""
}
