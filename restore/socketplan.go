package restore

import (
	"cmp"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/validate/host"
)

const (
	sockStream = 1
	sockDgram  = 2
)

// A socketPlan says who makes the unix sockets of an image, and how.
//
// Sockets that have to do with each other form a group. What the kernel notes
// of the caller (SO_PEERCRED) is done by the process that did it in the image:
// pairs are made, connections opened and names listened at by different file
// tables, the actors. All else a group's worker does: one of them, or the seed
// where nobody is known. The steps of a group have one order; where the actor
// changes, the next waits for the one before. All tables do their steps in the
// order of the groups, so nobody waits for ever. In the end the other tables
// that have the sockets take them from the worker.
type socketPlan struct {
	b       *builder
	f       *filePlan
	sockets map[format.ObjectID]*socket
	groups  []*socketGroup
	// steps are what each file table does, zero for the seed; takes what it
	// takes from workers afterwards.
	steps map[format.ObjectID][]socketStep
	takes map[format.ObjectID][]taking
}

// socket is a unix socket that is made: one of the image, or one that is needed
// for a while.
type socket struct {
	id   format.ObjectID
	d    *format.OpenFile // nil for one that is not of the image
	u    *format.UnixSocket
	n    int // its number
	file int // the number of the file that its name made, if any
	// at is the actor who made it.
	at format.ObjectID
	// pending says that it is yet to be accepted.
	pending bool
	group   *socketGroup
	// other is the other end, also one that is needed for a while.
	other *socket
}

// socketGroup are sockets that have to do with each other.
type socketGroup struct {
	list   []*socket
	worker format.ObjectID
	// actor did the last step, if it is begun.
	begun bool
	actor format.ObjectID
	done  husk.Word
	// close are the sockets that are not of the image, and who has them.
	close []*socket
}

// socketStep is a part of a table's program.
type socketStep struct {
	wait, raise husk.Word
	emit        func(p *husk.Program)
}

// taking is what a table takes from a worker when a group is done.
type taking struct {
	group   *socketGroup
	numbers []int
}

func planSockets(b *builder, f *filePlan, r reach) *socketPlan {
	s := &socketPlan{
		b: b, f: f, sockets: map[format.ObjectID]*socket{},
		steps: map[format.ObjectID][]socketStep{}, takes: map[format.ObjectID][]taking{},
	}
	files := b.img.Objects.Files
	for i := range files {
		if d := &files[i]; d.Unix != nil && s.sockets[d.ID] == nil {
			f.take(d.ID, 1)
			s.sockets[d.ID] = &socket{id: d.ID, d: d, u: d.Unix, n: f.number[d.ID]}
		}
	}
	s.findGroups(files)
	for _, g := range s.groups {
		s.chooseWorker(g, r)
		s.script(g)
		s.planTakes(g, r)
	}
	return s
}

// temporary is a socket that is made for a while.
func (s *socketPlan) temporary(g *socketGroup, u *format.UnixSocket) *socket {
	t := &socket{u: u, n: s.f.next, group: g}
	s.f.skip(1)
	g.close = append(g.close, t)
	return t
}

// nameKey tells names apart. One that was removed is another's than one that
// has been made in its place.
type nameKey struct {
	name, dir, root string
	deleted         bool
}

func keyOf(u *format.UnixSocket) nameKey {
	return nameKey{string(u.Name), u.Dir, u.Root, u.Deleted}
}

// findGroups puts sockets together that are connected, carried by each other,
// or of the same name.
func (s *socketPlan) findGroups(files []format.OpenFile) {
	parent := map[format.ObjectID]format.ObjectID{}
	find := func(id format.ObjectID) format.ObjectID {
		for parent[id] != id {
			parent[id] = parent[parent[id]]
			id = parent[id]
		}
		return id
	}
	for id := range s.sockets {
		parent[id] = id
	}
	join := func(a, b format.ObjectID) {
		if s.sockets[a] != nil && s.sockets[b] != nil {
			// The lowest stands for all, so that the order is the same each time.
			a, b = find(a), find(b)
			parent[max(a, b)] = min(a, b)
		}
	}
	named := map[string]format.ObjectID{}
	for i := range files {
		d := &files[i]
		if d.Unix == nil {
			continue
		}
		joinSocket(d, named, join)
	}
	groups := map[format.ObjectID]*socketGroup{}
	for i := range files {
		k := s.sockets[files[i].ID]
		if k == nil || k.d != &files[i] {
			continue
		}
		g := groups[find(k.id)]
		if g == nil {
			g = &socketGroup{}
			groups[find(k.id)] = g
			s.groups = append(s.groups, g)
		}
		k.group = g
		g.list = append(g.list, k)
	}
}

// joinSocket joins a socket with those it has to do with. Sockets of one name
// and senders of a name are joined by the name itself.
func joinSocket(d *format.OpenFile, named map[string]format.ObjectID, join func(a, b format.ObjectID)) {
	byName := func(name string) {
		if name == "" {
			return
		}
		if first, ok := named[name]; ok {
			join(first, d.ID)
		} else {
			named[name] = d.ID
		}
	}
	u := d.Unix
	byName(string(u.Name))
	join(d.ID, u.Peer)
	for _, id := range u.Pending {
		join(d.ID, id)
	}
	for i := range u.Queue {
		byName(host.SenderName(&u.Queue[i]))
		for _, id := range u.Queue[i].Files {
			join(d.ID, id)
		}
	}
}

// actor is the file table whose owner is the process of those credentials; zero
// if the image has none that could act.
func (s *socketPlan) actor(c *format.PeerCredentials) format.ObjectID {
	if c == nil {
		return 0
	}
	t := s.b.ix.Task(c.PID)
	if t == nil || !t.Leader() || t.State.Dead() || !s.b.owns(t, t.Files) {
		return 0
	}
	return t.Files
}

// chooseWorker finds who does what anybody can do: an actor if there is one,
// somebody who has a socket if the processes that sent something must exist
// by then, and else the seed.
func (s *socketPlan) chooseWorker(g *socketGroup, r reach) {
	creds := false
	for _, k := range g.list {
		if g.worker == 0 {
			g.worker = s.actor(k.u.PeerCreds)
		}
		for i := range k.u.Queue {
			creds = creds || k.u.Queue[i].Creds != nil
		}
	}
	if g.worker == 0 && creds {
		g.worker = s.anyTable(g, r)
	}
}

// anyTable is the first table of a living leader that has a socket of the group.
func (s *socketPlan) anyTable(g *socketGroup, r reach) format.ObjectID {
	for _, k := range g.list {
		if id := s.tableOf(k, r); id != 0 {
			return id
		}
	}
	return 0
}

// tableOf is the first table that has the socket and whose owner can act.
func (s *socketPlan) tableOf(k *socket, r reach) format.ObjectID {
	for _, id := range r[k.id] {
		t := s.b.ix.Task(s.b.owner[id])
		if t != nil && s.actor(&format.PeerCredentials{PID: t.TID}) == id {
			return id
		}
	}
	return 0
}

// do appends a step of a group. What the seed does comes before all else: who
// is forked later inherits it.
func (s *socketPlan) do(g *socketGroup, actor format.ObjectID, emit func(p *husk.Program)) {
	step := socketStep{emit: emit}
	if g.begun && g.actor != actor && g.actor != 0 {
		step.wait = s.b.t.Word()
		list := s.steps[g.actor]
		list[len(list)-1].raise = step.wait
	}
	s.steps[actor] = append(s.steps[actor], step)
	g.begun, g.actor = true, actor
}

// planTakes lists what the tables take that have sockets of a group and are not
// its worker.
func (s *socketPlan) planTakes(g *socketGroup, r reach) {
	if g.worker == 0 {
		return // they are inherited
	}
	of := map[format.ObjectID][]int{}
	var tables []format.ObjectID
	for _, k := range g.list {
		for _, table := range r[k.id] {
			if table == g.worker || table == everyone {
				continue
			}
			if of[table] == nil {
				tables = append(tables, table)
			}
			of[table] = append(of[table], k.n)
		}
	}
	for _, table := range tables {
		if g.done == 0 {
			g.done = s.b.t.Word()
			s.do(g, g.worker, func(p *husk.Program) { p.Signal(g.done, 1) })
		}
		s.takes[table] = append(s.takes[table], taking{g, of[table]})
	}
}

// emitSockets does what a table has to do with unix sockets.
func (b *builder) emitSockets(p *husk.Program, table format.ObjectID) {
	s := b.files.sockets
	for _, step := range s.steps[table] {
		if step.wait != 0 {
			p.Wait("wait for another's sockets", step.wait, 1)
		}
		step.emit(p)
		if step.raise != 0 {
			p.Signal(step.raise, 1)
		}
	}
	for _, t := range s.takes[table] {
		p.Wait("wait for sockets", t.group.done, 1)
		b.takeSockets(p, t.group.worker, t.numbers)
	}
}

// deletedFirst orders sockets so that those whose names are free again come
// before those that have them now.
func deletedFirst(list []*socket) []*socket {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *socket) int {
		return cmp.Compare(boolInt(b.u.Deleted), boolInt(a.u.Deleted))
	})
	return list
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
