// Package core writes processes of an image as ELF core files, for debuggers:
// what the Linux kernel writes when it kills a process (fs/binfmt_elf.c,
// elf_core_dump; core(5)). The format is only written. Nothing of a process but
// its memory, its threads' registers and a few facts about it has a place in a
// core file; all else is a loss.
//
// One process becomes a file, several a directory of files core.TGID. Pages go
// through in pieces of [pieceBytes]; what is kept is one list of page runs for each
// object that the process maps.
//
// spec/core.md says what stands where.
package core
