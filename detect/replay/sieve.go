package replay

import (
	"bufio"
	"errors"
	"io"

	"github.com/tutela-health/tutela/detect/event"
)

// sieve lets some lines of a text through. Lines that are too long to be parsed go.
type sieve struct {
	src  *bufio.Reader
	keep func([]byte) bool
	rest []byte // of the line that is being handed on
	err  error
}

func newSieve(src io.Reader, keep func([]byte) bool) *sieve {
	return &sieve{src: bufio.NewReaderSize(src, event.MaxLine+1), keep: keep}
}

// Read implements io.Reader.
func (s *sieve) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		s.line()
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// line reads the next line.
func (s *sieve) line() {
	var line []byte
	line, s.err = s.src.ReadSlice('\n')
	if errors.Is(s.err, bufio.ErrBufferFull) {
		for errors.Is(s.err, bufio.ErrBufferFull) {
			_, s.err = s.src.ReadSlice('\n')
		}
		return
	}
	if s.keep(line) {
		s.rest = line
	}
}
