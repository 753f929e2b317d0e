// Package crypt opens images that are encrypted with age, and writes them
// (<https://age-encryption.org/v1>).
//
//	age-encryption.org/v1
//	-> X25519 …            the key of the file, wrapped to each recipient
//	--- …                  authentication of the header
//	payload                chunks of 64 KiB, each authenticated
//
// An encrypted image is an envelope like an archive: what is in it is found out
// and opened as if it lay there plain. It is decrypted where it is read, chunk by
// chunk, at random where the file can be read at random; the image is never held
// whole, and nothing of it is written to disk.
//
// # Security
//
// Each chunk is authenticated before a byte of it is used, and the last one, which
// says how long the file is, before anything else. But age says nothing about who
// encrypted a file: anybody can who knows the recipient. That is what seals are
// for, over the encrypted file (package seal).
package crypt
