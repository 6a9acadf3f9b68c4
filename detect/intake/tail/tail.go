package tail

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/detect/intake/line"
	"github.com/tutela-health/tutela/detect/logs"
	"github.com/tutela-health/tutela/store"
)

// keeps takes lines, with what is written beside them.
type keeps interface {
	Reader(d *gate.Desk) *line.Reader
	Keep(ctx context.Context, d *gate.Desk, lines []line.Read, with store.Op) error
}

// places remember how far files were read.
type places interface {
	At(ctx context.Context, file string) (logs.Place, error)
	Head(begins []byte) int64
	Reached(file string, p logs.Place, offset, head int64) (store.Op, logs.Place)
}

// Tail follows one file.
type Tail struct {
	Path   string
	Source *gate.Desk
	Keeps  keeps
	Places places
	Log    *slog.Logger

	reader *line.Reader
	told   bool // that the file cannot be read
}

// The limits of one round.
const (
	headBytes  = 1 << 10 // of a file's beginning that tell it from the next one
	roundLines = 1000
	roundBytes = 4 << 20
	every      = time.Second
)

// Run follows the file until the context ends.
func (t *Tail) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := t.Look(ctx)
		if err != nil && !t.told && ctx.Err() == nil {
			t.Log.LogAttrs(ctx, slog.LevelWarn, "a log file cannot be followed; trying again", slog.String("source", t.Source.Name), slog.String("error", err.Error()))
		}
		t.told = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Look reads what is new. A file that is not there is an error.
func (t *Tail) Look(ctx context.Context) error {
	p, err := t.Places.At(ctx, t.Path)
	if err != nil {
		return err
	}
	f, err := os.Open(t.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	same, err := t.goesOn(f, p)
	if err != nil {
		return err
	}
	if !same {
		if err := t.rest(ctx, &p); err != nil {
			return err
		}
		p.Offset, t.reader = 0, nil
	}
	return t.read(ctx, f, &p)
}

// goesOn reports whether a file is the one that was read before: it is as long as that at least, and begins so.
func (t *Tail) goesOn(f *os.File, p logs.Place) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size() < p.Offset {
		return false, err
	}
	head, err := t.head(f, p.Offset)
	return p.Offset == 0 || head == p.Head, err
}

// head is the keyed hash of a file's beginning, as far as it was read.
func (t *Tail) head(f *os.File, offset int64) (int64, error) {
	b := make([]byte, min(offset, headBytes))
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return t.Places.Head(b), nil
}

// rest reads what was left of a file that was rotated.
func (t *Tail) rest(ctx context.Context, p *logs.Place) error {
	f, err := os.Open(t.Path + ".1")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if same, err := t.goesOn(f, *p); err != nil || !same {
		return err
	}
	return t.read(ctx, f, p)
}

// read takes a file's whole lines from a place on, a round at a time.
func (t *Tail) read(ctx context.Context, f *os.File, p *logs.Place) error {
	if _, err := f.Seek(p.Offset, io.SeekStart); err != nil {
		return err
	}
	if t.reader == nil {
		t.reader = t.Keeps.Reader(t.Source)
		if err := t.recall(f, p.Offset); err != nil {
			return err
		}
	}
	in := bufio.NewReaderSize(f, event.MaxLine+1)
	for ctx.Err() == nil {
		lines, n, err := t.round(in)
		if err != nil || n == 0 {
			return err
		}
		head, err := t.head(f, p.Offset+n)
		if err != nil {
			return err
		}
		with, next := t.Places.Reached(t.Path, *p, p.Offset+n, head)
		if err := t.Keeps.Keep(ctx, t.Source, lines, with); err != nil {
			return err
		}
		for _, l := range lines {
			if l.Line.Event != nil {
				t.Source.Took(l.Line.Event.Time)
			}
		}
		*p = next
	}
	return ctx.Err()
}

// recall shows the reader a file's first lines again: the head of a W3C log says what its columns are.
func (t *Tail) recall(f *os.File, offset int64) error {
	b := make([]byte, min(offset, headBytes))
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for l := range bytes.Lines(b) {
		if l[0] != '#' {
			break
		}
		_, _ = t.reader.Read(l) // it was read before; only what the reader remembers counts
	}
	return nil
}

// round reads some lines, and gives how many bytes they are. A line without an end is not whole yet.
func (t *Tail) round(in *bufio.Reader) (lines []line.Read, n int64, err error) {
	for count := 0; count < roundLines && n < roundBytes; count++ {
		b, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return lines, n, nil
		case errors.Is(err, bufio.ErrBufferFull):
			skipped, err := skip(in)
			if err != nil {
				return lines, n, eofIsFine(err)
			}
			n += int64(len(b)) + skipped
			t.Source.Refuse("is longer than 1 MiB")
			continue
		case err != nil:
			return lines, n, err
		}
		n += int64(len(b))
		got, wrong := t.reader.Read(b)
		switch {
		case errors.Is(wrong, line.ErrNothing):
		case wrong != nil:
			t.Source.Refuse(wrong.Error())
		default:
			lines = append(lines, got)
		}
	}
	return lines, n, nil
}

// skip reads to the end of a line.
func skip(in *bufio.Reader) (n int64, err error) {
	for {
		b, err := in.ReadSlice('\n')
		n += int64(len(b))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return n, err
		}
	}
}

func eofIsFine(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
