package husk

// Where the interpreter keeps the record and header addresses: behind its
// first two instructions.
const (
	recordPatch = 8
	headerPatch = 16
	supported   = false
	elfMachine  = 183 // EM_AARCH64
)
