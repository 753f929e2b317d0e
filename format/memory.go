package format

// AddressSpace is a process's memory (the kernel's mm_struct). Its pages are
// found in the image's PageSource under its id, numbered by address.
type AddressSpace struct {
	ID ObjectID `json:"id"`
	// VMAs are ordered by address and disjoint.
	VMAs []VMA `json:"vmas"`
	// Guards are the pages inside VMAs that raise SIGSEGV
	// (madvise(MADV_GUARD_INSTALL)), ordered and disjoint.
	Guards []PageSpan `json:"guards,omitempty"`
	// Code, data, heap, stack and argument addresses (prctl(PR_SET_MM_MAP)).
	StartCode  Addr `json:"start_code,omitempty"`
	EndCode    Addr `json:"end_code,omitempty"`
	StartData  Addr `json:"start_data,omitempty"`
	EndData    Addr `json:"end_data,omitempty"`
	StartBrk   Addr `json:"start_brk,omitempty"`
	Brk        Addr `json:"brk,omitempty"`
	StartStack Addr `json:"start_stack,omitempty"`
	ArgStart   Addr `json:"arg_start,omitempty"`
	ArgEnd     Addr `json:"arg_end,omitempty"`
	EnvStart   Addr `json:"env_start,omitempty"`
	EnvEnd     Addr `json:"env_end,omitempty"`
	// Auxv is /proc/PID/auxv: pairs of type and value, AT_NULL included.
	Auxv []uint64 `json:"auxv,omitempty"`
	// Exe is the file behind /proc/PID/exe.
	Exe FileRef `json:"exe,omitzero"`
	// Dumpable as of prctl(PR_GET_DUMPABLE): 0, 1 or 2.
	Dumpable uint8 `json:"dumpable,omitempty"`
	// NoTHP as of prctl(PR_SET_THP_DISABLE).
	NoTHP bool `json:"no_thp,omitempty"`
	// THPAdvised says that NoTHP does not hold where huge pages were asked for
	// (PR_THP_DISABLE_EXCEPT_ADVISED, Linux 6.18).
	THPAdvised bool `json:"thp_advised,omitempty"`
	// MDWE as of prctl(PR_GET_MDWE): 1 PR_MDWE_REFUSE_EXEC_GAIN, 2
	// PR_MDWE_NO_INHERIT.
	MDWE uint8 `json:"mdwe,omitempty"`
	// MergeAny as of prctl(PR_SET_MEMORY_MERGE).
	MergeAny bool `json:"merge_any,omitempty"`
	// Membarriers are the memory barriers registered for.
	Membarriers Membarriers `json:"membarriers,omitempty"`
	// VDSO identifies the kernel's vdso code: SHA-256 of its pages.
	VDSO []byte `json:"vdso,omitempty"`
	// VDSOLayout is what VDSOLayout gives of that code.
	VDSOLayout []byte `json:"vdso_layout,omitempty"`
	// CoreFilter as in /proc/PID/coredump_filter.
	CoreFilter uint32 `json:"core_filter,omitempty"`
}

// VMAKind says what is behind a range of addresses.
type VMAKind string

// The kinds of VMAs.
const (
	VMAAnon     VMAKind = "anon"     // private anonymous
	VMAFile     VMAKind = "file"     // a file, private or shared
	VMAShared   VMAKind = "shared"   // a SharedMemory: anonymous, memfd, System V
	VMAStack    VMAKind = "stack"    // private anonymous, grows down
	VMAHeap     VMAKind = "heap"     // private anonymous, the brk area
	VMAVDSO     VMAKind = "vdso"     // kernel code
	VMAVVar     VMAKind = "vvar"     // kernel data beside it, also vvar_vclock
	VMAVSyscall VMAKind = "vsyscall" // at its fixed address, never restored
)

// Prot is what an access to memory may do.
type Prot uint8

// The bits of mmap(2)'s prot.
const (
	ProtRead  Prot = 1
	ProtWrite Prot = 2
	ProtExec  Prot = 4
)

// String gives the protection as in /proc/PID/maps, "rw-".
func (p Prot) String() string {
	b := []byte("---")
	for i, c := range "rwx" {
		if p&(1<<i) != 0 {
			b[i] = byte(c)
		}
	}
	return string(b)
}

// VMA is a range of addresses with one kind of backing.
type VMA struct {
	Start Addr    `json:"start"`
	End   Addr    `json:"end"`
	Prot  Prot    `json:"prot"`
	Kind  VMAKind `json:"kind"`
	// SharedMap is MAP_SHARED; private otherwise.
	SharedMap bool `json:"shared,omitempty"`
	// Offset into the file or shared object in bytes.
	Offset uint64 `json:"offset,omitempty"`
	// File backs a VMAFile, Shared a VMAShared.
	File   FileRef  `json:"file,omitzero"`
	Shared ObjectID `json:"shared_memory,omitempty"`
	// Name is what /proc/PID/maps shows for special and named areas.
	Name  string   `json:"name,omitempty"`
	Flags VMAFlags `json:"flags,omitempty"`
}

// Pages is the number of pages in the range.
func (v *VMA) Pages() uint64 { return uint64(v.End-v.Start) / PageSize }

// Private says whether the VMA can hold pages of its own.
func (v *VMA) Private() bool { return !v.SharedMap && !v.Special() }

// Special says whether the kernel provides the contents.
func (v *VMA) Special() bool {
	return v.Kind == VMAVDSO || v.Kind == VMAVVar || v.Kind == VMAVSyscall
}

// VMAFlags are properties of a VMA that outlive its creation, from VmFlags in
// /proc/PID/smaps (proc(5)).
type VMAFlags uint32

// The flags, with the letters smaps gives them.
const (
	VMAGrowsDown   VMAFlags = 1 << iota // gd
	VMALocked                           // lo
	VMALockOnFault                      // lf
	VMAHuge                             // hg: MADV_HUGEPAGE
	VMANoHuge                           // nh: MADV_NOHUGEPAGE
	VMADontFork                         // dc: MADV_DONTFORK
	VMADontDump                         // dd: MADV_DONTDUMP
	VMAWipeOnFork                       // wf: MADV_WIPEONFORK
	VMASequential                       // sr: MADV_SEQUENTIAL
	VMARandom                           // rr: MADV_RANDOM
	VMAMergeable                        // mg: MADV_MERGEABLE
	VMANoReserve                        // nr: MAP_NORESERVE
	VMASealed                           // sl: mseal(2)
	VMAHugeTLB                          // ht: MAP_HUGETLB
	VMAUffdMissing                      // um
	VMAUffdWP                           // uw
	VMAIO                               // io: device memory
	VMAPFNMap                           // pf
	VMAAccount                          // ac: counted against the commit limit
	VMASync                             // sf: MAP_SYNC
	VMAShadowStack                      // ss
)

// PageSpan is a range of addresses, in whole pages.
type PageSpan struct {
	Start Addr `json:"start"`
	End   Addr `json:"end"`
}

// FileRef identifies a file by path and by what it was when frozen.
type FileRef struct {
	// Path is absolute, as seen from the image's root.
	Path string `json:"path"`
	// Device and Inode on the machine that captured, to tell files apart.
	Device uint64 `json:"device,omitempty"`
	Inode  uint64 `json:"inode,omitempty"`
	// Size in bytes, Mode as of stat(2), MTime in nanoseconds since 1970.
	Size  uint64 `json:"size,omitempty"`
	Mode  uint32 `json:"mode,omitempty"`
	MTime int64  `json:"mtime,omitempty"`
	// BuildID is the ELF build id of a program or library.
	BuildID []byte `json:"build_id,omitempty"`
	// SHA256 is the digest of a regular file's contents, 32 bytes; empty where
	// nobody read them.
	SHA256 []byte `json:"sha256,omitempty"`
	// Deleted names the object that holds the contents of an unlinked file.
	Deleted ObjectID `json:"deleted,omitempty"`
}

// SharedKind says how shared memory was made.
type SharedKind string

// The kinds of shared memory.
const (
	SharedAnon  SharedKind = "anon"  // mmap(MAP_SHARED|MAP_ANONYMOUS)
	SharedMemfd SharedKind = "memfd" // memfd_create(2)
	SharedSysV  SharedKind = "sysv"  // shmget(2)
)

// SharedMemory is memory that several address spaces can map. Its pages are in
// the image's PageSource under its id, numbered from its beginning.
type SharedMemory struct {
	ID   ObjectID   `json:"id"`
	Kind SharedKind `json:"kind"`
	// Size in bytes; not always a multiple of the page size.
	Size uint64 `json:"size"`
	// Name, Seals (F_GET_SEALS), MemfdFlags (memfd_create(2)), Mode and owner
	// of a memfd.
	Name       string `json:"name,omitempty"`
	Seals      uint32 `json:"seals,omitempty"`
	MemfdFlags uint32 `json:"memfd_flags,omitempty"`
	Mode       uint32 `json:"mode,omitempty"`
	UID        uint32 `json:"uid,omitempty"`
	GID        uint32 `json:"gid,omitempty"`
	// SysV is set for a System V segment.
	SysV *SysVKey `json:"sysv,omitempty"`
}

// DeletedFile is the contents of a regular file without a name, its pages in the
// image's PageSource under its id, or a directory without one, which is empty.
type DeletedFile struct {
	ID   ObjectID `json:"id"`
	Path string   `json:"path"`
	Size uint64   `json:"size"`
	Mode uint32   `json:"mode"`
	UID  uint32   `json:"uid"`
	GID  uint32   `json:"gid"`
	// Links is how many other names the file still has; one of them is Link.
	Links uint32 `json:"links,omitempty"`
	Link  string `json:"link,omitempty"`
}
