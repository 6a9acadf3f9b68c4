package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/audit"
)

// provableLedger does what an outside auditor does: it takes the checkpoint and the published keys, verifies the
// signature, recomputes the tree's root from the published hashes, and holds a later checkpoint to an earlier one.
func provableLedger(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	keys, err := s.ask(ctx, get("/ledger/key"))
	if err != nil {
		return nil, "", err
	}
	first, bad, err := s.head(ctx, keys.body)
	if err != nil || bad != "" {
		return []string{bad}[:min(len(bad), 1)], "", err
	}
	if first.Size == 0 {
		return nil, "", errors.New("the ledger's tree is empty yet")
	}
	hashes := tlog.TileHashReader(tlog.Tree{N: first.Size, Hash: first.Root}, tiles{ctx, s})
	root, err := tlog.TreeHash(first.Size, hashes)
	if err != nil {
		return []string{"the published hashes do not add up to the checkpoint: " + err.Error()}, "", nil
	}
	later, bad, err := s.head(ctx, keys.body)
	if err != nil || bad != "" {
		return []string{bad}[:min(len(bad), 1)], "", err
	}
	if text := extends(ctx, s, first, later); root != first.Root || text != "" {
		return []string{"a later checkpoint is not of the same ledger: " + text}, "", nil
	}
	return nil, fmt.Sprintf("the checkpoint of %d entries is signed by a published key, its root follows from the published hashes, "+
		"and one of %d entries extends it", first.Size, later.Size), nil
}

// head fetches the checkpoint and opens it with keys. bad says why it is none.
func (s *stranger) head(ctx context.Context, keys string) (c audit.Checkpoint, bad string, err error) {
	got, err := s.ask(ctx, get("/ledger/checkpoint"))
	switch {
	case err != nil:
		return c, "", err
	case got.status == http.StatusNotFound:
		return c, "", errors.New("there is no checkpoint yet")
	case got.status != http.StatusOK:
		return c, fmt.Sprintf("the checkpoint is answered %d", got.status), nil
	}
	c, err = audit.OpenCheckpoint([]byte(got.body), strings.Fields(keys)...)
	if err != nil {
		return c, err.Error(), nil //nolint:nilerr // it is what was observed
	}
	return c, "", nil
}

// extends says why a checkpoint does not follow from an earlier one.
func extends(ctx context.Context, s *stranger, first, later audit.Checkpoint) string {
	switch {
	case later.Origin != first.Origin:
		return "it names another origin"
	case later.Size < first.Size:
		return fmt.Sprintf("it has %d entries, and there were %d", later.Size, first.Size)
	case later.Size == first.Size && later.Root != first.Root:
		return "the same entries have another root"
	case later.Size == first.Size:
		return ""
	}
	proof, err := tlog.ProveTree(later.Size, first.Size, tlog.TileHashReader(tlog.Tree{N: later.Size, Hash: later.Root}, tiles{ctx, s}))
	if err == nil {
		err = tlog.CheckTree(proof, later.Size, later.Root, first.Size, first.Root)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// tiles reads published tiles (C2SP tlog-tiles).
type tiles struct {
	ctx context.Context //nolint:containedctx // tlog.TileReader takes none; a value lives for one call
	s   *stranger
}

// Height implements tlog.TileReader.
func (tiles) Height() int { return 8 }

// SaveTiles implements tlog.TileReader.
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles implements tlog.TileReader.
func (t tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(list))
	for i, tile := range list {
		_, path, _ := strings.Cut(strings.TrimPrefix(tile.Path(), "tile/"), "/")
		got, err := t.s.ask(t.ctx, get("/ledger/tile/"+path))
		if err == nil && got.status != http.StatusOK {
			err = fmt.Errorf("tile %s is answered %d", path, got.status)
		}
		if err != nil {
			return nil, err
		}
		out[i] = []byte(got.body)
	}
	return out, nil
}
