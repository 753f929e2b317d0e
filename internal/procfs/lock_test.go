package procfs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLock(t *testing.T) {
	for name, tt := range map[string]struct {
		line string
		want Lock
	}{
		"posix": {"1: POSIX  ADVISORY  WRITE 3447 08:02:1234 10 29", Lock{
			Kind: "POSIX", Mode: "ADVISORY", Write: true, PID: 3447, Major: 8, Minor: 2, Inode: 1234, Start: 10, End: 29,
		}},
		"flock": {"12: FLOCK  ADVISORY  READ 1 fd:1f:7 0 EOF", Lock{
			Kind: "FLOCK", Mode: "ADVISORY", PID: 1, Major: 0xfd, Minor: 0x1f, Inode: 7, End: LockEnd,
		}},
		"ofd":    {"1: OFDLCK ADVISORY  READ -1 00:1a:9 5 5", Lock{Kind: "OFDLCK", Mode: "ADVISORY", PID: -1, Minor: 0x1a, Inode: 9, Start: 5, End: 5}},
		"lease":  {"1: LEASE  BREAKING  READ 9 00:1a:9 0 EOF", Lock{Kind: "LEASE", Mode: "BREAKING", PID: 9, Minor: 0x1a, Inode: 9, End: LockEnd}},
		"waiter": {"1: -> POSIX  ADVISORY  WRITE 8 00:1a:9 0 EOF", Lock{Kind: "POSIX", Mode: "ADVISORY", Write: true, PID: 8, Minor: 0x1a, Inode: 9, End: LockEnd, Waiting: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseLock(tt.line)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	for _, bad := range []string{
		"", "1:", "1: POSIX ADVISORY WRITE x 08:02:1 0 EOF", "1: POSIX ADVISORY WRITE 1 08:02 0 EOF",
		"1: POSIX ADVISORY WRITE 1 08:02:1 9 3", "1: POSIX ADVISORY WRITE 1 08:02:1 0", "1: POSIX ADVISORY WRITE 1 <none>:0 0 EOF",
	} {
		if l, err := ParseLock(bad); err == nil {
			t.Errorf("%q is a lock: %+v", bad, l)
		}
	}
}

func FuzzParseLock(f *testing.F) {
	f.Add("1: -> POSIX  ADVISORY  WRITE 8 00:1a:9 0 EOF")
	f.Fuzz(func(t *testing.T, s string) {
		if l, err := ParseLock(s); err == nil && l.End < l.Start {
			t.Errorf("%q ends before it starts", s)
		}
	})
}
