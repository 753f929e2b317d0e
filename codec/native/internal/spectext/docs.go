package spectext

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
)

// docs is what the sources say of types and fields.
type docs struct {
	// types and fields have the words of comments; a field's key is TYPE.FIELD.
	types, fields map[string]string
	// values of named types, in order of declaration.
	values map[string][]value
}

// value is a constant of a named type.
type value struct{ text, doc string }

func readDocs(dirs ...string) (*docs, error) {
	d := &docs{types: map[string]string{}, fields: map[string]string{}, values: map[string][]value{}}
	for _, dir := range dirs {
		fset := token.NewFileSet()
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, fmt.Errorf("read comments: %w", err)
		}
		var files []*ast.File
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			if err != nil {
				return nil, fmt.Errorf("read comments: %w", err)
			}
			files = append(files, f)
		}
		d.addPackage(fset, files)
	}
	return d, nil
}

func (d *docs) addPackage(fset *token.FileSet, files []*ast.File) {
	// Imports are left unresolved: constants need none.
	conf := types.Config{Error: func(error) {}, IgnoreFuncBodies: true}
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}}
	conf.Check("", fset, files, info) //nolint:errcheck // unresolved imports are errors
	for _, f := range files {
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					d.addType(g, s)
				case *ast.ValueSpec:
					d.addConst(info, s)
				}
			}
		}
	}
}

func (d *docs) addType(g *ast.GenDecl, s *ast.TypeSpec) {
	d.types[s.Name.Name] = words(g.Doc, s.Doc)
	st, ok := s.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range st.Fields.List {
		for _, n := range f.Names {
			d.fields[s.Name.Name+"."+n.Name] = words(f.Doc, f.Comment)
		}
	}
}

// addConst notes constants of string types, and of flags by their names.
func (d *docs) addConst(info *types.Info, s *ast.ValueSpec) {
	for _, n := range s.Names {
		c, ok := info.Defs[n].(*types.Const)
		if !ok {
			continue
		}
		named, ok := c.Type().(*types.Named)
		if !ok {
			continue
		}
		key := named.Obj().Name()
		var text string
		switch {
		case c.Val().Kind() == constant.String:
			text = constant.StringVal(c.Val())
		case key == "VMAFlags" || key == "Prot":
			v, _ := constant.Uint64Val(c.Val())
			text = fmt.Sprintf("%#x", v)
		default:
			continue // signals and the like, which everybody knows
		}
		d.values[key] = append(d.values[key], value{text, words(s.Doc, s.Comment)})
	}
}

// words is the text of comments in one line, fit for a table.
func words(groups ...*ast.CommentGroup) string {
	var parts []string
	for _, g := range groups {
		if g != nil {
			parts = append(parts, strings.Fields(g.Text())...)
		}
	}
	return strings.NewReplacer("|", `\|`, "[", "", "]", "").Replace(strings.Join(parts, " "))
}
