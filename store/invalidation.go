package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

// The times of invalidation. A node polls often enough that staleAfter allows for three missed polls.
const (
	pollEvery  = 250 * time.Millisecond
	staleAfter = 900 * time.Millisecond
	// pollWithin ends a poll that nobody answers, so that the next one takes another connection. It
	// has been stale for long by then.
	pollWithin = 2 * time.Second
	purgeEvery = time.Minute
	keepFor    = 10 * time.Minute
	// skew is how far two nodes' clocks may differ, and how long a transaction may take to
	// commit after its row got its time: each poll looks back that far.
	skew = 30 * time.Second
)

// invalidations is the table of what changed; see schema.go.
var invalidations = Table{ //nolint:gochecknoglobals // fixed: a Table is told from another by its address
	Name:    "invalidations",
	Columns: []Column{{"at", Int}, {"id", Int}, {"topic", Text}, {"key", Bytes}},
	Key:     2,
}

// Invalidation says that what is cached under a topic and key is no longer true.
type Invalidation struct {
	Topic string // what kind of thing, e.g. "token"
	Key   []byte // which; never a value from a record
}

// Publish gives the rows that announce changes. They belong into the Op or Update that makes them.
func (db *DB) Publish(changes ...Invalidation) Rows {
	at := db.clock().UnixMilli()
	rows := Rows{Table: &invalidations}
	for _, c := range changes {
		rows.Rows = append(rows.Rows, []any{at, randomID(), c.Topic, append([]byte{}, c.Key...)})
	}
	return rows
}

func randomID() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:]))
}

// Invalidations tells a node's caches what other nodes, and this one, have changed. Caches ask
// Fresh before they trust themselves.
type Invalidations struct {
	db     *DB
	polled atomic.Int64 // Unix milliseconds when the last successful poll began

	mu          sync.Mutex // guards what follows
	subscribers map[string][]func(key []byte)

	seen   map[[2]int64]struct{} // rows of the last polls; only poll uses it
	purged time.Time             // only poll uses it
	stop   context.CancelFunc
	ended  chan struct{}
}

// Watch polls until Close. Changes from before it was called are not reported: a new cache is empty.
func (db *DB) Watch(ctx context.Context) (*Invalidations, error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &Invalidations{
		db: db, subscribers: map[string][]func([]byte){}, seen: map[[2]int64]struct{}{},
		purged: db.clock(), stop: stop, ended: make(chan struct{}),
	}
	if err := w.poll(ctx); err != nil {
		stop()
		return nil, err
	}
	go w.run(ctx)
	return w, nil
}

// Subscribe has f called with the key of every change under topic. f must be quick and must not
// call Subscribe; a change may be reported twice.
func (w *Invalidations) Subscribe(topic string, f func(key []byte)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subscribers[topic] = append(w.subscribers[topic], f)
}

// Fresh says whether caches may be used: the last successful poll began less than 900 ms ago.
func (w *Invalidations) Fresh() bool {
	return w.db.clock().UnixMilli()-w.polled.Load() <= staleAfter.Milliseconds()
}

// Close stops polling and waits for it.
func (w *Invalidations) Close() {
	w.stop()
	<-w.ended
}

func (w *Invalidations) run(ctx context.Context) {
	defer close(w.ended)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = w.poll(ctx) // a failed poll shows in Fresh
		}
	}
}

// poll reports rows that it has not seen. It looks back over skew, since rows become visible in
// another order than their times; rows leave memory with that window.
func (w *Invalidations) poll(ctx context.Context) error {
	began := w.db.clock()
	first := w.polled.Load() == 0
	since := began.Add(-skew).UnixMilli()
	seen := map[[2]int64]struct{}{}
	var fresh []Invalidation
	within, cancel := context.WithTimeout(ctx, pollWithin)
	defer cancel()
	err := w.db.Query(within, "SELECT at, id, topic, key FROM invalidations WHERE at >= ? ORDER BY at, id",
		[]any{since}, func(s Scanner) error {
			var id [2]int64
			var i Invalidation
			if err := s.Scan(&id[0], &id[1], &i.Topic, &i.Key); err != nil {
				return err
			}
			seen[id] = struct{}{}
			if _, ok := w.seen[id]; !ok && !first {
				fresh = append(fresh, i)
			}
			return nil
		})
	if err != nil {
		return err
	}
	w.seen = seen
	w.tell(fresh)
	w.polled.Store(began.UnixMilli())
	return w.purge(ctx, began)
}

func (w *Invalidations) tell(changes []Invalidation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range changes {
		for _, f := range w.subscribers[c.Topic] {
			f(bytes.Clone(c.Key))
		}
	}
}

// purge deletes old rows now and then; several nodes may do it at once. It gives way to a busy
// writer, so that polling goes on.
func (w *Invalidations) purge(ctx context.Context, now time.Time) error {
	if now.Sub(w.purged) < purgeEvery {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pollEvery)
	defer cancel()
	w.purged = now
	return w.db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM invalidations WHERE at < ?", now.Add(-keepFor).UnixMilli())
		return err
	})
}
