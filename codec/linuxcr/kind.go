package linuxcr

// kind is what a record is, whatever number its generation gives it.
type kind uint8

// The kinds of records.
const (
	kNone kind = iota
	kHeader
	kHeaderArch
	kContainer
	kBuffer
	kString
	kObjref
	kLSMInfo
	kSecurity
	kPids
	kTree
	kTask
	kTaskNS
	kTaskObjs
	kRestart
	kThread
	kThreadTLS
	kCPU
	kNS
	kUTSNS
	kIPCNS
	kMntNS
	kCapabilities
	kUserNS
	kCred
	kUser
	kGroupInfo
	kTaskCreds
	kVPids
	kFPU
	kLDT
	kFileTable
	kFileDesc
	kFileName
	kFile
	kPipeBuf
	kTTY
	kTTYLdisc
	kEpollItems
	kMM
	kVMA
	kPgarr
	kHpage
	kMMContext
	kFS
	kIPC
	kShm
	kMsg
	kMsgMsg
	kSem
	kSemUndoList
	kSemUndo
	kSighand
	kSignal
	kSignalTask
	kSigPending
	kSocket
	kSockQueue
	kSockBuffer
	kSockFrag
	kSockUnix
	kSockInet
	kNetNS
	kNetDev
	kNetDevAddr
	kTail
	kError
	numKinds
)

// numbering is the number of a kind in a range of generations.
type numbering struct {
	first, last Generation
	number      uint32
}

// kindRow is a kind with its name and numbers.
type kindRow struct {
	kind    kind
	name    string
	numbers []numbering
}

// always gives a kind one number from a generation on.
func always(first Generation, number uint32) []numbering {
	return []numbering{{first, D8, number}}
}

// moved gives a kind a number that the pid objects of D6 moved up by one.
func moved(first Generation, number uint32) []numbering {
	return []numbering{{first, D5, number}, {D6, D8, number + 1}}
}

// credNumber is a number from B3 on that C3 moved up by one, and D6 again.
func credNumber(number uint32) []numbering {
	return append([]numbering{{B3, C2, number}}, moved(c3old, number+1)...)
}

// kinds are all kinds with their numbers (fact sheet, 2.6 and 2.8).
var kinds = []kindRow{
	{kHeader, "HEADER", always(A1, 1)},
	{kHeaderArch, "HEADER_ARCH", always(A2, 2)},
	{kContainer, "CONTAINER", always(C1, 3)},
	{kBuffer, "BUFFER", []numbering{{A2, B4, 3}, {C1, D8, 4}}},
	{kString, "STRING", []numbering{{A1, A1, 2}, {A2, B4, 4}, {C1, D8, 5}}},
	{kObjref, "OBJREF", []numbering{{B1, B4, 5}, {C1, D8, 6}}},
	{kLSMInfo, "LSM_INFO", always(C2, 7)},
	{kSecurity, "SECURITY", always(C2, 8)},
	{kPids, "PIDS", always(D6, 101)},
	{kTree, "TREE", moved(A3, 101)},
	{kTask, "TASK", append([]numbering{{A1, A2, 101}}, moved(A3, 102)...)},
	{kTaskNS, "TASK_NS", moved(B1, 103)},
	{kTaskObjs, "TASK_OBJS", moved(B1, 104)},
	{kRestart, "RESTART_BLOCK", moved(B1, 105)},
	{kThread, "THREAD", append([]numbering{{A1, A2, 102}, {A3, A3, 103}}, moved(B1, 106)...)},
	{kThreadTLS, "THREAD_TLS", []numbering{{B2, B2, 201}}},
	{kCPU, "CPU", append([]numbering{{A1, A2, 103}, {A3, A3, 104}}, moved(B1, 107)...)},
	{kNS, "NS", moved(B2, 108)},
	{kUTSNS, "UTS_NS", moved(B2, 109)},
	{kIPCNS, "IPC_NS", moved(B2, 110)},
	{kMntNS, "MNT_NS", moved(c3old, 111)},
	{kCapabilities, "CAPABILITIES", credNumber(111)},
	{kUserNS, "USER_NS", credNumber(112)},
	{kCred, "CRED", credNumber(113)},
	{kUser, "USER", credNumber(114)},
	{kGroupInfo, "GROUPINFO", credNumber(115)},
	{kTaskCreds, "TASK_CREDS", credNumber(116)},
	{kVPids, "VPIDS", []numbering{{D1, D2, 118}}},
	{kFPU, "CPU_FPU", []numbering{{B2, B2, 202}, {B3, D8, 201}}},
	{kLDT, "MM_CONTEXT_LDT", []numbering{{B2, B2, 203}, {B3, D8, 202}}},
	{kFileTable, "FILE_TABLE", always(A1, 301)},
	{kFileDesc, "FILE_DESC", always(A1, 302)},
	{kFileName, "FILE_NAME", []numbering{{A1, A1, 3}, {A2, A3, 5}, {B1, D8, 303}}},
	{kFile, "FILE", []numbering{{A1, A3, 303}, {B1, D8, 304}}},
	{kPipeBuf, "PIPE_BUF", always(B2, 305)},
	{kTTY, "TTY", always(B4, 306)},
	{kTTYLdisc, "TTY_LDISC", always(B4, 307)},
	{kEpollItems, "EPOLL_ITEMS", always(C1, 308)},
	{kMM, "MM", []numbering{{A1, A3, 201}, {B1, D8, 401}}},
	{kVMA, "VMA", []numbering{{A1, A3, 202}, {B1, D8, 402}}},
	{kPgarr, "PGARR", []numbering{{A1, A3, 203}, {B1, D8, 403}}},
	{kHpage, "HPAGE", always(D7, 404)},
	{kMMContext, "MM_CONTEXT", []numbering{{A1, A3, 204}, {B1, D6, 404}, {D7, D8, 405}}},
	{kFS, "FS", always(c3old, 451)},
	{kIPC, "IPC", always(B2, 501)},
	{kShm, "IPC_SHM", always(B2, 502)},
	{kMsg, "IPC_MSG", always(B2, 503)},
	{kMsgMsg, "IPC_MSG_MSG", always(B2, 504)},
	{kSem, "IPC_SEM", always(B2, 505)},
	{kSemUndoList, "TASK_SEM_UNDO_LIST", always(D4, 506)},
	{kSemUndo, "TASK_SEM_UNDO", always(D4, 507)},
	{kSighand, "SIGHAND", always(B3, 601)},
	{kSignal, "SIGNAL", always(B3, 602)},
	{kSignalTask, "SIGNAL_TASK", always(B3, 603)},
	{kSigPending, "SIGPENDING", always(B3, 604)},
	{kSocket, "SOCKET", always(B4, 701)},
	{kSockQueue, "SOCKET_QUEUE", always(B4, 702)},
	{kSockBuffer, "SOCKET_BUFFER", always(B4, 703)},
	// C2 has both numberings; the lengths tell them apart.
	{kSockFrag, "SOCKET_FRAG", always(C2, 704)},
	{kSockUnix, "SOCKET_UNIX", []numbering{{B4, C2, 704}, {C2, D8, 705}}},
	{kSockInet, "SOCKET_INET", []numbering{{B4, C2, 705}, {C2, D8, 706}}},
	{kNetNS, "NET_NS", always(D2, 707)},
	{kNetDev, "NETDEV", always(D2, 708)},
	{kNetDevAddr, "NETDEV_ADDR", always(D2, 709)},
	{kTail, "TAIL", []numbering{{A1, A3, 5001}, {B1, D8, 9001}}},
	{kError, "ERROR", always(B1, 9999)},
}

// kindNames are the names by kind.
var kindNames = func() (names [numKinds]string) {
	for _, r := range kinds {
		names[r.kind] = r.name
	}
	return names
}()

func (k kind) String() string { return kindNames[k] }

// objKind is what a shared object is.
type objKind uint8

// The kinds of objects.
const (
	oNone objKind = iota
	oPID
	oInode
	oFileTable
	oFile
	oMM
	oFS
	oSighand
	oSignal
	oNS
	oUTSNS
	oIPCNS
	oMntNS
	oUserNS
	oCred
	oUser
	oGroupInfo
	oSock
	oTTY
	oSecurityPtr
	oSecurity
	oNetNS
	oNetDev
	oSemUndo
	numObjKinds
)

// objRow is a kind of object with its name and the generations that have it.
// Numbers count from 1 in the order of this table (fact sheet, 2.7).
type objRow struct {
	kind        objKind
	name        string
	first, last Generation
	// main is the record that defines the object; kNone if an OBJREF never
	// introduces it.
	main kind
}

var objKinds = []objRow{
	{oPID, "PID", D6, D8, kNone},
	{oInode, "INODE", B1, D8, kNone},
	{oFileTable, "FILE_TABLE", B1, D8, kFileTable},
	{oFile, "FILE", B1, D8, kFile},
	{oMM, "MM", B1, D8, kMM},
	{oFS, "FS", c3old, D8, kFS},
	{oSighand, "SIGHAND", B3, D8, kSighand},
	{oSignal, "SIGNAL", B3, D8, kNone},
	{oNS, "NS", B1, D8, kNS},
	{oUTSNS, "UTS_NS", B1, D8, kUTSNS},
	{oIPCNS, "IPC_NS", B1, D8, kIPCNS},
	{oMntNS, "MNT_NS", c3old, D8, kNone},
	{oUserNS, "USER_NS", B3, D8, kUserNS},
	{oCred, "CRED", B3, D8, kCred},
	{oUser, "USER", B3, D8, kUser},
	{oGroupInfo, "GROUPINFO", B3, D8, kGroupInfo},
	{oSock, "SOCK", B4, D8, kSocket},
	{oTTY, "TTY", B4, D8, kTTY},
	{oSecurityPtr, "SECURITY_PTR", C2, D8, kNone},
	{oSecurity, "SECURITY", C2, D8, kSecurity},
	{oNetNS, "NET_NS", D2, D8, kNetNS},
	{oNetDev, "NETDEV", D2, D8, kNetDev},
	{oSemUndo, "SEM_UNDO", D4, D8, kSemUndoList},
}

func (o objKind) String() string {
	if o == oNone || int(o) > len(objKinds) {
		return "IGNORE"
	}
	return objKinds[o-1].name
}
