package format

import (
	"cmp"
	"slices"
)

// PageSize is the page size of all memory in an image, in bytes. Images of
// other page sizes are refused by their codecs.
const PageSize = 4096

// An Image is a frozen process tree.
type Image struct {
	Provenance Provenance `json:"provenance"`
	// Root is the process whose descendants the image holds.
	Root PID `json:"root"`
	// Tasks stand in the order of restart; the first is the coordinator.
	Tasks   []Task  `json:"tasks"`
	Objects Objects `json:"objects"`
	// Attachments are records that the model has no word for.
	Attachments []Attachment `json:"attachments,omitempty"`
	// Warnings say what the source could not tell.
	Warnings []Warning `json:"warnings,omitempty"`
	// Containers are those that the tree was in, where the image was found in a
	// checkpoint of some; mostly one.
	Containers []Container `json:"containers,omitempty"`

	// Pages holds the contents of memory; nil if the image has none.
	Pages PageSource `json:"-"`
}

// Provenance says where an image comes from.
type Provenance struct {
	// Tool and ToolVersion wrote the image.
	Tool        string `json:"tool,omitempty"`
	ToolVersion string `json:"tool_version,omitempty"`
	// Format and FormatVersion are those of the file it was read from.
	Format        string `json:"format,omitempty"`
	FormatVersion string `json:"format_version,omitempty"`
	// Kernel is the release as uname(2) gives it, and Arch the machine in Go's
	// spelling (amd64, arm64, 386, s390x, …).
	Kernel   string `json:"kernel,omitempty"`
	Arch     string `json:"arch"`
	PageSize uint32 `json:"page_size"`
	Host     string `json:"host,omitempty"`
	// Time is the moment of the freeze in nanoseconds since 1970, UTC, and
	// Boottime the same moment on CLOCK_BOOTTIME.
	Time     int64 `json:"time,omitempty"`
	Boottime int64 `json:"boottime,omitempty"`
}

// Objects holds what tasks share, a list for each kind. Each list is ordered by
// id, and no id occurs twice in all lists together.
type Objects struct {
	Processes  []Process        `json:"processes,omitempty"`
	Memories   []AddressSpace   `json:"memories,omitempty"`
	Shared     []SharedMemory   `json:"shared_memory,omitempty"`
	FileTables []FileTable      `json:"file_tables,omitempty"`
	Files      []OpenFile       `json:"files,omitempty"`
	Pipes      []PipeBuffer     `json:"pipes,omitempty"`
	Deleted    []DeletedFile    `json:"deleted_files,omitempty"`
	FS         []FS             `json:"fs,omitempty"`
	Handlers   []SignalHandlers `json:"handlers,omitempty"`
	Creds      []Credentials    `json:"credentials,omitempty"`
	Terminals  []Terminal       `json:"terminals,omitempty"`
	Semaphores []SysVSemaphores `json:"sysv_semaphores,omitempty"`
	Messages   []SysVMessages   `json:"sysv_messages,omitempty"`
	Namespaces []Namespace      `json:"namespaces,omitempty"`
	Seccomp    []SeccompFilter  `json:"seccomp_filters,omitempty"`
	Cgroups    []Cgroup         `json:"cgroups,omitempty"`
}

// Sort puts every list in order of its ids.
func (o *Objects) Sort() {
	sortByID(o.Processes, func(v *Process) ObjectID { return v.ID })
	sortByID(o.Memories, func(v *AddressSpace) ObjectID { return v.ID })
	sortByID(o.Shared, func(v *SharedMemory) ObjectID { return v.ID })
	sortByID(o.FileTables, func(v *FileTable) ObjectID { return v.ID })
	sortByID(o.Files, func(v *OpenFile) ObjectID { return v.ID })
	sortByID(o.Pipes, func(v *PipeBuffer) ObjectID { return v.ID })
	sortByID(o.Deleted, func(v *DeletedFile) ObjectID { return v.ID })
	sortByID(o.FS, func(v *FS) ObjectID { return v.ID })
	sortByID(o.Handlers, func(v *SignalHandlers) ObjectID { return v.ID })
	sortByID(o.Creds, func(v *Credentials) ObjectID { return v.ID })
	sortByID(o.Terminals, func(v *Terminal) ObjectID { return v.ID })
	sortByID(o.Semaphores, func(v *SysVSemaphores) ObjectID { return v.ID })
	sortByID(o.Messages, func(v *SysVMessages) ObjectID { return v.ID })
	sortByID(o.Namespaces, func(v *Namespace) ObjectID { return v.ID })
	sortByID(o.Seccomp, func(v *SeccompFilter) ObjectID { return v.ID })
	sortByID(o.Cgroups, func(v *Cgroup) ObjectID { return v.ID })
}

func sortByID[T any](list []T, id func(*T) ObjectID) {
	for i := 1; i < len(list); i++ {
		if id(&list[i-1]) > id(&list[i]) { // seldom, and sorting costs time even if there is nothing to do
			slices.SortFunc(list, func(a, b T) int { return cmp.Compare(id(&a), id(&b)) })
			return
		}
	}
}

// Attachment is an opaque record of a source format, kept so that writing the
// same format again loses nothing.
type Attachment struct {
	// Format names the codec that understands the record.
	Format string `json:"format"`
	// Record is the codec's name of the record, and Place where it stood.
	Record string `json:"record"`
	Place  string `json:"place,omitempty"`
	// Task and Object say what it belongs to; zero if to the image.
	Task   PID      `json:"task,omitempty"`
	Object ObjectID `json:"object,omitempty"`
	// Role says what it means that a restore does not use the record.
	Role AttachmentRole `json:"role,omitempty"`
	Data []byte         `json:"data,omitempty"`
}

// AttachmentRole says what it means that a restore does not use a record.
type AttachmentRole string

// The roles. The zero value is state that a restore leaves out.
const (
	// AttachmentBytes is nothing but what writing the source format again, byte
	// for byte, takes: no state.
	AttachmentBytes AttachmentRole = "bytes"
	// AttachmentVital is state that a task cannot go on without.
	AttachmentVital AttachmentRole = "vital"
)

// Warning says what a source format or a capture could not express.
type Warning struct {
	Task    PID    `json:"task,omitempty"`
	Message string `json:"message"`
}
