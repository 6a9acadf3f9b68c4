package intake

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Peer is who sends.
type Peer struct {
	Address netip.Addr // as the network says; IPv4 as such
	Name    string     // the common name of the certificate that it proved, empty without one
}

// Secure is a server's TLS for those who only send. No tickets for resumption go out: such a sender reads nothing, and
// closing with something unread resets the connection (RFC 1122, 4.2.2.13), so that what it sent last, and what still
// waits on its side, would be lost with it.
func Secure(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos, c.SessionTicketsDisabled = nil, true
	return c
}

// Serve accepts connections until the context ends, at most so many at a time, and waits for those that are open. talk
// serves one and returns when it is over, or at once when the context ends: then reading fails. The listener speaks TLS
// where it should; a handshake that fails ends its connection alone, and so does a peer that admit does not let in, of
// whom nothing is read (nil lets everybody in).
func Serve(ctx context.Context, l net.Listener, most int, log *slog.Logger, admit func(Peer) bool, talk func(context.Context, net.Conn, Peer)) error {
	h := &hall{seats: make(chan struct{}, most), log: log, admit: admit, talk: talk}
	var open sync.WaitGroup
	defer open.Wait()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		from := address(conn)
		if !h.enter(from) {
			_ = conn.Close()
			log.LogAttrs(ctx, slog.LevelWarn, "too many connections that said nothing yet", slog.String("peer", from.String()))
			continue
		}
		open.Go(func() { h.serve(ctx, conn, from) })
	}
}

// hall is where connections are. Who has proved nothing yet takes no seat from those who have.
type hall struct {
	seats chan struct{} // of peers who were let in
	log   *slog.Logger
	admit func(Peer) bool
	talk  func(context.Context, net.Conn, Peer)

	mu      sync.Mutex // guards what follows
	strange map[netip.Addr]int
	all     int
}

// How many connections may be on their way in, of all and of one address (IPv6: of one /64).
const (
	mostStrange = 256
	mostOfOne   = 8
)

// near is what counts as one address.
func near(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}

// enter counts a connection that has proved nothing yet; false says that there are too many.
func (h *hall) enter(from netip.Addr) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all >= mostStrange || h.strange[near(from)] >= mostOfOne {
		return false
	}
	if h.strange == nil {
		h.strange = map[netip.Addr]int{}
	}
	h.strange[near(from)]++
	h.all++
	return true
}

// known takes a connection out of that count.
func (h *hall) known(from netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all--
	if h.strange[near(from)]--; h.strange[near(from)] == 0 {
		delete(h.strange, near(from))
	}
}

func address(conn net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// patience is how long a handshake may take.
const patience = 15 * time.Second

// serve lets a peer in, or not.
func (h *hall) serve(ctx context.Context, conn net.Conn, from netip.Addr) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	peer, in := h.greet(ctx, conn, from)
	h.known(from)
	if !in {
		return
	}
	select {
	case h.seats <- struct{}{}:
		defer func() { <-h.seats }()
		h.talk(ctx, conn, peer)
	default:
		h.log.LogAttrs(ctx, slog.LevelWarn, "too many connections", slog.String("peer", conn.RemoteAddr().String()), slog.Int("most", cap(h.seats)))
	}
}

// greet finds out who a peer is, and whether he may send.
func (h *hall) greet(ctx context.Context, conn net.Conn, from netip.Addr) (Peer, bool) {
	peer := Peer{Address: from}
	if secure, ok := conn.(*tls.Conn); ok {
		hello, cancel := context.WithTimeout(ctx, patience)
		err := secure.HandshakeContext(hello)
		cancel()
		if err != nil {
			h.log.LogAttrs(ctx, slog.LevelInfo, "no TLS connection", slog.String("peer", conn.RemoteAddr().String()), slog.String("error", err.Error()))
			return peer, false
		}
		if proved := secure.ConnectionState().PeerCertificates; len(proved) > 0 {
			peer.Name = proved[0].Subject.CommonName
		}
	}
	if h.admit != nil && !h.admit(peer) {
		h.log.LogAttrs(ctx, slog.LevelWarn, "a stranger was not heard", slog.String("peer", peer.Address.String()), slog.String("name", peer.Name))
		return peer, false
	}
	return peer, true
}
