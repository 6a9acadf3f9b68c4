package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/store"
)

// batches recomputes chains and leaves of everything that was sequenced.
func (v *verification) batches(ctx context.Context, q store.Querier) error {
	var next int64 // leaf
	err := everyBatch(ctx, q, func(b stored) error {
		if b.first != next {
			v.gap(b.first, next)
		}
		next = max(next, b.end())
		return v.batch(ctx, q, b)
	})
	if err != nil {
		return err
	}
	if v.stateless {
		v.state = state{size: next, lanes: v.lanes, days: v.days}
	}
	if next != v.state.size {
		v.gap(v.state.size, next)
	}
	v.laneEnds()
	if v.days != v.state.days {
		v.problem("ledger_state", "its first and last day are not those of the entries")
	}
	return nil
}

// end is the leaf after a batch's last.
func (b stored) end() int64 {
	entries, _ := unbundle(b.blob) // one that does not split is named as a problem
	return b.first + int64(len(entries))
}

// gap reports rows that are missing before a leaf, or one too many.
func (v *verification) gap(found, want int64) {
	if found > want {
		v.problem("ledger_batches", "leaves %d to %d are missing", want, found-1)
		return
	}
	v.problem(fmt.Sprintf("ledger_batches first_leaf %d", found), "overlaps other rows, or lies beyond the tree, which ends at %d", want)
}

// batch checks one row: its place in its lane, its MAC, and each of its leaves.
func (v *verification) batch(ctx context.Context, q store.Querier, b stored) error {
	end, what := v.log.follows(b.batch, v.lanes[b.lane])
	if what != "" {
		v.problem(b.where(), "lane %s seq %d: %s", b.lane, b.seq, what)
	}
	v.lanes[b.lane] = end
	entries, err := unbundle(b.blob)
	if err != nil {
		v.problem(b.where(), "%v", err)
		return nil
	}
	if int64(len(entries)) != b.count {
		v.problem(b.where(), "holds %d entries, its count says %d", len(entries), b.count)
	}
	for i, e := range entries {
		if err := v.leaf(ctx, q, b.first+int64(i), e); err != nil {
			return err
		}
	}
	return v.batchPostings(ctx, b.first, entries)
}

// leaf holds an entry against the stored tree, and opens it.
func (v *verification) leaf(ctx context.Context, q store.Querier, at int64, entry []byte) error {
	if err := v.loadTile(ctx, q, at); err != nil {
		return err
	}
	if i := at % tileWidth; i < 0 || i >= int64(len(v.tile)) || v.tile[i] != tlog.RecordHash(entry) {
		v.problem(leafWhere(at), "does not hash to its place in %s", tileID{0, max(at, 0) / tileWidth}.where())
	}
	v.days = v.days.with(entry)
	return v.entry(ctx, leafWhere(at), at, entry)
}

func leafWhere(at int64) string { return fmt.Sprintf("leaf %d", at) }

// loadTile gets the lowest tile that has a leaf, as far as the tree reaches.
func (v *verification) loadTile(ctx context.Context, q store.Querier, leaf int64) error {
	index := leaf / tileWidth
	if v.tile != nil && v.tileAt == index {
		return nil
	}
	data, _, err := readTile(ctx, q, tileID{0, index})
	if err != nil {
		return err
	}
	v.tile, v.tileAt = splitHashes(data), index
	return nil
}

// laneEnds compares where the sequenced chains end with what the state says.
func (v *verification) laneEnds() {
	for _, id := range sortedLanes(v.state.lanes) {
		if v.lanes[id] != v.state.lanes[id] {
			v.problem("ledger_batches", "lane %s ends at seq %d, or with another row, where the state says seq %d",
				id, v.lanes[id].seq, v.state.lanes[id].seq)
		}
	}
	for _, id := range sortedLanes(v.lanes) {
		if _, known := v.state.lanes[id]; !known {
			v.problem("ledger_batches", "lane %s is not in the state", id)
		}
	}
}

// pending checks the chains of what is not in the tree yet, and that they end where their heads say.
func (v *verification) pending(ctx context.Context, q store.Querier) error {
	ends := maps.Clone(v.state.lanes)
	err := everyPending(ctx, q, func(b batch) error {
		end, what := v.log.follows(b, ends[b.lane])
		if what != "" {
			v.problem(pendingWhere(b.lane, b.seq), "%s", what)
		}
		ends[b.lane] = end
		return v.pendingRow(ctx, b)
	})
	if err != nil {
		return err
	}
	return v.heads(ctx, q, ends)
}

func (v *verification) pendingRow(ctx context.Context, b batch) error {
	where := pendingWhere(b.lane, b.seq)
	entries, err := unbundle(b.blob)
	if err != nil {
		v.problem(where, "%v", err)
		return nil
	}
	v.report.Pending += int64(len(entries))
	for _, e := range entries {
		if err := v.entry(ctx, where, Pending, e); err != nil {
			return err
		}
	}
	return nil
}

// heads compares where the lanes end with their head rows. Each lane has one.
func (v *verification) heads(ctx context.Context, q store.Querier, ends map[laneID]head) error {
	var seen []laneID
	err := eachHead(ctx, q, func(id laneID, h head, mac []byte) error {
		seen = append(seen, id)
		where := "ledger_heads lane " + id.String()
		holds := v.log.macs.headHolds(id, h, mac)
		if !holds {
			v.problem(where, "MAC does not match")
		}
		if holds && h.seq > ends[id].seq {
			v.problem(pendingWhere(id, ends[id].seq+1), "missing: the lane's head is at seq %d", h.seq)
		} else if h != ends[id] {
			v.problem(where, "ends at seq %d, or with another row, where the rows end at seq %d", h.seq, ends[id].seq)
		}
		return nil
	})
	for _, id := range sortedLanes(ends) {
		if !slices.Contains(seen, id) {
			v.problem("ledger_heads lane "+id.String(), "missing")
		}
	}
	return err
}
