//go:build !amd64 && !arm64

package husk

const (
	recordPatch = 0
	headerPatch = 0
	supported   = false
	elfMachine  = 0
)
