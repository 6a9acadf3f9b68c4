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

// Serve accepts connections until the context ends, at most so many at a time, and waits for those that are open. talk
// serves one and returns when it is over, or at once when the context ends: then reading fails. The listener speaks TLS
// where it should; a handshake that fails ends its connection alone, and so does a peer that admit does not let in, of
// whom nothing is read (nil lets everybody in).
func Serve(ctx context.Context, l net.Listener, most int, log *slog.Logger, admit func(Peer) bool, talk func(context.Context, net.Conn, Peer)) error {
	slots := make(chan struct{}, most)
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
		select {
		case slots <- struct{}{}:
			open.Go(func() {
				defer func() { <-slots }()
				serve(ctx, conn, log, admit, talk)
			})
		default:
			_ = conn.Close()
			log.LogAttrs(ctx, slog.LevelWarn, "too many connections", slog.String("peer", conn.RemoteAddr().String()), slog.Int("most", most))
		}
	}
}

// patience is how long a handshake may take.
const patience = 15 * time.Second

func serve(ctx context.Context, conn net.Conn, log *slog.Logger, admit func(Peer) bool, talk func(context.Context, net.Conn, Peer)) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	peer := Peer{}
	if at, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		peer.Address = at.Addr().Unmap()
	}
	if secure, ok := conn.(*tls.Conn); ok {
		hello, cancel := context.WithTimeout(ctx, patience)
		err := secure.HandshakeContext(hello)
		cancel()
		if err != nil {
			log.LogAttrs(ctx, slog.LevelInfo, "no TLS connection", slog.String("peer", conn.RemoteAddr().String()), slog.String("error", err.Error()))
			return
		}
		if proved := secure.ConnectionState().PeerCertificates; len(proved) > 0 {
			peer.Name = proved[0].Subject.CommonName
		}
	}
	if admit != nil && !admit(peer) {
		log.LogAttrs(ctx, slog.LevelWarn, "a stranger was not heard", slog.String("peer", peer.Address.String()), slog.String("name", peer.Name))
		return
	}
	talk(ctx, conn, peer)
}
