package hl7

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/internal/clock"
)

// The frame of MLLP (HL7 v3 transport specification, release 1; HL7 v2.5.1 appendix C): a start block, the message, an
// end block and a carriage return.
const (
	startBlock = 0x0b
	endBlock   = 0x1c
	carriage   = 0x0d
)

// Server takes messages in by MLLP, one after another of each connection, and answers each.
type Server struct {
	// Admit says who may send; nil lets everybody.
	Admit func(intake.Peer) bool
	// Handle takes a message in. It returns when the message is durable, or an error when the sender should send it
	// again.
	Handle func(ctx context.Context, sender intake.Peer, m *Message) error
	Clock  clock.Clock
	Log    *slog.Logger
	// Most is how many connections are open at a time, 0 meaning 64; Idle how long one may say nothing, 0 meaning ten
	// minutes.
	Most int
	Idle time.Duration
}

// Serve takes connections of a listener, which speaks TLS where it should, until the context ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	most := s.Most
	if most == 0 {
		most = 64
	}
	return intake.Serve(ctx, l, most, s.Log, s.Admit, s.talk)
}

// talk serves one connection.
func (s *Server) talk(ctx context.Context, conn net.Conn, peer intake.Peer) {
	idle := s.Idle
	if idle == 0 {
		idle = 10 * time.Minute
	}
	r := bufio.NewReaderSize(conn, 64<<10)
	for ctx.Err() == nil {
		if err := conn.SetDeadline(time.Now().Add(idle)); err != nil {
			return
		}
		frame, err := readFrame(r)
		if err == nil {
			err = s.answer(ctx, conn, peer, frame)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				s.Log.LogAttrs(ctx, slog.LevelInfo, "MLLP connection ended", slog.String("peer", peer.Address.String()), slog.String("error", err.Error()))
			}
			return
		}
	}
}

// answer takes one message in and acknowledges it.
func (s *Server) answer(ctx context.Context, conn io.Writer, peer intake.Peer, frame []byte) error {
	m, err := Parse(frame)
	code := Reject
	if err == nil {
		if code = Accept; s.Handle(ctx, peer, m) != nil {
			code = Failed
		}
	}
	ack := acknowledge(m, code, s.Clock())
	out := append([]byte{startBlock}, ack...)
	_, err = conn.Write(append(out, endBlock, carriage))
	return err
}

// ReadAll calls take for every message of a file of MLLP frames in order, with its number, and with what is wrong with
// it where there is something. An error of take ends it, and so does a frame without an end.
func ReadAll(file io.Reader, take func(n int, m *Message, wrong error) error) error {
	r := bufio.NewReaderSize(file, 64<<10)
	for n := 1; ; n++ {
		frame, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
		m, wrong := Parse(frame)
		if err := take(n, m, wrong); err != nil {
			return err
		}
	}
}

var errTooLong = errors.New("message is longer than MLLP takes here")

// readFrame reads one message. What stands between messages is passed over.
func readFrame(r *bufio.Reader) ([]byte, error) {
	for skipped := 0; ; skipped++ {
		b, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		if b == startBlock {
			break
		}
		if skipped > MaxMessage {
			return nil, errTooLong
		}
	}
	var frame []byte
	for {
		part, err := r.ReadSlice(endBlock)
		if frame = append(frame, part...); len(frame) > MaxMessage+1 {
			return nil, errTooLong
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		default:
			_, err = r.Discard(1)
			return frame[:len(frame)-1], err
		}
	}
}
