package sealed

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// chunkSize is how much plaintext a chunk holds; only the last may hold less.
const chunkSize = 64 << 10

// Writer seals what is written to it. Without Close the stream has no end, and no Reader takes it.
type Writer struct {
	header
	to     io.Writer
	plain  []byte
	sealed []byte
	number int64
	failed error
}

// NewWriter begins a stream at a place for recipients.
func NewWriter(to io.Writer, p Place, recipients []Recipient) (*Writer, error) {
	h, text, err := newHeader(p, recipients)
	if err != nil {
		return nil, err
	}
	if _, err := to.Write(text); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	return &Writer{header: h, to: to, plain: make([]byte, 0, chunkSize), sealed: make([]byte, 0, chunkSize+keys.Overhead)}, nil
}

// Write seals p. A full chunk is kept back until there is more: the last one says that it is.
func (w *Writer) Write(p []byte) (int, error) {
	n := 0
	for len(p) > 0 && w.failed == nil {
		if len(w.plain) == chunkSize {
			w.flush(false)
			continue
		}
		took := min(len(p), chunkSize-len(w.plain))
		w.plain = append(w.plain, p[:took]...)
		p, n = p[took:], n+took
	}
	return n, w.failed
}

// Close writes the last chunk. It does not close what the stream is written to.
func (w *Writer) Close() error {
	if w.failed != nil {
		return w.failed
	}
	w.flush(true)
	err := w.failed
	w.failed = errClosed
	return err
}

var errClosed = errs.New(errs.Internal, "the sealed stream was closed")

func (w *Writer) flush(last bool) {
	w.sealed = w.key.Seal(w.sealed[:0], w.plain, w.chunkAAD(w.number, last))
	clear(w.plain)
	w.plain = w.plain[:0]
	w.number++
	if _, err := w.to.Write(w.sealed); err != nil {
		w.failed = fmt.Errorf("write chunk %d: %w", w.number-1, err)
	}
}

// Reader opens a stream. What it has given is genuine; that it was all is told by io.EOF alone.
type Reader struct {
	header
	from   *bufio.Reader
	sealed []byte
	plain  []byte
	rest   []byte // of plain, not given yet
	number int64
	failed error
}

// NewReader opens the stream that belongs to a place, by whichever Opener it was sealed to.
func NewReader(from io.Reader, p Place, by ...Opener) (*Reader, error) {
	r := &Reader{from: bufio.NewReaderSize(from, 2*chunkSize), sealed: make([]byte, chunkSize+keys.Overhead)}
	var err error
	r.header, err = readHeader(r.from, p, by)
	return r, err
}

// Read gives plaintext; a *Damage where the stream is not as it was written.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.failed != nil {
			return 0, r.failed
		}
		r.next()
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next opens a chunk. What follows it tells whether it must be the last.
func (r *Reader) next() {
	n, err := io.ReadFull(r.from, r.sealed)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		r.failed = fmt.Errorf("read chunk %d: %w", r.number, err)
		return
	}
	last := err != nil
	if !last {
		_, err := r.from.Peek(1)
		if last = errors.Is(err, io.EOF); err != nil && !last {
			r.failed = fmt.Errorf("read after chunk %d: %w", r.number, err)
			return
		}
	}
	chunk := r.sealed[:n]
	r.plain, err = r.key.Open(r.plain[:0], chunk, r.chunkAAD(r.number, last))
	if err != nil {
		r.failed = r.name(chunk, last)
		return
	}
	r.rest = r.plain
	r.number++
	if last {
		r.failed = io.EOF
	}
}

// name says what is wrong with a chunk that does not open where it stands.
func (r *Reader) name(chunk []byte, last bool) error {
	part := fmt.Sprintf("chunk %d", r.number)
	if len(chunk) == 0 {
		return damaged(part, "the stream ends before it")
	}
	if _, err := r.key.Open(nil, chunk, r.chunkAAD(r.number, !last)); err == nil {
		if last {
			return damaged(part, "the stream ends after it, and went on")
		}
		return damaged(part, "the stream goes on after its end")
	}
	return damaged(part, "it was altered, cut, moved, or is of another stream")
}
