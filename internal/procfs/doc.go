// Package procfs reads /proc/PID (proc(5)) fast enough for trees of thousands
// of tasks: raw reads into one buffer, and parsers that work on bytes.
//
// A [Reader] reads and parses; the Parse functions take text alone, check all
// of it, and give an [Error] with the file, the line and what is wrong. Task
// numbers may be those of threads: /proc/TID serves them as well as processes,
// also when the leader is dead.
package procfs
