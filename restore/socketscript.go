package restore

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/husk"
)

// script lays down the steps of a group: pairs; names; connections; what is
// unread; and, when nothing more is sent, how the sockets are set.
func (s *socketPlan) script(g *socketGroup) {
	a := newArrangement(s, g)
	for _, k := range a.pairs {
		s.makePair(g, k)
	}
	for _, k := range deletedFirst(a.alone) {
		s.makeAlone(g, k)
	}
	for _, l := range deletedFirst(a.listeners) {
		s.makeListener(g, l, a)
	}
	s.do(g, g.worker, func(p *husk.Program) {
		s.fillDatagrams(p, a)
		for _, k := range a.all() {
			s.b.fillSocket(p, k)
		}
	})
	s.connectDatagrams(g, a)
	s.finish(g, a)
}

// An arrangement sorts the sockets of a group by how they are made.
type arrangement struct {
	s *socketPlan
	g *socketGroup
	// pairs are one end each of socketpair(2).
	pairs []*socket
	// alone are sockets that are only made and bound.
	alone []*socket
	// listeners, also such as are gone and only have connections left.
	listeners []*socket
	// accepted and pending are the server's ends of a listener's connections.
	accepted map[*socket][]*socket
	pending  map[*socket][]*socket
	// connected are datagram sockets to be connected.
	connected []*socket
	byName    map[nameKey]*socket
	seen      map[*socket]bool
}

func newArrangement(s *socketPlan, g *socketGroup) *arrangement {
	a := &arrangement{
		s: s, g: g, accepted: map[*socket][]*socket{}, pending: map[*socket][]*socket{},
		byName: map[nameKey]*socket{}, seen: map[*socket]bool{},
	}
	for _, k := range g.list {
		if k.u.Listening {
			a.seen[k] = true
			a.listeners = append(a.listeners, k)
			if len(k.u.Name) > 0 {
				a.byName[keyOf(k.u)] = k
			}
		}
	}
	for _, l := range a.listeners {
		for _, id := range l.u.Pending {
			if end := s.sockets[id]; end != nil && !a.seen[end] {
				a.join(end)
				end.pending = true
				a.pending[l] = append(a.pending[l], end)
			}
		}
	}
	for _, k := range g.list {
		if !a.seen[k] {
			a.place(k)
		}
	}
	return a
}

// join finds the other end of a connection, or makes one up that is gone.
func (a *arrangement) join(k *socket) *socket {
	k.other = a.s.sockets[k.u.Peer]
	if k.other == nil || k.other == k || a.seen[k.other] {
		k.other = a.s.temporary(a.g, &format.UnixSocket{SocketCommon: format.SocketCommon{Type: k.u.Type}})
	}
	k.other.other = k
	a.seen[k], a.seen[k.other] = true, true
	return k.other
}

func (a *arrangement) place(k *socket) {
	u := k.u
	switch {
	case u.Type == sockDgram:
		a.placeDatagram(k)
	case u.Peer == 0 && !u.PeerGone:
		a.seen[k] = true
		a.alone = append(a.alone, k)
	default:
		other := a.join(k)
		server := a.server(k, other)
		if server == nil {
			a.pairs = append(a.pairs, k)
			return
		}
		l := a.listener(server)
		a.accepted[l] = append(a.accepted[l], server)
	}
}

// placeDatagram tells a socketpair, whose ends know who made them, from sockets
// that were connected.
func (a *arrangement) placeDatagram(k *socket) {
	peer := a.s.sockets[k.u.Peer]
	mutual := peer != nil && peer != k && peer.u.Peer == k.id && !a.seen[peer]
	known := k.u.PeerCreds != nil || len(k.u.Name) == 0
	switch {
	case mutual && (known || len(peer.u.Name) == 0), k.u.PeerGone && k.u.PeerCreds != nil:
		a.join(k)
		a.pairs = append(a.pairs, k)
		return
	case k.u.Peer != 0 || k.u.PeerGone:
		a.connected = append(a.connected, k)
	}
	a.seen[k] = true
	a.alone = append(a.alone, k)
}

// server is the end of a connection that was accepted: it has the name of the
// listener. Nil says that it is a pair.
func (a *arrangement) server(k, other *socket) *socket {
	switch {
	case len(k.u.Name) > 0 && a.byName[keyOf(k.u)] != nil:
		return k
	case len(other.u.Name) > 0 && a.byName[keyOf(other.u)] != nil:
		return other
	case len(k.u.Name) > 0 && (len(other.u.Name) == 0 || a.count(k.u) >= a.count(other.u)):
		return k
	case len(other.u.Name) > 0:
		return other
	}
	return nil
}

// count is how many sockets of the group have a name.
func (a *arrangement) count(u *format.UnixSocket) int {
	n := 0
	for _, k := range a.g.list {
		if keyOf(k.u) == keyOf(u) {
			n++
		}
	}
	return n
}

// listener gives the listening socket of an accepted one. One that is gone is
// made for a while.
func (a *arrangement) listener(server *socket) *socket {
	key := keyOf(server.u)
	l := a.byName[key]
	if l == nil {
		u := *server.u
		u.SocketCommon = format.SocketCommon{Type: u.Type, Listening: true}
		u.Peer, u.PeerGone, u.Queue, u.PeerCreds = 0, false, nil, server.other.u.PeerCreds
		l = a.s.temporary(a.g, &u)
		a.byName[key] = l
		a.listeners = append(a.listeners, l)
	}
	return l
}

// all are the sockets of the group.
func (a *arrangement) all() []*socket { return a.g.list }

// creator is who makes what the kernel notes the creator of: the process of the
// credentials, or the worker if the image does not have it.
func (s *socketPlan) creator(g *socketGroup, c *format.PeerCredentials) format.ObjectID {
	if id := s.actor(c); id != 0 {
		return id
	}
	return g.worker
}

// reachWorker gives the worker sockets that another actor made; the actor
// closes those of them that are not of the image.
func (s *socketPlan) reachWorker(g *socketGroup, actor format.ObjectID, list ...*socket) {
	if actor == g.worker || actor == 0 {
		return
	}
	s.do(g, g.worker, func(p *husk.Program) {
		var numbers []int
		for _, k := range list {
			numbers = append(numbers, k.n)
			if k.file != 0 {
				numbers = append(numbers, k.file)
			}
		}
		s.b.takeSockets(p, actor, numbers)
	})
	for _, k := range list {
		if k.d == nil {
			s.do(g, actor, func(p *husk.Program) { s.b.closeNumber(p, k.n) })
		}
	}
}

// makePair makes a socketpair.
func (s *socketPlan) makePair(g *socketGroup, k *socket) {
	creds := k.u.PeerCreds
	if creds == nil {
		creds = k.other.u.PeerCreds
	}
	actor := s.creator(g, creds)
	s.nameFile(k)
	s.nameFile(k.other)
	s.do(g, actor, func(p *husk.Program) {
		s.b.asCreator(p, creds, func() { s.b.emitSocketpair(p, k, k.other) })
		s.b.bindSocket(p, k)
		s.b.bindSocket(p, k.other)
	})
	s.reachWorker(g, actor, k, k.other)
}

// makeAlone makes a socket and binds it.
func (s *socketPlan) makeAlone(g *socketGroup, k *socket) {
	s.nameFile(k)
	s.do(g, g.worker, func(p *husk.Program) {
		s.b.emitSocket(p, k)
		s.b.bindSocket(p, k)
	})
}

// makeListener makes a listening socket and its connections: those that were
// accepted first, and when its options are set, which new ones inherit, those
// that were not.
func (s *socketPlan) makeListener(g *socketGroup, l *socket, a *arrangement) {
	actor := s.creator(g, l.u.PeerCreds)
	s.nameFile(l)
	l.at = actor
	s.do(g, actor, func(p *husk.Program) {
		s.b.emitSocket(p, l)
		s.b.bindSocket(p, l)
		s.b.asCreator(p, l.u.PeerCreds, func() { s.b.emitListen(p, l) })
	})
	s.reachWorker(g, actor, l)
	for _, server := range a.accepted[l] {
		s.connect(g, l, server, server.u.PeerCreds)
		s.do(g, g.worker, func(p *husk.Program) { s.b.emitAccept(p, l, server) })
	}
	s.do(g, g.worker, func(p *husk.Program) { s.b.setOptions(p, l) })
	for _, server := range a.pending[l] {
		s.connect(g, l, server, server.u.PeerCreds)
	}
}

// connect makes the client's end of a connection.
func (s *socketPlan) connect(g *socketGroup, l, server *socket, creds *format.PeerCredentials) {
	client := server.other
	actor := s.creator(g, creds)
	s.nameFile(client)
	s.do(g, actor, func(p *husk.Program) {
		s.b.emitSocket(p, client)
		s.b.bindSocket(p, client)
		s.b.asCreator(p, creds, func() { s.b.emitConnect(p, client, s.address(l, actor)) })
	})
	s.reachWorker(g, actor, client)
}

// nameFile takes a number for the file that a name makes.
func (s *socketPlan) nameFile(k *socket) {
	if k.u.NamesFile() && k.file == 0 {
		k.file = s.f.next
		s.f.skip(1)
	}
}

// connectDatagrams connects datagram sockets. Those whose peer is gone are
// connected to one that is closed then.
func (s *socketPlan) connectDatagrams(g *socketGroup, a *arrangement) {
	for _, k := range a.connected {
		to := s.sockets[k.u.Peer]
		gone := to == nil
		if gone {
			to = s.temporary(g, &format.UnixSocket{SocketCommon: format.SocketCommon{Type: sockDgram}})
			to.u.Name = spareName()
		}
		s.do(g, g.worker, func(p *husk.Program) {
			if gone {
				s.b.emitSocket(p, to)
				s.b.bindSocket(p, to)
			}
			s.b.emitConnect(p, k, s.address(to, g.worker))
		})
	}
}

// finish closes what is not of the image and sets how the sockets are.
func (s *socketPlan) finish(g *socketGroup, a *arrangement) {
	s.do(g, g.worker, func(p *husk.Program) {
		for _, k := range a.all() {
			if k.u.Error != 0 && k.other != nil {
				s.b.spoil(p, k)
			}
		}
		for _, k := range g.close {
			s.b.closeNumber(p, k.n)
		}
		for _, k := range a.all() {
			if !k.pending { // that has no descriptor
				s.b.setSocket(p, k)
			}
		}
	})
}
