package native

import (
	"reflect"
	"sync"

	"github.com/thaw-cr/thaw/codec/native/internal/wire"
	"github.com/thaw-cr/thaw/format"
)

// recordType numbers the records. Numbers are never reused.
type recordType uint16

// The records that are not lists of the model.
const (
	typeImage  recordType = 0x0001
	typeTasks  recordType = 0x0010
	typePages  recordType = 0x0050
	typeChunks recordType = 0x0051
	typeRuns   recordType = 0x0052
	typeFooter recordType = 0x007f
)

// formatName is the format's name in attachments and registries.
const formatName = "thaw"

// head is the payload of the image record.
type head struct {
	Provenance format.Provenance `json:"provenance"`
	// Root is the process whose descendants the image holds.
	Root format.PID `json:"root"`
}

// chunkEntry describes one chunk of page data. Chunks stand one after the other
// in their segment.
type chunkEntry struct {
	// Stored is the chunk's length in the file; Pages*4096 if it is not
	// compressed.
	Stored uint32 `json:"stored"`
	// Pages is the number of pages, 1..256.
	Pages uint16 `json:"pages"`
	// Digest is the SHA-256 of the SHA-256s of the pages, in order.
	Digest []byte `json:"digest"`
	// CRC is the CRC-32C of the chunk as it is in the file, compressed or not.
	CRC uint32 `json:"crc"`
}

// runsEntry lists page runs of one object.
type runsEntry struct {
	// Object is an address space, shared memory or deleted file.
	Object format.ObjectID `json:"object"`
	// Runs has three numbers for each run: the first page, the number of pages,
	// and 0 for pages of zeroes, or else one more than the slot of the first
	// page. Slots number all stored pages of the file from 0.
	Runs []uint64 `json:"runs"`
}

// footer is the payload of the footer record.
type footer struct {
	// Records is the number of records before the footer.
	Records uint64 `json:"records"`
	// Segments are the places of page data, ascending.
	Segments []segment `json:"segments,omitempty"`
}

// segment is one stretch of page data.
type segment struct {
	// Offset in the file, a multiple of 4096, and Length in bytes.
	Offset uint64 `json:"offset"`
	Length uint64 `json:"length"`
}

// A record is one row of the table of records.
type record struct {
	typ  recordType
	name string
	what string
	// list gives the list of the model that the record continues; nil for other
	// records, whose payload is of type payload, if any.
	list    func(*format.Image) any
	payload reflect.Type
	// batch says that a payload of list is an array of payload.
	batch bool
}

// records is the table of records in the order in which they stand in a file.
var records = sync.OnceValue(func() []record {
	return []record{
		one[head](typeImage, "image", "what the image is; exactly one, the first record"),
		listOf(typeTasks, "tasks", "tasks in order of restart", func(m *format.Image) any { return &m.Tasks }),
		listOf(0x20, "processes", "process-wide state", func(m *format.Image) any { return &m.Objects.Processes }),
		listOf(0x21, "memories", "address spaces", func(m *format.Image) any { return &m.Objects.Memories }),
		listOf(0x22, "shared_memory", "shared memory", func(m *format.Image) any { return &m.Objects.Shared }),
		listOf(0x23, "file_tables", "descriptor tables", func(m *format.Image) any { return &m.Objects.FileTables }),
		listOf(0x24, "files", "open file descriptions", func(m *format.Image) any { return &m.Objects.Files }),
		listOf(0x25, "pipes", "pipes and what is in them", func(m *format.Image) any { return &m.Objects.Pipes }),
		listOf(0x26, "deleted_files", "files without a name", func(m *format.Image) any { return &m.Objects.Deleted }),
		listOf(0x27, "fs", "working directories, roots, umasks", func(m *format.Image) any { return &m.Objects.FS }),
		listOf(0x28, "handlers", "tables of signal handlers", func(m *format.Image) any { return &m.Objects.Handlers }),
		listOf(0x29, "credentials", "credentials", func(m *format.Image) any { return &m.Objects.Creds }),
		listOf(0x2a, "terminals", "terminals", func(m *format.Image) any { return &m.Objects.Terminals }),
		listOf(0x2b, "sysv_semaphores", "System V semaphores", func(m *format.Image) any { return &m.Objects.Semaphores }),
		listOf(0x2c, "sysv_messages", "System V message queues", func(m *format.Image) any { return &m.Objects.Messages }),
		listOf(0x2d, "namespaces", "namespaces", func(m *format.Image) any { return &m.Objects.Namespaces }),
		listOf(0x2e, "seccomp_filters", "seccomp filters", func(m *format.Image) any { return &m.Objects.Seccomp }),
		listOf(0x2f, "cgroups", "control groups", func(m *format.Image) any { return &m.Objects.Cgroups }),
		listOf(0x40, "attachments", "opaque records of other formats", func(m *format.Image) any { return &m.Attachments }),
		listOf(0x41, "warnings", "what a source could not tell", func(m *format.Image) any { return &m.Warnings }),
		listOf(0x42, "containers", "what the tree was in", func(m *format.Image) any { return &m.Containers }),
		{typ: typePages, name: "pages", what: "padding before a segment of page data"},
		batch[chunkEntry](typeChunks, "chunks", "the chunks of the segment before it"),
		batch[runsEntry](typeRuns, "runs", "which object has which page where"),
		one[footer](typeFooter, "footer", "where page data is; exactly one, the last record"),
	}
})

func one[T any](typ recordType, name, what string) record {
	return record{typ: typ, name: name, what: what, payload: reflect.TypeFor[T]()}
}

func batch[T any](typ recordType, name, what string) record {
	return record{typ: typ, name: name, what: what, payload: reflect.TypeFor[[]T](), batch: true}
}

func listOf(typ recordType, name, what string, get func(*format.Image) any) record {
	return record{
		typ: typ, name: name, what: what, list: get, batch: true,
		payload: reflect.TypeOf(get(&format.Image{})).Elem(),
	}
}

// wireType is how the payload is encoded.
func (r *record) wireType() *wire.Type { return wire.Of(r.payload) }

// rank orders records in a file; those of page groups alternate.
func (t recordType) rank() recordType {
	if t == typeChunks || t == typeRuns {
		return typePages
	}
	return t
}

// RecordInfo describes a record type, for documentation.
type RecordInfo struct {
	Type uint16
	Name string
	// Summary of what it holds.
	Summary string
	// Payload is the Go type of the payload; nil for padding.
	Payload reflect.Type
	// List says that the payload is an array.
	List bool
}

// Records lists the record types of the newest version in the order in which they
// stand in a file.
func Records() []RecordInfo {
	var infos []RecordInfo
	for _, r := range records() {
		infos = append(infos, RecordInfo{uint16(r.typ), r.name, r.what, r.payload, r.batch})
	}
	return infos
}
