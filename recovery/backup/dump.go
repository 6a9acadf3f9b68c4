package backup

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/store"
)

// whole writes every row of every table that travels.
func whole(ctx context.Context, q store.Querier, w *writer, all []*store.Table) (image, error) {
	for _, t := range travelling(all, written, appended, tiled) {
		if err := putAll(ctx, q, w, t, t.Select(t.ByKey())); err != nil {
			return nil, err
		}
	}
	return compare(ctx, q, w, travelling(all, compared), nil)
}

func putAll(ctx context.Context, q store.Querier, w *writer, t *store.Table, sql string, args ...any) error {
	err := q.Query(ctx, sql, args, func(s store.Scanner) error {
		row, err := t.ScanRow(s)
		if err != nil {
			return err
		}
		return w.put(t, row)
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	return nil
}

// changed writes what is new between two marks, and what differs from an image.
func changed(ctx context.Context, q store.Querier, w *writer, all []*store.Table, log *audit.Log, since, now audit.Mark, before image) (image, error) {
	if err := putWritten(ctx, q, w, all, log, since); err != nil {
		return nil, err
	}
	for _, t := range travelling(all, appended) {
		if err := putAll(ctx, q, w, t, t.Select("WHERE first_leaf >= ?"), since.Size); err != nil {
			return nil, err
		}
	}
	for _, t := range travelling(all, tiled) {
		if now.Size == since.Size {
			break // the last tile is there, as far as it is filled
		}
		if err := putTiles(ctx, q, w, t, since.Size); err != nil {
			return nil, err
		}
	}
	return compare(ctx, q, w, travelling(all, compared), before)
}

// tileHeight is C2SP tlog-tiles': 256 hashes a tile.
const tileHeight = 8

// putTiles writes the tiles that leaves from one on are under.
func putTiles(ctx context.Context, q store.Querier, w *writer, t *store.Table, from int64) error {
	for level := int64(0); level*tileHeight < 63; level++ {
		first := int64(0)
		if shift := tileHeight * (level + 1); shift < 63 {
			first = from >> shift
		}
		if err := putAll(ctx, q, w, t, t.Select("WHERE level = ? AND idx >= ?"), level, first); err != nil {
			return err
		}
	}
	return nil
}

// version names a row of versions.
type version struct{ bucket, locator, version int64 }

// putWritten writes the versions that the ledger names, their keys, and where their resources now are.
func putWritten(ctx context.Context, q store.Querier, w *writer, all []*store.Table, log *audit.Log, since audit.Mark) error {
	versions, locators := map[version]bool{}, map[int64]bool{}
	err := log.WritesSince(ctx, q, since, func(x tutela.Write) error {
		versions[version{int64(x.Bucket), int64(x.Locator), x.Version}] = true
		locators[int64(x.Locator)] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask the ledger what was written: %w", err)
	}
	for _, t := range travelling(all, written) {
		switch t.Name {
		case "locators":
			for l := range locators {
				if err := putAll(ctx, q, w, t, t.Select("WHERE locator = ?"), l); err != nil {
					return err
				}
			}
		case "versions":
			for v := range versions {
				if err := putAll(ctx, q, w, t, t.Select("WHERE bucket = ? AND locator = ? AND version = ?"), v.bucket, v.locator, v.version); err != nil {
					return err
				}
			}
		case "shared_keys":
			for v := range versions {
				if v.bucket != int64(tutela.BucketShared) {
					continue
				}
				if err := putAll(ctx, q, w, t, t.Select("WHERE locator = ? AND version = ?"), v.locator, v.version); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// keyState is what the last keyring held: how many keys of each generation were made before a moment,
// and how many there were in all. What is made later is in the next part; where an older count is
// not what it was, keys were rewrapped or destroyed, or a clock went back, and all travel again.
type keyState struct {
	Until  int64           `json:"until"` // Unix seconds
	Counts map[int64]int64 `json:"counts"`
	// All tells the keys of each generation from others, the new ones too: their number, and a sum of ids.
	All    map[int64][2]int64 `json:"all"`
	Newest int64              `json:"newest"` // generation
}

// lateKey is how long a key may have been under way, by the clock that it bears, before its row was there.
const lateKey = 600 // seconds

func countKeys(ctx context.Context, q store.Querier, until int64) (keyState, error) {
	k := keyState{Until: until, Counts: map[int64]int64{}}
	err := q.Query(ctx, "SELECT generation, count(*) FROM wrapped_keys WHERE created < ? GROUP BY generation", []any{until}, func(s store.Scanner) error {
		var generation, n int64
		err := s.Scan(&generation, &n)
		k.Counts[generation] = n
		return err
	})
	if err == nil {
		err = k.countAll(ctx, q)
	}
	return k, err
}

func (k *keyState) countAll(ctx context.Context, q store.Querier) error {
	k.All = map[int64][2]int64{}
	return q.Query(ctx, "SELECT generation, count(*), CAST(sum(id % 1000003 + version) AS bigint) FROM wrapped_keys GROUP BY generation", nil, func(s store.Scanner) error {
		var generation int64
		var of [2]int64
		err := s.Scan(&generation, &of[0], &of[1])
		k.All[generation], k.Newest = of, max(k.Newest, generation)
		return err
	})
}

// rewrapped reports whether keys of older generations are no longer what they were, or there is a newer one.
func (k keyState) rewrapped(now keyState) bool {
	older := func(all map[int64][2]int64) map[int64][2]int64 {
		all = maps.Clone(all)
		delete(all, now.Newest)
		return all
	}
	return k.Newest != now.Newest || !maps.Equal(older(k.All), older(now.All))
}

// putKeys writes the wrapped keys that were made from a moment on, after the generations that they are of. Those do not
// go while keys are under them: where all travel again, the keys are cleared first.
func putKeys(ctx context.Context, q store.Querier, w *writer, all []*store.Table, since int64) error {
	tables := travelling(all, keyed)
	slices.SortFunc(tables, func(a, b *store.Table) int { return cmp.Compare(order(a), order(b)) })
	if since == math.MinInt64 {
		for _, t := range slices.Backward(tables) {
			w.clear(t)
		}
	}
	for _, t := range tables {
		condition, args := "", []any{}
		if t.Name == keysTable {
			condition, args = "WHERE created >= ?", []any{since}
		}
		if err := putAll(ctx, q, w, t, t.Select(condition), args...); err != nil {
			return err
		}
	}
	return nil
}

// order puts the keys behind what they refer to.
func order(t *store.Table) int {
	if t.Name == keysTable {
		return 1
	}
	return 0
}

const keysTable = "wrapped_keys"
