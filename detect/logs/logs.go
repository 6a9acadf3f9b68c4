package logs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// notes seals what is kept. The records do.
type notes interface {
	SealNote(ctx context.Context, b tutela.Bucket, subject, plain []byte) ([]byte, error)
	OpenNote(ctx context.Context, b tutela.Bucket, subject, sealed []byte) ([]byte, error)
}

// Config says what a Store works with.
type Config struct {
	DB    *store.DB
	Audit *audit.Log
	Notes notes
	// Alias is a keyed hash.
	Alias func(what, value string) int64
	Clock clock.Clock
	Log   *slog.Logger
	// Keep is how long lines are kept; 0 means DefaultKeep.
	Keep time.Duration
}

// DefaultKeep is how long lines are kept where nothing else is said.
const DefaultKeep = 400 * 24 * time.Hour

// Store keeps events. Safe for concurrent use, also by several nodes.
type Store struct {
	cfg Config
	enc *zstd.Encoder
	dec *zstd.Decoder

	mu sync.Mutex // one batch at a time of this node
}

// New returns a Store over a migrated database.
func New(c Config) (*Store, error) {
	if c.Keep == 0 {
		c.Keep = DefaultKeep
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("make compressor: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(4*batchBytes))
	if err != nil {
		return nil, fmt.Errorf("make decompressor: %w", err)
	}
	return &Store{cfg: c, enc: enc, dec: dec}, nil
}

// tries is how often a batch is made anew because another node wrote one.
const tries = 16

// Take keeps events. When it returns without an error they are durable. What is given with them is written with the last
// of them, or not at all; a claim of it that does not hold is a Conflict.
func (s *Store) Take(ctx context.Context, events []Event, with store.Op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		n := size(events)
		op := store.Op{}
		if n == len(events) {
			op = with
		}
		if err := s.take(ctx, events[:n], op); err != nil {
			return fmt.Errorf("keep lines of logs: %w", err)
		}
		if events = events[n:]; len(events) == 0 {
			return nil
		}
	}
}

// size is how many events go into a batch.
func size(events []Event) int {
	bytes := 0
	for i := range min(len(events), perBatch) {
		if bytes += len(events[i].Line); bytes > batchBytes && i > 0 {
			return i
		}
	}
	return min(len(events), perBatch)
}

func (s *Store) take(ctx context.Context, events []Event, with store.Op) error {
	if len(events) == 0 {
		return s.commit(ctx, with)
	}
	b, err := s.draft(events)
	if err != nil {
		return err
	}
	for range tries {
		if err = s.write(ctx, b, with); !errs.Is(err, errs.Conflict) {
			return err
		}
		if held, failed := s.holds(ctx, with); failed != nil || !held {
			return err
		}
	}
	return err
}

func (s *Store) commit(ctx context.Context, op store.Op) error {
	if len(op.Claims)+len(op.Inserts) == 0 {
		return nil
	}
	return s.cfg.DB.Commit(ctx, op)
}

// draft is a batch before it has its number.
type draft struct {
	packed      []byte
	terms       map[string]struct{}
	n           int
	first, last int64 // of the times at which things happened, in Unix milliseconds
}

func (s *Store) draft(events []Event) (*draft, error) {
	plain, err := json.Marshal(events)
	if err != nil {
		return nil, err
	}
	d := &draft{packed: s.enc.EncodeAll(plain, nil), terms: map[string]struct{}{}, n: len(events)}
	p := event.NewParser()
	for i, e := range events {
		at := e.At.UnixMilli()
		if i == 0 || at < d.first {
			d.first = at
		}
		if i == 0 || at > d.last {
			d.last = at
		}
		l, err := p.Parse(e.Line)
		if err != nil || l.Event == nil {
			return nil, errs.New(errs.Internal, "a line that is to be kept is none")
		}
		for term := range termsOf(e.Source, l.Event) {
			d.terms[term] = struct{}{}
		}
	}
	return d, nil
}

// open opens a batch.
func (s *Store) open(ctx context.Context, r row) ([]Event, error) {
	packed, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, r.subject(), r.sealed)
	if err != nil {
		return nil, fmt.Errorf("open batch %d of logs: %w", r.seq, err)
	}
	plain, err := s.dec.DecodeAll(packed, nil)
	var events []Event
	if err == nil {
		err = json.Unmarshal(plain, &events)
	}
	if err == nil && len(events) > perBatch {
		err = errs.New(errs.Internal, "it is too long")
	}
	if err != nil {
		return nil, fmt.Errorf("read batch %d of logs: %w", r.seq, err)
	}
	return events, nil
}
