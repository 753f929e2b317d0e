package restore

import (
	"os"
	"strings"
)

// noSysctl stands for a number that cannot be read.
const noSysctl = -1

func sysctl(name string) int64 {
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return noSysctl
	}
	v, err := parseInt(strings.TrimSpace(string(b)))
	if err != nil {
		return noSysctl
	}
	return v
}
