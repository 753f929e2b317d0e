package buildid

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// elf is a file with one note segment.
func elf(notes []byte) []byte {
	b := make([]byte, headerSize+programSize, 512)
	le := binary.LittleEndian
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint64(b[32:], headerSize)
	le.PutUint16(b[54:], programSize)
	le.PutUint16(b[56:], 1)
	p := b[headerSize:]
	le.PutUint32(p, ptNote)
	le.PutUint64(p[8:], uint64(len(b)))
	le.PutUint64(p[32:], uint64(len(notes)))
	return append(b, notes...)
}

func note(kind uint32, name string, desc []byte) []byte {
	var b []byte
	b = binary.LittleEndian.AppendUint32(b, uint32(len(name)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(desc)))
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = append(b, name...)
	return append(b, desc...)
}

func TestRead(t *testing.T) {
	id := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	other := note(1, "GNU\x00", []byte("abcd"))
	tests := []struct {
		name string
		file []byte
		want []byte
	}{
		{"only note", elf(note(noteBuildID, "GNU\x00", id)), id},
		{"second note", elf(append(other, note(noteBuildID, "GNU\x00", id)...)), id},
		{"another's note", elf(note(noteBuildID, "XYZ\x00", id)), nil},
		{"no notes", elf(nil), nil},
		{"not ELF", []byte("#!/bin/sh\n"), nil},
		{"empty", nil, nil},
		{"note cut short", elf(note(noteBuildID, "GNU\x00", id)[:14]), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(bytes.NewReader(tt.file))
			if !bytes.Equal(got, tt.want) || (tt.want == nil) != errors.Is(err, ErrNone) {
				t.Errorf("Read = %x, %v; want %x", got, err, tt.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(elf(note(noteBuildID, "GNU\x00", []byte("12345678"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := Read(bytes.NewReader(b))
		if (id == nil) == (err == nil) {
			t.Errorf("Read = %x, %v: neither or both", id, err)
		}
	})
}
