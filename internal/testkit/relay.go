package testkit

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Relay stands between a client and a server, and breaks what is between them when a test says so.
type Relay struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex    // guards what follows
	state relayState    // what happens to bytes and connections
	moved chan struct{} // closed when state or lost change
	made  int           // connections so far
	lost  int           // of them, those of which nothing arrives any more
	links map[net.Conn]bool
}

type relayState int

const (
	relayOpen relayState = iota
	relayHeld
	relayCut
	relayClosed
)

// StartRelay passes connections on to target, a host and port, until the test ends.
func StartRelay(t testing.TB, target string) *Relay {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start relay: %v", err)
	}
	r := &Relay{target: target, listener: l, moved: make(chan struct{}), links: map[net.Conn]bool{}}
	r.running.Go(r.accept)
	t.Cleanup(func() {
		r.set(relayClosed)
		_ = l.Close() // nobody connects any more
		r.running.Wait()
	})
	return r
}

// RelayPostgres starts a Relay in front of the server of a database's URL, and gives the URL that
// leads through it.
func RelayPostgres(t testing.TB, database string) (r *Relay, through string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatalf("read the database's URL: %v", err)
	}
	r = StartRelay(t, u.Host)
	u.Host = r.listener.Addr().String()
	return r, u.String()
}

// Cut breaks every connection and lets none be made, as when the server is gone.
func (r *Relay) Cut() { r.set(relayCut) }

// Hold keeps every byte back and says nothing, as when a network drops what it carries.
func (r *Relay) Hold() { r.set(relayHeld) }

// Mend passes everything on again, also what was held.
func (r *Relay) Mend() { r.set(relayOpen) }

// Lose lets nothing more arrive of the connections that there are, as when a firewall has forgotten
// them. New ones are passed on.
func (r *Relay) Lose() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = r.made
	r.move()
}

// move wakes those who wait; mu is held.
func (r *Relay) move() {
	close(r.moved)
	r.moved = make(chan struct{})
}

func (r *Relay) set(s relayState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = s
	r.move()
	if s == relayOpen || s == relayHeld {
		return
	}
	for c := range r.links {
		_ = c.Close() // what reads from it ends
	}
}

func (r *Relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.running.Go(func() { r.pass(client) })
	}
}

// pass joins one connection to the server until either end closes.
func (r *Relay) pass(client net.Conn) {
	defer r.forget(client)
	number := r.number()
	if !r.keep(client) || !r.wait(number) {
		return
	}
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", r.target)
	if err != nil {
		return
	}
	defer r.forget(server)
	if !r.keep(server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.carry(server, client, number) })
	both.Go(func() { r.carry(client, server, number) })
	both.Wait()
}

// number gives a new connection its number.
func (r *Relay) number() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made++
	return r.made
}

// carry copies one way, and closes both ends when it is over.
func (r *Relay) carry(to, from net.Conn, number int) {
	_, _ = io.Copy(gated{r, to, number}, from) // how it ended does not matter
	_ = errors.Join(to.Close(), from.Close())
}

// gated is a connection that is written to while the relay lets bytes through.
type gated struct {
	relay  *Relay
	to     net.Conn
	number int
}

// Write implements io.Writer.
func (g gated) Write(b []byte) (int, error) {
	if !g.relay.wait(g.number) {
		return 0, net.ErrClosed
	}
	return g.to.Write(b)
}

// wait returns once a connection's bytes are let through, or false when they never will be.
func (r *Relay) wait(number int) bool {
	for {
		r.mu.Lock()
		state, lost, moved := r.state, number <= r.lost, r.moved
		r.mu.Unlock()
		if state == relayCut || state == relayClosed {
			return false
		}
		if state == relayOpen && !lost {
			return true
		}
		<-moved
	}
}

// keep notes a connection, to be closed by a cut; false when there is one.
func (r *Relay) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links[c] = true
	return r.state == relayOpen || r.state == relayHeld
}

func (r *Relay) forget(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.links, c)
	_ = c.Close() // it may be closed already
}
