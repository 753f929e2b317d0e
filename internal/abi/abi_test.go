package abi

import (
	"testing"
	"unsafe"
)

// The numbers are what gcc 12 says with the headers of Linux 6.1 (amd64).
func TestLayout(t *testing.T) {
	tests := []struct {
		name      string
		got, want uintptr
	}{
		{"clone_args", unsafe.Sizeof(CloneArgs{}), 88},
		{"clone_args const", CloneArgsSize, 88},
		{"clone_args.exit_signal", unsafe.Offsetof(CloneArgs{}.ExitSignal), 32},
		{"clone_args.set_tid", unsafe.Offsetof(CloneArgs{}.SetTID), 64},
		{"clone_args.cgroup", unsafe.Offsetof(CloneArgs{}.Cgroup), 80},
		{"prctl_mm_map", unsafe.Sizeof(PrctlMMMap{}), 104},
		{"prctl_mm_map const", PrctlMMMapSize, 104},
		{"prctl_mm_map.auxv", unsafe.Offsetof(PrctlMMMap{}.Auxv), 88},
		{"prctl_mm_map.auxv_size", unsafe.Offsetof(PrctlMMMap{}.AuxvSize), 96},
		{"prctl_mm_map.exe_fd", unsafe.Offsetof(PrctlMMMap{}.ExeFD), 100},
		{"rseq", unsafe.Sizeof(Rseq{}), 32},
		{"rseq.rseq_cs", unsafe.Offsetof(Rseq{}.RseqCS), 8},
		{"rseq.rseq_cs const", RseqCSOffset, 8},
		{"rseq.flags", unsafe.Offsetof(Rseq{}.Flags), 16},
		{"rseq_cs", unsafe.Sizeof(RseqCS{}), 32},
		{"rseq_cs.start_ip", unsafe.Offsetof(RseqCS{}.StartIP), 8},
		{"rseq_cs.post_commit_offset", unsafe.Offsetof(RseqCS{}.PostCommit), 16},
		{"rseq_cs.abort_ip", unsafe.Offsetof(RseqCS{}.AbortIP), 24},
		{"kcmp_epoll_slot", unsafe.Sizeof(KcmpEpollSlot{}), 12},
		{"kcmp_epoll_slot.toff", unsafe.Offsetof(KcmpEpollSlot{}.TOff), 8},
		{"user_regs_struct", unsafe.Sizeof(UserRegs{}), 216},
		{"user_regs_struct.orig_rax", unsafe.Offsetof(UserRegs{}.OrigRAX), 120},
		{"user_regs_struct.rip", unsafe.Offsetof(UserRegs{}.RIP), 128},
		{"user_regs_struct.rsp", unsafe.Offsetof(UserRegs{}.RSP), 152},
		{"user_regs_struct.fs_base", unsafe.Offsetof(UserRegs{}.FSBase), 168},
		{"user_regs_struct.gs", unsafe.Offsetof(UserRegs{}.GS), 208},
		{"ptrace_peeksiginfo_args", unsafe.Sizeof(PeekSigInfoArgs{}), 16},
		{"ptrace_peeksiginfo_args.nr", unsafe.Offsetof(PeekSigInfoArgs{}.Nr), 12},
		{"ptrace_rseq_configuration", unsafe.Sizeof(RseqConfiguration{}), 24},
		{"ptrace_rseq_configuration.signature", unsafe.Offsetof(RseqConfiguration{}.Signature), 12},
		{"ptrace_rseq_configuration.flags", unsafe.Offsetof(RseqConfiguration{}.Flags), 16},
		{"itimerval", unsafe.Sizeof(Itimerval{}), 32},
		{"itimerspec", unsafe.Sizeof(Itimerspec{}), 32},
		{"sched_attr", unsafe.Sizeof(SchedAttr{}), 56},
		{"sigaction", unsafe.Sizeof(KernelSigaction{}), 32},
		{"pm_scan_arg", unsafe.Sizeof(PmScanArg{}), 96},
		{"page_region", unsafe.Sizeof(PageRegion{}), 24},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s = %d, the C compiler says %d", tt.name, tt.got, tt.want)
		}
	}
}

func TestEpollEventPacked(t *testing.T) {
	if got := unsafe.Sizeof(EpollEvent{}); got != EpollEventSize {
		t.Errorf("epoll_event = %d bytes, constant says %d", got, EpollEventSize)
	}
}
