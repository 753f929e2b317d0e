// Package abi holds structures and constants of the Linux kernel's user space
// interface, in the kernel's layout. It makes no system call.
//
// Each structure names its header and begins with structs.HostLayout; the
// tests compare sizes and offsets with what a C compiler says. Numbers that
// golang.org/x/sys/unix has are taken from there, so that other packages need
// not import it.
package abi
