package clienthello

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// Answer is how a server took a Hello.
type Answer struct {
	Accepted bool   // it chose from the offer
	Version  uint16 // what it chose
	Suite    uint16
	Alert    uint8 // why it refused (RFC 8446, 6.2); 0 when it only hung up
}

// String says it in words.
func (a Answer) String() string {
	switch {
	case a.Accepted:
		return fmt.Sprintf("accepted with suite 0x%04x", a.Suite)
	case a.Alert != 0:
		return fmt.Sprintf("refused with alert %d", a.Alert)
	default:
		return "refused by hanging up"
	}
}

// patience is how long a server may take to answer.
const patience = 10 * time.Second

// Offer sends a Hello to address and reads the first answer. An error says that nothing was
// learned: the address cannot be reached, is silent, or does not speak TLS.
func Offer(ctx context.Context, address string, h Hello) (Answer, error) {
	hello, err := h.record()
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return Answer{}, fmt.Errorf("connect: %w", err)
	}
	unhook := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		unhook()
		_ = conn.Close() // nothing more is expected of it
	}()
	if _, err := conn.Write(hello); err != nil {
		return hungUp(err)
	}
	return read(conn)
}

var errNotTLS = errors.New("the answer is not TLS")

// read takes the first record.
func read(r io.Reader) (Answer, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return hungUp(err)
	}
	if head[0] != recordAlert && head[0] != recordHandshake || head[1] != 3 {
		return Answer{}, errNotTLS
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(r, body); err != nil {
		return hungUp(err)
	}
	switch {
	case head[0] == recordAlert && len(body) == 2:
		return Answer{Alert: body[1]}, nil
	case head[0] == recordHandshake && len(body) > 0 && body[0] == serverHello:
		return parseServerHello(body)
	default:
		return Answer{}, errNotTLS
	}
}

// hungUp turns the end of a connection into a refusal, and a silent server into an error.
func hungUp(err error) (Answer, error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return Answer{}, fmt.Errorf("no answer: %w", err)
	}
	return Answer{}, nil
}

// parseServerHello reads what the server chose (RFC 8446, 4.1.3; RFC 5246, 7.4.1.3).
func parseServerHello(b []byte) (Answer, error) {
	malformed := errors.New("malformed ServerHello")
	const head, random = 4, 32
	if len(b) < head+2+random+1 {
		return Answer{}, malformed
	}
	a := Answer{Accepted: true, Version: binary.BigEndian.Uint16(b[head:])}
	rest := b[head+2+random:]
	session := int(rest[0])
	if len(rest) < 1+session+3 {
		return Answer{}, malformed
	}
	rest = rest[1+session:]
	a.Suite = binary.BigEndian.Uint16(rest)
	rest = rest[3:] // suite and compression
	if len(rest) < 2 {
		return a, nil // no extensions, as before TLS 1.2
	}
	for rest = rest[2:]; len(rest) >= 4; {
		id, n := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if len(rest) < 4+n {
			return Answer{}, malformed
		}
		if id == extVersions && n == 2 {
			a.Version = binary.BigEndian.Uint16(rest[4:])
		}
		rest = rest[4+n:]
	}
	return a, nil
}
