package detect

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// partSize is how much of the memory lies in a row; maxMemory bounds what is taken back.
const (
	partSize  = 1 << 20
	maxMemory = 1 << 30
)

// errOther says that the memory is that of other detectors.
var errOther = errors.New("the kept memory is of other detectors")

// writeMemory writes what every part of a watch remembers: a name, a length and its state, each.
func (w *Watch) writeMemory(to io.Writer) error {
	var state bytes.Buffer
	for _, p := range w.parts() {
		state.Reset()
		if err := p.state.Snapshot(&state); err != nil {
			return fmt.Errorf("keep what %s remembers: %w", p.name, err)
		}
		head := binary.AppendUvarint(nil, uint64(len(p.name)))
		head = append(head, p.name...)
		head = binary.AppendUvarint(head, uint64(state.Len()))
		if _, err := to.Write(append(head, state.Bytes()...)); err != nil {
			return err
		}
	}
	return nil
}

// readMemory takes it back. Detectors must be those that wrote it, in the same order.
func (w *Watch) readMemory(from io.Reader) error {
	all, err := io.ReadAll(io.LimitReader(from, maxMemory))
	if err != nil {
		return fmt.Errorf("read the kept memory: %w", err)
	}
	for _, p := range w.parts() {
		name, rest, ok := field(all)
		if !ok || string(name) != p.name {
			return errOther
		}
		state, rest, ok := field(rest)
		if !ok {
			return errOther
		}
		if err := p.state.Restore(bytes.NewReader(state)); err != nil {
			return fmt.Errorf("restore what %s remembers: %w", p.name, err)
		}
		all = rest
	}
	if len(all) > 0 {
		return errOther
	}
	return nil
}

// field takes bytes behind their length.
func field(b []byte) (f, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	return b[n : n+int(size)], b[n+int(size):], true
}

// remember makes the watch's memory rows of the next generation, in place of the one before.
func (s *Service) remember(ctx context.Context, op *store.Op, p *progress) error {
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	if err := errors.Join(s.watch.writeMemory(z), z.Close()); err != nil {
		return err
	}
	if p.Memory > 0 {
		op.Deletes = append(op.Deletes, store.Rows{Table: memoryTable(), Rows: [][]any{{p.Memory}}})
	}
	p.Memory++
	rows, of := store.Rows{Table: memoryTable()}, (packed.Len()+partSize-1)/partSize
	for n := range of {
		sealed, err := s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, memorySubject(p.Memory, n, of), packed.Next(partSize))
		if err != nil {
			return err
		}
		rows.Rows = append(rows.Rows, []any{p.Memory, int64(n), sealed})
	}
	op.Inserts, op.Alone = append(op.Inserts, rows), true
	clear(p.Saved)
	for name, at := range p.Places {
		p.Saved[name] = at
	}
	return nil
}

func memorySubject(generation int64, n, of int) []byte {
	return fmt.Appendf(nil, "detect memory %d %d/%d", generation, n, of)
}

// recall takes the kept memory back into a watch.
func (s *Service) recall(ctx context.Context, generation int64, w *Watch) error {
	sealed, err := s.parts(ctx, generation)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	for n, part := range sealed {
		plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, memorySubject(generation, n, len(sealed)), part)
		if err != nil {
			return fmt.Errorf("open the kept memory: %w", err)
		}
		packed.Write(plain)
	}
	z, err := zstd.NewReader(&packed, zstd.WithDecoderMaxMemory(maxMemory), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	defer z.Close()
	return w.readMemory(z)
}
