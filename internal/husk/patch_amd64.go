package husk

// Where the interpreter keeps the record and header addresses: behind the
// opcodes of two MOVQ instructions.
const (
	recordPatch = 2
	headerPatch = 12
	supported   = true
	elfMachine  = 62 // EM_X86_64
)
