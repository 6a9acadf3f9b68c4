package server

import (
	"net"
	"net/http"
	"sync"
)

// silent are the connections over which no request has begun. A shutdown would wait for them as
// for a request under way, though there is nothing to lose.
type silent struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{} // guarded by mu
}

// note follows a connection's state, as an http.Server tells it.
func (s *silent) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != http.StateNew {
		delete(s.conns, c)
		return
	}
	if s.conns == nil {
		s.conns = map[net.Conn]struct{}{}
	}
	s.conns[c] = struct{}{}
}

// close ends them.
func (s *silent) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close() // nobody is told anything over it
	}
	s.conns = nil
}
