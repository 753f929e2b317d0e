package capture

import "testing"

func TestTrimXSave(t *testing.T) {
	tests := []struct {
		name       string
		size, last int
		want       int
	}{
		{"only SSE in use", 11008, 600, 896},
		{"PKRU in use", 11008, 2688, 2752},
		{"all in use", 11008, 11007, 11008},
		{"small", 832, 600, 832},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			area := make([]byte, tt.size)
			area[tt.last] = 1
			if got := len(trimXSave(area)); got != tt.want {
				t.Errorf("%d bytes, want %d", got, tt.want)
			}
		})
	}
}
