package dump

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/thaw-cr/thaw/format"
)

// insideLine says in a line what containers the tree was in.
func (p *Printer) insideLine() string {
	if len(p.img.Containers) == 0 {
		return ""
	}
	c := &p.img.Containers[0]
	line := joinSet(", ", "container "+containerName(c), prefixed("image ", Clean(c.Image)), engineWords(c),
		prefixed("created ", timeWords(c.Created)), prefixed("pod ", Clean(c.Pod)))
	return line + prefixed(" and ", ifAny(len(p.img.Containers)-1, "more", "more"))
}

// containerName is a name, or as much of the id as people say.
func containerName(c *format.Container) string {
	if c.Name != "" {
		return Clean(c.Name)
	}
	return Clean(c.ID[:min(len(c.ID), 12)])
}

func engineWords(c *format.Container) string {
	return joinSet(" ", Clean(c.Engine), Clean(c.EngineVersion))
}

// timeWords is a moment in words; empty for none.
func timeWords(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05 UTC")
}

// Containers prints what is known of the containers that the tree was in.
func (p *Printer) Containers() error {
	if len(p.img.Containers) == 0 {
		p.printf("The image does not say that the tree was in a container.\n")
	}
	for i := range p.img.Containers {
		if i > 0 {
			p.printf("\n")
		}
		if err := p.container(&p.img.Containers[i]); err != nil {
			return err
		}
	}
	return p.out.Flush()
}

func (p *Printer) container(c *format.Container) error {
	p.printf("%s\n", p.paint("container "+containerName(c), text.Bold))
	for _, l := range containerLines(c) {
		if l[1] != "" {
			p.printf("%s  %s\n", p.paint(fmt.Sprintf("%-10s", l[0]), text.Bold), l[1])
		}
	}
	for _, part := range []struct {
		title string
		rows  int
		table *Table
	}{
		{"mounts", len(c.Mounts), mountTable(c.Mounts)},
		{"mounts of places that the engine makes", len(c.External), mountTable(c.External)},
		{"devices", len(c.Devices), deviceTable(c.Devices)},
		{"hooks", len(c.Hooks), hookTable(c.Hooks)},
		{"annotations", len(c.Annotations), annotationTable(c.Annotations)},
		{"changed in its image", len(c.Changed), fileTable(c.Changed)},
		{"deleted of its image", len(c.Deleted), nameTable(c.Deleted)},
		{"beside the images of the tree", len(c.Members), fileTable(c.Members)},
	} {
		if part.rows == 0 {
			continue
		}
		p.printf("\n%s\n", p.paint(part.title, text.Bold))
		if err := part.table.Write(p.out, p.opts); err != nil {
			return err
		}
	}
	return nil
}

// containerLines are the facts that take a line each.
func containerLines(c *format.Container) [][2]string {
	namespaces := make([]string, len(c.Namespaces))
	for i, n := range c.Namespaces {
		namespaces[i] = joinSet(" of ", Clean(n.Type), Clean(n.Path))
	}
	root := Clean(c.Root)
	if c.RootReadonly {
		root += " (read only)"
	}
	privileged := ""
	if c.Privileged {
		privileged = "yes"
	}
	return [][2]string{
		{"id", Clean(c.ID)},
		{"image", joinSet(", ", Clean(c.Image), Clean(c.ImageDigest))},
		{"engine", joinSet(", ", engineWords(c), prefixed("CRIU ", criuVersion(c.CRIUVersion)))},
		{"runtime", joinSet(", ", Clean(c.Runtime), Clean(strings.ReplaceAll(strings.TrimSpace(c.RuntimeVersion), "\n", ", ")))},
		{"created", timeWords(c.Created)},
		{"started", timeWords(c.Started)},
		{"checkpoint", timeWords(c.Checkpointed)},
		{"pod", Clean(c.Pod)},
		{"address", Clean(c.IP)},
		{"host name", Clean(c.HostName)},
		{"command", quoteAll(c.Args)},
		{"env", quoteAll(c.Env)},
		{"directory", Clean(c.Cwd)},
		{"user", Clean(c.User)},
		{"root", root},
		{"cgroup", Clean(c.CgroupsPath)},
		{"may", Clean(strings.Join(c.Capabilities, " "))},
		{"privileged", privileged},
		{"namespaces", strings.Join(namespaces, ", ")},
	}
}

// criuVersion makes 4.3 of 40300, as CRIU numbers its versions
// (criu: Makefile.versions), and leaves others as they are.
func criuVersion(s string) string {
	n := 0
	if _, err := fmt.Sscanf(s, "%d", &n); err != nil || fmt.Sprint(n) != s || n < 10000 {
		return Clean(s)
	}
	v := fmt.Sprintf("%d.%d", n/10000, n/100%100)
	if sub := n % 100; sub != 0 {
		v += fmt.Sprintf(".%d", sub)
	}
	return v
}

// quoteAll joins words, those with blanks in quotes.
func quoteAll(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = Clean(w)
		if strings.ContainsAny(w, " \t\n'\"") || w == "" {
			out[i] = "'" + strings.ReplaceAll(out[i], "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

func mountTable(mounts []format.ContainerMount) *Table {
	t := NewTable("WHERE", "TYPE", "SOURCE", "OPTIONS")
	for _, m := range mounts {
		t.Add(Clean(m.Destination), Clean(m.Type), Clean(m.Source), Clean(strings.Join(m.Options, ",")))
	}
	return t
}

func deviceTable(devices []format.ContainerDevice) *Table {
	t := NewTable("PATH", "TYPE", "NUMBER")
	for _, d := range devices {
		t.Add(Clean(d.Path), Clean(d.Type), fmt.Sprintf("%d:%d", d.Major, d.Minor))
	}
	return t
}

func hookTable(hooks []format.ContainerHook) *Table {
	t := NewTable("WHEN", "PROGRAM", "ARGUMENTS")
	for _, h := range hooks {
		t.Add(Clean(h.When), Clean(h.Path), quoteAll(h.Args))
	}
	return t
}

func annotationTable(list []format.Annotation) *Table {
	t := NewTable("KEY", "VALUE")
	for _, a := range list {
		t.Add(Clean(a.Key), Clean(a.Value))
	}
	return t
}

func nameTable(names []string) *Table {
	t := NewTable("NAME")
	for _, n := range names {
		t.Add(Clean(n))
	}
	return t
}

func fileTable(files []format.ContainerFile) *Table {
	t := NewTable("MODE", "OWNER", ">SIZE", "NAME")
	for i := range files {
		f := &files[i]
		name := Clean(f.Name)
		if f.Link != "" {
			name += " -> " + Clean(f.Link)
		}
		size := fmt.Sprint(f.Size)
		if f.Major != 0 || f.Minor != 0 {
			size = fmt.Sprintf("%d:%d", f.Major, f.Minor)
		}
		t.Add(modeWords(f.Mode), fmt.Sprintf("%d:%d", f.UID, f.GID), size, name)
	}
	return t
}

// modeWords is st_mode as ls(1) writes it.
func modeWords(mode uint32) string {
	types := map[uint32]byte{0o140000: 's', 0o120000: 'l', 0o100000: '-', 0o060000: 'b', 0o040000: 'd', 0o020000: 'c', 0o010000: 'p'}
	b := []byte("?rwxrwxrwx")
	if c, ok := types[mode&0o170000]; ok {
		b[0] = c
	}
	for i := range 9 {
		if mode&(0o400>>i) == 0 {
			b[1+i] = '-'
		}
	}
	for i, bit := range []uint32{0o4000, 0o2000, 0o1000} {
		if mode&bit == 0 {
			continue
		}
		at := 3 + 3*i
		with := "sst"[i]
		if b[at] == '-' {
			with -= 'a' - 'A'
		}
		b[at] = with
	}
	return string(b)
}
