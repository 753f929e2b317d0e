package restore

import (
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
)

func TestPlainTLS(t *testing.T) {
	raw := []format.RegisterSet{{Type: noteTLS, Data: []byte{12, 0, 0, 0, 0x20, 0x23, 0x41, 0, 0xff, 0xff, 0xf, 0, 0x51, 0, 0, 0}}}
	tests := []struct {
		name         string
		fs, base     uint64
		wantFS, want uint64
	}{
		{"descriptor", 0x63, 0, 0, 0x412320},
		{"base", 0, 0x7f0000001000, 0, 0x7f0000001000},
		{"another descriptor", 0x6b, 0, 0x6b, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := abi.UserRegs{FS: tt.fs, FSBase: tt.base}
			plainTLS(&r, raw)
			if r.FS != tt.wantFS || r.FSBase != tt.want {
				t.Errorf("fs %#x base %#x, want %#x %#x", r.FS, r.FSBase, tt.wantFS, tt.want)
			}
		})
	}
}
