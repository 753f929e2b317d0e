package codec

// Limits bound what decoding may take of memory, disk and time. The zero value
// of a field is its default.
type Limits struct {
	// Record is the greatest length of one record or entry of metadata in bytes,
	// both as stored and decompressed. Default 256 MiB.
	Record int64
	// Records is the greatest number of records in a file. Default 16777216.
	Records int64
	// Elements is the greatest number of elements in one array. Default
	// 16777216.
	Elements int64
	// Depth is the greatest nesting of arrays, structures and maps. Default 32.
	Depth int
	// String is the greatest length of a string in bytes. Byte arrays are bound
	// by Record alone. Default 1 MiB.
	String int64
	// Tasks is the greatest number of tasks. Default 4194304, the kernel's
	// greatest pid_max.
	Tasks int64
	// Memory is what decoded metadata and indexes may take in bytes. Default
	// 4 GiB.
	Memory int64
	// Spool is the greatest number of bytes kept of an input that cannot seek,
	// after decompression. Default 1 TiB.
	Spool int64
	// SpoolMemory is how many of these stay in memory before they go to a
	// temporary file. Default 4 MiB.
	SpoolMemory int64
	// Wrappers is how many layers of compression around an image are undone.
	// Default 2.
	Wrappers int
	// Envelopes is how many archives and the like inside each other are opened.
	// Default 6: a layer in an OCI layout in an archive takes four.
	Envelopes int
	// Members is the greatest number of members in one archive. Default 1048576.
	Members int64
	// Ratio is how many times longer than its input decompressed data may get,
	// once it is longer than RatioFree bytes. Defaults 2000 and 256 MiB: page
	// data of a real process stays far below.
	Ratio     int64
	RatioFree int64
	// Window is how far back data in a compressed stream may refer in bytes, and
	// so about what reading it takes of memory. Its writer may ask for 2 GiB
	// (--long, --ultra), and refers no further back than there are data; 8 MiB at
	// all ordinary levels of zstd. Default 32 MiB, so that no archive makes
	// reading it take 64 MiB.
	Window int64
	// Private says that the input is a secret, so that nothing of it is written to
	// disk: what would go to a temporary file stays in memory.
	Private bool
}

// The defaults of Limits.
const (
	DefaultRecord      = 256 << 20
	DefaultRecords     = 16 << 20
	DefaultElements    = 16 << 20
	DefaultDepth       = 32
	DefaultString      = 1 << 20
	DefaultTasks       = 4 << 20
	DefaultMemory      = 4 << 30
	DefaultSpool       = 1 << 40
	DefaultSpoolMemory = 4 << 20
	DefaultWrappers    = 2
	DefaultWindow      = 32 << 20
	DefaultEnvelopes   = 6
	DefaultMembers     = 1 << 20
	DefaultRatio       = 2000
	DefaultRatioFree   = 256 << 20
)

// WithDefaults is l with every zero field set to its default.
func (l Limits) WithDefaults() Limits {
	for _, f := range []struct {
		p *int64
		v int64
	}{
		{&l.Record, DefaultRecord},
		{&l.Records, DefaultRecords},
		{&l.Elements, DefaultElements},
		{&l.String, DefaultString},
		{&l.Tasks, DefaultTasks},
		{&l.Memory, DefaultMemory},
		{&l.Spool, DefaultSpool},
		{&l.SpoolMemory, DefaultSpoolMemory},
		{&l.Window, DefaultWindow},
		{&l.Members, DefaultMembers},
		{&l.Ratio, DefaultRatio},
		{&l.RatioFree, DefaultRatioFree},
	} {
		if *f.p == 0 {
			*f.p = f.v
		}
	}
	if l.Depth == 0 {
		l.Depth = DefaultDepth
	}
	if l.Wrappers == 0 {
		l.Wrappers = DefaultWrappers
	}
	if l.Envelopes == 0 {
		l.Envelopes = DefaultEnvelopes
	}
	return l
}
