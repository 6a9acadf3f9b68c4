package testkit

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// port is a TCP port of the loopback address that is left to one server until it is given back, also while that
// server is stopped. Whoever tests beside this takes the datagram port of the same number first; connections that the
// kernel numbers have numbers above these (net.ipv4.ip_local_port_range).
type port struct {
	number int
	held   net.PacketConn
}

// The numbers that are tried.
const (
	lowestPort = 12000
	ports      = 20000
)

// freePort takes a port that nobody has.
func freePort(ctx context.Context) (*port, error) {
	first := rand.IntN(ports) //nolint:gosec // no secret
	for i := range ports {
		p, err := takePort(ctx, lowestPort+(first+i)%ports)
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return p, err
		}
	}
	return nil, errors.New("no port is free")
}

func takePort(ctx context.Context, number int) (*port, error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(number))
	held, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", address)
	if err != nil {
		return nil, err
	}
	p := &port{number: number, held: held}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", address)
	if err != nil {
		return nil, errors.Join(err, p.free())
	}
	return p, l.Close()
}

// free gives the port back, where it has not been. A server that never had one has none to give back.
func (p *port) free() error {
	if p == nil {
		return nil
	}
	if err := p.held.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (p *port) String() string { return strconv.Itoa(p.number) }
