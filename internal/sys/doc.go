// Package sys wraps the Linux system calls that capture and restore need, and
// is the only package beside internal/abi that imports golang.org/x/sys/unix.
//
// Errors name the call and its object ([Error], or *os.PathError for paths)
// and unwrap to the errno. Calls that a signal may interrupt are repeated.
//
// ptrace answers only the thread that attached: see [Tracer].
package sys
