package audit

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/store"
)

// state is what the sequencer knows after its last transaction: the tree's head and the last
// row it took from every lane. It is one row, authenticated, replaced each time.
type state struct {
	size  int64
	root  tlog.Hash
	lanes map[laneID]head
	days  days
	mac   []byte // as stored; nil before the first sequencing
}

// days is the period that the tree's entries fall into, so that a question without a beginning or
// an end knows where to stop. Its zero value is empty.
type days struct{ first, last int64 }

// with is the period that also holds a leaf's day.
func (d days) with(entry []byte) days {
	f, err := parseLeaf(entry)
	if err != nil {
		return d
	}
	return d.on(int64(f.day))
}

// on is the period that also holds a day.
func (d days) on(day int64) days {
	if d == (days{}) {
		return days{day, day}
	}
	return days{min(d.first, day), max(d.last, day)}
}

// readState gives the stored state, or that of an empty tree; a row that does not verify is ErrTampered.
func (l *Log) readState(ctx context.Context, q store.Querier) (state, error) {
	r, found, err := readState(ctx, q)
	if err != nil {
		return state{}, err
	}
	if !found {
		return state{root: (&frontier{}).root(), lanes: map[laneID]head{}}, nil
	}
	lanes, err := parseLanes(r.lanes)
	st := state{r.size, exactly32(r.root), lanes, r.days, r.mac}
	if err != nil || len(r.root) != tlog.HashSize || !hmac.Equal(r.mac, l.macs.state(st)) {
		return st, tampered("ledger_state", "MAC does not match")
	}
	return st, nil
}

func (m macs) state(st state) []byte {
	var b []byte
	for _, n := range []int64{st.size, st.days.first, st.days.last} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return m.sum("state", b, st.root[:], appendLanes(nil, st.lanes))
}

func (l *Log) stateRow(st state) store.Rows {
	return row(l.tables.state, int64(0), st.size, st.root[:], st.days.first, st.days.last,
		appendLanes(nil, st.lanes), l.macs.state(st))
}

// appendLanes writes the lanes in order: node, number, sequence number, hash.
func appendLanes(dst []byte, lanes map[laneID]head) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(lanes)))
	for _, id := range sortedLanes(lanes) {
		dst = id.append(dst)
		dst = binary.BigEndian.AppendUint64(dst, uint64(lanes[id].seq))
		h := lanes[id].hash
		dst = append(dst, h[:]...)
	}
	return dst
}

func sortedLanes(lanes map[laneID]head) []laneID {
	return slices.SortedFunc(maps.Keys(lanes), func(a, b laneID) int {
		if c := strings.Compare(a.node, b.node); c != 0 {
			return c
		}
		return int(a.number - b.number)
	})
}

func parseLanes(b []byte) (map[laneID]head, error) {
	c := cursor{rest: b}
	lanes := make(map[laneID]head)
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		id := laneID{string(c.prefixed()), int64(c.uint64())}
		lanes[id] = head{int64(c.uint64()), c.hash()}
	}
	if c.bad || len(c.rest) > 0 {
		return nil, fmt.Errorf("lanes: %w", errLeaf)
	}
	return lanes, nil
}

// edgeOf loads the tree's right edge, and checks it against the root: a tile that was edited
// must not find its way into a checkpoint.
func edgeOf(ctx context.Context, q store.Querier, st state) (*frontier, error) {
	f := &frontier{size: st.size}
	for level := int64(0); st.size>>(tileHeight*level) > 0; level++ {
		f.edges = append(f.edges, nil)
		id := tileID{level, st.size >> (tileHeight * (level + 1))}
		width := tileWidthAt(id, st.size)
		if width == 0 {
			continue
		}
		data, _, err := readTile(ctx, q, id)
		if err != nil {
			return nil, err
		}
		hashes := splitHashes(data)
		if len(hashes) != width {
			return nil, tampered(id.where(), fmt.Sprintf("%d hashes, want %d", len(hashes), width))
		}
		f.edges[level] = hashes
	}
	if f.root() != st.root {
		return nil, tampered("ledger_tiles", "the right edge does not hash to the tree's root")
	}
	return f, nil
}

// where names a tile's row.
func (id tileID) where() string { return fmt.Sprintf("ledger_tiles %d/%d", id.level, id.index) }
