package host

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCorePattern(t *testing.T) {
	tests := []struct {
		pattern string
		want    CorePattern
		ok      bool
	}{
		{"core\n", CorePattern{}, true},
		{"core.%p.%e", CorePattern{}, true},
		{"/var/crash/core.%p", CorePattern{Dirs: []string{"var", "var/crash"}, Absolute: true}, true},
		{"crash/core", CorePattern{Dirs: []string{"crash"}}, true},
		{"/core", CorePattern{Absolute: true}, true},
		{"/cores/%u/core", CorePattern{}, false},
		{"|/usr/lib/systemd/systemd-coredump %P", CorePattern{}, false},
		{"@/run/coredump.socket", CorePattern{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			got, err := ParseCorePattern(tt.pattern)
			if (err == nil) != tt.ok {
				t.Fatalf("error %v", err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
