package syslog

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/tutela-health/tutela/detect/intake"
)

// Server takes messages in.
type Server struct {
	// Admit says who may send; nil lets everybody.
	Admit func(intake.Peer) bool
	// Handle takes a message. Reading from its connection waits meanwhile. An error ends the connection: RFC 5425 has
	// no acknowledgement, so what was not taken stays with a sender that keeps it only while it is not sent.
	Handle func(ctx context.Context, from intake.Peer, m Message) error
	Log    *slog.Logger
	// Most is how many connections are open at a time, 0 meaning 256; Idle how long one may say nothing, 0 meaning an
	// hour.
	Most int
	Idle time.Duration
}

// Serve takes connections of a listener, which speaks TLS, until the context ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	most := s.Most
	if most == 0 {
		most = 256
	}
	return intake.Serve(ctx, l, most, s.Log, s.Admit, s.talk)
}

// talk serves one connection.
func (s *Server) talk(ctx context.Context, conn net.Conn, peer intake.Peer) {
	idle := s.Idle
	if idle == 0 {
		idle = time.Hour
	}
	r, p := bufio.NewReaderSize(conn, 64<<10), newParser()
	for ctx.Err() == nil {
		if err := conn.SetReadDeadline(time.Now().Add(idle)); err != nil {
			return
		}
		frame, err := readFrame(r)
		if err == nil && len(frame) > 0 {
			err = s.Handle(ctx, peer, p.parse(frame))
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				s.Log.LogAttrs(ctx, slog.LevelInfo, "syslog connection ended", slog.String("peer", peer.Address.String()), slog.String("name", peer.Name), slog.String("error", err.Error()))
			}
			return
		}
	}
}

// MaxMessage bounds a message, in bytes. RFC 5425 (section 4.3.1) asks for 8192 at least.
const MaxMessage = 1 << 20

var (
	errTooLong = errors.New("message is longer than is taken here")
	errNoFrame = errors.New("neither a length nor a priority where a message begins")
)

// readFrame reads one message: "MSG-LEN SP SYSLOG-MSG" (RFC 5425, section 4.3), or a line that begins with a priority.
func readFrame(r *bufio.Reader) ([]byte, error) {
	first, err := r.Peek(1)
	if err != nil {
		return nil, err
	}
	switch c := first[0]; {
	case c >= '1' && c <= '9':
		return readCounted(r)
	case c == '<':
		return readLine(r)
	case c == '\n' || c == '\r' || c == 0:
		_, err := r.Discard(1)
		return nil, err
	}
	return nil, errNoFrame
}

func readCounted(r *bufio.Reader) ([]byte, error) {
	n := 0
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return nil, cutShort(err)
		case c == ' ':
			frame, err := io.ReadAll(io.LimitReader(r, int64(n))) // room is made for what comes, not for what is announced
			if err == nil && len(frame) < n {
				err = io.ErrUnexpectedEOF
			}
			return frame, err
		case c < '0' || c > '9':
			return nil, errNoFrame
		}
		if n = n*10 + int(c-'0'); n > MaxMessage {
			return nil, errTooLong
		}
	}
}

// readLine reads up to a line's end, or to the connection's.
func readLine(r *bufio.Reader) ([]byte, error) {
	var frame []byte
	for {
		part, err := r.ReadSlice('\n')
		if frame = append(frame, part...); len(frame) > MaxMessage {
			return nil, errTooLong
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(frame) > 0, err == nil:
			return frame, nil
		default:
			return nil, err
		}
	}
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
