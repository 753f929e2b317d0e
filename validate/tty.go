package validate

import "github.com/thaw-cr/thaw/format"

// termiosSize is sizeof(struct termios2) on amd64.
const termiosSize = 44

// checkTerminals holds the rules about terminals and who controls them.
func checkTerminals(c *checker) {
	groups := byTask[*format.Task](c.img)
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if !t.Leader() {
			continue
		}
		if !groups.Has(t.PGID) {
			groups.Set(t.PGID, t)
		}
		checkControl(c, t)
	}
	for i := range c.img.Objects.Terminals {
		t := &c.img.Objects.Terminals[i]
		checkTerminal(c, t, groups.Get(t.Group))
	}
	for i := range c.img.Objects.Files {
		f := &c.img.Objects.Files[i]
		if f.TTY == nil || !f.TTY.Master {
			continue
		}
		if t := c.Terminal(f.TTY.Terminal); t != nil && t.Inherited {
			c.object("R063", f.ID, "master of terminal %d, which is inherited", t.ID)
		}
	}
}

// checkControl asks that a process and its terminal are of one session.
func checkControl(c *checker, t *format.Task) {
	p := c.Process(t.Process)
	if p == nil {
		return
	}
	term := c.Terminal(p.Terminal)
	if term != nil && term.Session != 0 && t.SID != 0 && term.Session != t.SID {
		c.task("R062", t, "session %d, its terminal %d belongs to session %d", t.SID, term.ID, term.Session)
	}
}

// checkTerminal looks at one terminal; member is a process of its foreground
// group, if the image holds one.
func checkTerminal(c *checker, t *format.Terminal, member *format.Task) {
	if n := len(t.Settings); n != 0 && n != termiosSize && c.img.Provenance.Arch == "amd64" {
		c.object("R060", t.ID, "terminal settings of %d bytes", n)
	}
	if t.Group != 0 && t.Session != 0 && member != nil && member.SID != t.Session {
		c.object("R061", t.ID, "foreground group %d is in session %d, the terminal in %d", t.Group, member.SID, t.Session)
	}
	if t.Session < 0 || t.Session >= pidLimit || t.Group < 0 || t.Group >= pidLimit {
		c.object("R064", t.ID, "session %d, group %d", t.Session, t.Group)
	}
	if t.Major >= majors || t.Minor >= minors {
		c.object("R025", t.ID, "terminal %d:%d", t.Major, t.Minor)
	}
}
