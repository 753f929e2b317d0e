// Package spectext writes the parts of spec/native-v1.md that follow from the
// code: tables of records, fields and values, and an annotated file.
//
//	text, err := spectext.Update(text, spectext.Sources{…})
//
// Such a part stands between two comments, "<!-- generated: NAME -->" and
// "<!-- end of NAME -->".
package spectext

import (
	"bytes"
	"fmt"
)

// Sources are the files that the text is made from.
type Sources struct {
	// Format and Native are the directories of the packages that declare the
	// payloads; their comments explain fields.
	Format, Native string
	// Example is an image file.
	Example string
}

// Update gives text with its generated parts made anew.
func Update(text []byte, src Sources) ([]byte, error) {
	docs, err := readDocs(src.Format, src.Native)
	if err != nil {
		return nil, err
	}
	example, err := annotate(src.Example)
	if err != nil {
		return nil, err
	}
	for _, part := range []struct{ name, text string }{
		{"records", recordTable()},
		{"fields", fieldTables(docs)},
		{"example", example},
	} {
		if text, err = replace(text, part.name, part.text); err != nil {
			return nil, err
		}
	}
	return text, nil
}

func replace(text []byte, name, part string) ([]byte, error) {
	begin := fmt.Appendf(nil, "<!-- generated: %s -->\n", name)
	end := fmt.Appendf(nil, "<!-- end of %s -->", name)
	before, rest, ok := bytes.Cut(text, begin)
	_, after, ok2 := bytes.Cut(rest, end)
	if !ok || !ok2 {
		return nil, fmt.Errorf("the text has no part %q", name)
	}
	return bytes.Join([][]byte{before, begin, []byte("\n" + part + "\n"), end, after}, nil), nil
}
