package audit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// Checks are what the ledger can show of itself by trying: that an edit of any of its rows is found.
func (l *Log) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "watch.ledger-edit-caught", Title: "A changed row of the ledger is found",
		Controls: []string{"P12", "45 CFR 164.312(b)", "45 CFR 164.312(c)(2)", "21 CFR 11.10(e)"},
		Fresh:    24 * time.Hour, Try: editCheck{l, l.verify}.try,
	}}
}

// editCheck verifies the ledger twice within one snapshot: as it is, and as a copy in which one
// bit of one row is another. The copy is made on the way from the store to the verification: it
// takes no room however long the ledger is, and the stored rows stay as they are.
type editCheck struct {
	log    *Log
	verify func(context.Context, store.Querier, VerifyOptions) (Report, error)
}

func (c editCheck) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: fmt.Sprintf("ledger %s (%s)", c.log.cfg.Origin, c.log.cfg.DB.Engine())}
	err := c.log.cfg.DB.Snapshot(ctx, func(q store.Querier) (err error) {
		e.Verdict, e.Observed, err = c.tryOn(ctx, q)
		return err
	})
	if err != nil {
		e.Verdict, e.Observed = tutela.CouldNotCheck, fmt.Sprintf("the ledger could not be read to its end: %v", err)
	}
	return e
}

func (c editCheck) tryOn(ctx context.Context, q store.Querier) (tutela.Verdict, string, error) {
	sealed := VerifyOptions{Sealed: true, Limit: 1} // what is inside a seal cannot be edited through it
	asIs, err := c.verify(ctx, q, sealed)
	if err != nil {
		return tutela.CouldNotCheck, "", err
	}
	length := fmt.Sprintf("%d entries in the tree and %d pending", asIs.Size, asIs.Pending)
	if !asIs.Clean() {
		return tutela.Fail, fmt.Sprintf("%s: the ledger itself does not verify: %s", length, asIs.Problems[0]), nil
	}
	s, found, err := c.pick(ctx, q, asIs.Size)
	if err != nil || !found {
		return tutela.CouldNotCheck, "the ledger has no row yet that could be changed", err
	}
	edited, err := c.verify(ctx, oneBitChanged(q, s.value), sealed)
	if err != nil {
		return tutela.CouldNotCheck, "", err
	}
	if edited.Clean() {
		return tutela.Fail, fmt.Sprintf("%s verified; one changed bit in %s was not found", length, s.where), nil
	}
	return tutela.Pass, fmt.Sprintf("%s verified; one changed bit in %s was found: %s", length, s.where, edited.Problems[0]), nil
}

// spot is a stored value that can be edited.
type spot struct {
	where string
	value []byte
}

// pick takes a row at random, of a table at random.
func (c editCheck) pick(ctx context.Context, q store.Querier, size int64) (spot, bool, error) {
	tables := []func(context.Context, store.Querier, int64) (spot, error){
		batchSpot, tileSpot, checkpointSpot, pendingSpot, headSpot,
	}
	for _, i := range rand.Perm(len(tables)) {
		s, err := tables[i](ctx, q, size)
		if err != nil || len(s.value) > 0 {
			return s, err == nil, err
		}
	}
	return spot{}, false, nil
}

func batchSpot(ctx context.Context, q store.Querier, size int64) (spot, error) {
	if size == 0 {
		return spot{}, nil
	}
	first, _, err := batchHolding(ctx, q, rand.Int64N(size))
	if err != nil {
		return spot{}, err
	}
	b, _, err := readBatch(ctx, q, first)
	return spot{b.where(), b.blob}, err
}

func tileSpot(ctx context.Context, q store.Querier, size int64) (spot, error) {
	if size == 0 {
		return spot{}, nil
	}
	levels := int64(1)
	for size>>(tileHeight*levels) > 0 {
		levels++
	}
	level := rand.Int64N(levels)
	id := tileID{level, rand.Int64N((size>>(tileHeight*level) + tileWidth - 1) / tileWidth)}
	hashes, _, err := readTile(ctx, q, id)
	return spot{id.where(), hashes}, err
}

func checkpointSpot(ctx context.Context, q store.Querier, _ int64) (s spot, err error) {
	n := 0
	err = eachCheckpoint(ctx, q, func(k keptCheckpoint) error {
		if n++; rand.IntN(n) == 0 {
			s = spot{fmt.Sprintf("ledger_checkpoints size %d", k.size), k.note}
		}
		return nil
	})
	return s, err
}

func pendingSpot(ctx context.Context, q store.Querier, _ int64) (s spot, err error) {
	n := 0
	err = eachPending(ctx, q, nil, func(b batch) error {
		if n++; rand.IntN(n) == 0 {
			s = spot{pendingWhere(b.lane, b.seq), b.blob}
		}
		return nil
	})
	return s, err
}

func headSpot(ctx context.Context, q store.Querier, _ int64) (s spot, err error) {
	n := 0
	err = eachHead(ctx, q, func(id laneID, h head, _ []byte) error {
		if n++; rand.IntN(n) == 0 {
			s = spot{"ledger_heads lane " + id.String(), h.hash[:]}
		}
		return nil
	})
	return s, err
}
