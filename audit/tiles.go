package audit

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// TilePath is a resource of C2SP tlog-tiles: a tile of hashes, or a bundle of entries.
type TilePath struct {
	Entries bool
	Level   int   // 0 to 63; 0 for entries
	Index   int64 // within the level
	Width   int   // 1 to 256; below 256 it is partial
}

// ParseTilePath reads "<L>/<N>[.p/<W>]" or "entries/<N>[.p/<W>]": what follows "/ledger/tile/".
func ParseTilePath(path string) (TilePath, error) {
	bad := errs.New(errs.NotFound, "no such tile")
	level, rest, ok := strings.Cut(path, "/")
	p := TilePath{Entries: level == "entries"}
	if !ok || level == "data" {
		return TilePath{}, bad
	}
	if p.Entries {
		level = "data"
	}
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s/%s", tileHeight, level, rest))
	if err != nil || t.L > 63 || t.N < 0 {
		return TilePath{}, bad
	}
	p.Level, p.Index, p.Width = max(t.L, 0), t.N, t.W
	return p, nil
}

// CheckpointNote gives the newest signed checkpoint. Before the first sequencing it is
// errs.NotFound.
func (l *Log) CheckpointNote(ctx context.Context) ([]byte, error) {
	var signed []byte
	err := eachCheckpoint(ctx, l.cfg.DB, func(k keptCheckpoint) error {
		signed = k.note
		return errStop
	})
	if err != nil {
		return nil, fmt.Errorf("read newest checkpoint: %w", err)
	}
	if signed == nil {
		return nil, errs.New(errs.NotFound, "the ledger has no checkpoint yet")
	}
	return signed, nil
}

// Tile gives the first width hashes of a tile (1 to 256). Those beyond the tree are errs.NotFound.
func (l *Log) Tile(ctx context.Context, level int, index int64, width int) ([]byte, error) {
	return tileData(ctx, l.cfg.DB, tileID{int64(level), index}, width)
}

func tileData(ctx context.Context, q store.Querier, id tileID, width int) ([]byte, error) {
	if width < 1 || width > tileWidth {
		return nil, errs.New(errs.NotFound, "no such tile")
	}
	data, _, err := readTile(ctx, q, id)
	if err != nil {
		return nil, err
	}
	if len(data) < width*tlog.HashSize {
		return nil, errs.New(errs.NotFound, "no such tile")
	}
	return data[:width*tlog.HashSize], nil
}

// EntriesTile gives the first width entries of an entry bundle, each behind its 16-bit
// big-endian length. Those beyond the tree are errs.NotFound.
func (l *Log) EntriesTile(ctx context.Context, index int64, width int) ([]byte, error) {
	if width < 1 || width > tileWidth || index < 0 || index >= 1<<40 {
		return nil, errs.New(errs.NotFound, "no such tile")
	}
	var out []byte
	count := 0
	err := l.cfg.DB.Snapshot(ctx, func(q store.Querier) error {
		return eachLeaf(ctx, q, index*tileWidth, index*tileWidth+int64(width)-1, func(_ int64, entry []byte) error {
			if count == width {
				return errStop
			}
			count++
			out = appendBundled(out, entry)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read entry bundle: %w", err)
	}
	if count < width {
		return nil, errs.New(errs.NotFound, "no such tile")
	}
	return out, nil
}

// hashReader gives tlog the stored hashes of a tree.
func hashReader(ctx context.Context, q store.Querier) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			t := tlog.TileForIndex(tileHeight, x)
			data, err := tileData(ctx, q, tileID{int64(t.L), t.N}, t.W)
			if err != nil {
				return nil, err
			}
			if hashes[i], err = tlog.HashFromTile(t, data, x); err != nil {
				return nil, fmt.Errorf("read hash from tile: %w", err)
			}
		}
		return hashes, nil
	})
}
