package store_test

import (
	"context"
	"errors"
	"sync"

	"github.com/tutela-health/tutela/store"
)

var chainRows = &store.Table{
	Name:    "chain",
	Columns: []store.Column{{"lane", store.Int}, {"seq", store.Int}, {"body", store.Bytes}},
	Key:     2,
}

// chain is a Stamper that numbers the batches of each lane, as the ledger does.
type chain struct {
	mu      sync.Mutex
	seq     map[int]int64 // committed
	open    map[int]int   // entries stamped and not settled
	settled map[int]int64 // entries settled as committed
	wrong   error         // a broken rule
	refuse  []byte        // an entry that cannot be stamped
}

var errRefused = errors.New("refused entry")

func newChain() *chain {
	return &chain{seq: map[int]int64{}, open: map[int]int{}, settled: map[int]int64{}}
}

func (c *chain) Stamp(lane int, entries [][]byte) (store.Stamped, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.open[lane]; ok {
		c.wrong = errors.New("stamped twice without settling")
	}
	c.open[lane] = len(entries)
	var body []byte
	for _, e := range entries {
		if c.refuse != nil && string(e) == string(c.refuse) {
			return store.Stamped{}, errRefused
		}
		body = append(append(body, byte(len(e))), e...)
	}
	row := store.Rows{Table: chainRows, Rows: [][]any{{int64(lane), c.seq[lane] + 1, body}}}
	head := store.Rows{Table: counters, Rows: [][]any{{int64(-1 - lane), c.seq[lane] + 1}}}
	mark := store.Rows{Table: chainRows, Rows: [][]any{{int64(lane), c.seq[lane] + 1}}}
	return store.Stamped{Inserts: []store.Rows{row}, Upserts: []store.Rows{head}, Mark: mark}, nil
}

func (c *chain) Settle(lane int, committed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.open[lane]
	if !ok {
		c.wrong = errors.New("settled without stamping")
	}
	delete(c.open, lane)
	if committed {
		c.seq[lane]++
		c.settled[lane] += int64(n)
	}
}

// load continues the lanes where the database has them.
func (c *chain) load(ctx context.Context, db store.Querier) error {
	return db.Query(ctx, "SELECT lane, max(seq) FROM chain GROUP BY lane", nil, func(s store.Scanner) error {
		var lane int
		var seq int64
		err := s.Scan(&lane, &seq)
		c.seq[lane] = seq
		return err
	})
}
