package state

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// textLimit is the longest text that a state holds, in bytes.
const textLimit = 4096

// ErrForeign means that the bytes are no state of that name and version, or are damaged.
var ErrForeign = errors.New("not a state that this version wrote")

// Writer writes a state. The first error stays and is told by Close.
type Writer struct {
	w   *bufio.Writer
	buf []byte
	err error
}

// NewWriter begins the state of what is called name, in the form of that version.
func NewWriter(w io.Writer, name string, version int) *Writer {
	s := &Writer{w: bufio.NewWriterSize(w, 64<<10)}
	s.Text(name)
	s.Int(int64(version))
	return s
}

// Uint writes a number from zero up.
func (s *Writer) Uint(n uint64) {
	s.buf = binary.AppendUvarint(s.buf[:0], n)
	s.flush()
}

// Int writes any whole number.
func (s *Writer) Int(n int64) {
	s.buf = binary.AppendVarint(s.buf[:0], n)
	s.flush()
}

// Float writes a number to the last bit.
func (s *Writer) Float(f float64) {
	s.buf = binary.LittleEndian.AppendUint64(s.buf[:0], math.Float64bits(f))
	s.flush()
}

// Bool writes a yes or a no.
func (s *Writer) Bool(yes bool) {
	if yes {
		s.Uint(1)
		return
	}
	s.Uint(0)
}

// Text writes a text, cut to the longest that may be read again.
func (s *Writer) Text(t string) {
	t = t[:min(len(t), textLimit)]
	s.Uint(uint64(len(t)))
	s.buf = append(s.buf[:0], t...)
	s.flush()
}

// Close passes on what is buffered and tells whether everything was written.
func (s *Writer) Close() error {
	if s.err == nil {
		s.err = s.w.Flush()
	}
	return s.err
}

func (s *Writer) flush() {
	if s.err == nil {
		_, s.err = s.w.Write(s.buf)
	}
}

// Reader reads a state. After the first error everything reads as zero; Err tells it.
type Reader struct {
	r   *bufio.Reader
	err error
}

// NewReader opens the state of what is called name, in the form of that version. A reader that
// is followed by other readers on the same stream must be given a *bufio.Reader.
func NewReader(r io.Reader, name string, version int) *Reader {
	buffered, ok := r.(*bufio.Reader)
	if !ok {
		buffered = bufio.NewReaderSize(r, 64<<10)
	}
	s := &Reader{r: buffered}
	if got := s.Text(); s.err == nil && got != name {
		s.fail(fmt.Errorf("%w: it is called %q instead of %q", ErrForeign, got, name))
	}
	if got := s.Int(); s.err == nil && got != int64(version) {
		s.fail(fmt.Errorf("%w: %s has version %d instead of %d", ErrForeign, name, got, version))
	}
	return s
}

// Uint reads a number from zero up.
func (s *Reader) Uint() uint64 {
	if s.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(s.r)
	s.fail(err)
	return n
}

// Int reads any whole number.
func (s *Reader) Int() int64 {
	if s.err != nil {
		return 0
	}
	n, err := binary.ReadVarint(s.r)
	s.fail(err)
	return n
}

// Float reads a number to the last bit.
func (s *Reader) Float() float64 {
	var raw [8]byte
	if s.err == nil {
		_, err := io.ReadFull(s.r, raw[:])
		s.fail(err)
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(raw[:]))
}

// Bool reads a yes or a no.
func (s *Reader) Bool() bool { return s.Uint() == 1 }

// Count reads how many of something follow, and fails when that is more than limit.
func (s *Reader) Count(limit int) int {
	n := s.Uint()
	if n > uint64(limit) {
		s.fail(fmt.Errorf("%w: %d of something of which there are at most %d", ErrForeign, n, limit))
		return 0
	}
	return int(n)
}

// Text reads a text.
func (s *Reader) Text() string {
	raw := make([]byte, s.Count(textLimit))
	if s.err == nil {
		_, err := io.ReadFull(s.r, raw)
		s.fail(err)
	}
	return string(raw)
}

// Err tells what went wrong first.
func (s *Reader) Err() error { return s.err }

func (s *Reader) fail(err error) {
	switch {
	case s.err != nil || err == nil:
	case errors.Is(err, ErrForeign):
		s.err = err
	default:
		s.err = fmt.Errorf("%w: %w", ErrForeign, err)
	}
}
