package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/internal/golden"

	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/thaw-cr/thaw/codec/linuxcr"
	"github.com/thaw-cr/thaw/codec/seal"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/restore/plan"
	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/host"
)

// TestGenerated compares the files that are made from the commands with what
// the commands say now; with -update it makes them. The generators stand here
// and not in the command because their libraries cost every start of it half a
// millisecond.
func TestGenerated(t *testing.T) {
	want := map[string][]byte{"docs/cli.md": referencePage(t)}
	for name, page := range manPages(t) {
		want["docs/man/"+name] = page
	}
	for name, v := range schemas {
		want["spec/"+name+".schema.json"] = schemaOf(t, name, v)
	}
	for name, content := range want {
		t.Run(strings.ReplaceAll(name, "/", "_"), func(t *testing.T) {
			golden.Set{Update: update, How: "make generate"}.Check(t, filepath.Join("../..", name), content)
		})
	}
}

// TestNothingStale finds generated files whose command or document is gone.
func TestNothingStale(t *testing.T) {
	pages := manPages(t)
	files, err := filepath.Glob("../../docs/man/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d pages", err, len(files))
	}
	for _, f := range files {
		if pages[filepath.Base(f)] == nil {
			t.Errorf("%s belongs to no command", f)
		}
	}
}

// commands are all that have a page, the root first.
func commands(t *testing.T) []*cobra.Command {
	t.Helper()
	root := newRootCommand(newApp(streams{}, nil))
	root.DisableAutoGenTag = true
	root.InitDefaultCompletionCmd("completion")
	list := []*cobra.Command{root}
	for i := 0; i < len(list); i++ {
		for _, c := range list[i].Commands() {
			if !c.Hidden && c.Name() != "help" {
				list = append(list, c)
			}
		}
	}
	return list
}

func manPages(t *testing.T) map[string][]byte {
	t.Helper()
	pages := map[string][]byte{}
	for _, c := range commands(t) {
		var page bytes.Buffer
		header := &doc.GenManHeader{Section: "1", Source: "thaw " + version, Manual: "Thaw", Date: &time.Time{}}
		if err := doc.GenMan(c, header, &page); err != nil {
			t.Fatal(err)
		}
		// The zero date, so that pages change only with their commands.
		undated := bytes.Replace(page.Bytes(), []byte(`"Jan 0001"`), []byte(`""`), 1)
		pages[strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"] = undated
	}
	return pages
}

// referencePage is every command's help in one page.
func referencePage(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("# The command line\n\nMade from the commands by `make generate`; the same is in `docs/man` as manual pages.\n")
	for _, c := range commands(t) {
		if c.HasParent() && c.Parent().Name() == "completion" {
			continue // one shell's installation notes each
		}
		c.InitDefaultHelpFlag()
		fmt.Fprintf(&b, "\n## %s\n\n```\n%s\n\n%s```\n", c.CommandPath(), strings.TrimSpace(c.Long), c.UsageString())
	}
	return b.Bytes()
}

// schemas are the documents that --json prints, by the name of their schema.
// That of findings is in package validate.
var schemas = map[string]any{
	"image":    format.Image{},
	"plan":     plan.Plan{},
	"capture":  captureJSON{},
	"commands": []dump.Command{},
	"convert":  convertJSON{},
	"memory":   dump.View{},
	"search":   dump.Matches{},
	"records":  []linuxcr.Record{},
	"restore":  restoreJSON{},
	"seal":     seal.Manifest{},
	"sealed":   sealJSON{},

	"host-facts":  host.Facts{},
	"host-matrix": matrixJSON{},

	"formats": []formatJSON{},
	"version": versionJSON{},
	"error":   errorJSON{},
	"rule":    validate.Rule{},
	"family":  familyJSON{},
	"rules":   []validate.Rule{},
}

// schemaOf is the JSON schema of v.
func schemaOf(t *testing.T, name string, v any) []byte {
	t.Helper()
	r := &jsonschema.Reflector{
		Anonymous:                 true,
		ExpandedStruct:            reflect.TypeOf(v).Kind() == reflect.Struct,
		AllowAdditionalProperties: false,
		Mapper:                    mapType,
	}
	s := r.Reflect(v)
	s.Title = "thaw: " + name
	for _, def := range s.Definitions {
		allowNull(def)
	}
	allowNull(s)
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// allowNull lets the lists of an object that are always there be null, as an
// invalid image's may be.
func allowNull(s *jsonschema.Schema) {
	for _, name := range s.Required {
		p, ok := s.Properties.Get(name)
		if !ok || (p.Type != "array" && p.ContentEncoding == "") {
			continue
		}
		list := *p
		*p = jsonschema.Schema{AnyOf: []*jsonschema.Schema{&list, {Type: "null"}}}
	}
}

// mapType gives the schema of the types that print themselves.
func mapType(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[host.Hex]():
		return &jsonschema.Schema{Type: "string", Pattern: "^([0-9a-f]{2})*$"}
	case reflect.TypeFor[format.Addr](), reflect.TypeFor[format.SignalSet]():
		return &jsonschema.Schema{Type: "string", Pattern: "^0x[0-9a-f]+$"}
	}
	return nil
}
