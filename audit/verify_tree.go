package audit

import (
	"context"
	"crypto/hmac"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// tiles checks that there are just the tiles that the tree has, each as wide as it should be,
// each full one hashing to its place in the tile above, and the right edge to the root.
func (v *verification) tiles(ctx context.Context, q store.Querier) error {
	for level := int64(0); v.state.size>>(tileHeight*level) > 0 && level < 8; level++ {
		count := (v.state.size>>(tileHeight*level) + tileWidth - 1) / tileWidth
		var above []tlog.Hash
		for index := range count {
			if index%tileWidth == 0 {
				data, _, err := readTile(ctx, q, tileID{level + 1, index / tileWidth})
				if err != nil {
					return err
				}
				above = splitHashes(data)
			}
			if err := v.tileRow(ctx, q, tileID{level, index}, above); err != nil {
				return err
			}
		}
	}
	if err := v.edge(ctx, q); err != nil {
		return err
	}
	return eachTileID(ctx, q, func(id tileID) error {
		if tileWidthAt(id, v.state.size) == 0 {
			v.problem(id.where(), "is not a tile of a tree of %d leaves", v.state.size)
		}
		return nil
	})
}

// edge checks that the tree's right edge hashes to the root.
func (v *verification) edge(ctx context.Context, q store.Querier) error {
	if v.stateless {
		return nil
	}
	_, err := edgeOf(ctx, q, v.state)
	if isTampered(err) {
		v.problem("ledger_tiles", "the right edge does not hash to the root in ledger_state")
		return nil
	}
	return err
}

func (v *verification) tileRow(ctx context.Context, q store.Querier, id tileID, above []tlog.Hash) error {
	data, found, err := readTile(ctx, q, id)
	if err != nil {
		return err
	}
	width := tileWidthAt(id, v.state.size)
	switch {
	case !found:
		v.problem(id.where(), "missing")
	case len(data) != width*tlog.HashSize:
		v.problem(id.where(), "%d bytes, want %d hashes", len(data), width)
	case width == tileWidth:
		if i := id.index % tileWidth; i >= int64(len(above)) || above[i] != tileRoot(splitHashes(data)) {
			v.problem(id.where(), "does not hash to its place in %s", tileID{id.level + 1, id.index / tileWidth}.where())
		}
	}
	return nil
}

// checkpoints walks the kept checkpoints from the newest to the first: none may be missing, none
// added, and each must be signed and have the root that the tree had at its size.
func (v *verification) checkpoints(ctx context.Context, q store.Querier) error {
	vkeys, err := v.signers(ctx, q)
	if err != nil {
		return err
	}
	var kept []keptCheckpoint
	if err := eachCheckpoint(ctx, q, func(k keptCheckpoint) error {
		kept = append(kept, k)
		return nil
	}); err != nil {
		return err
	}
	expect := v.state.size
	if v.state.mac == nil && !v.stateless {
		expect = firstCheckpoint
	}
	for _, k := range kept {
		where := fmt.Sprintf("ledger_checkpoints size %d", k.size)
		switch {
		case !hmac.Equal(k.mac, v.log.macs.checkpoint(k)):
			v.problem(where, "MAC does not match")
		case k.size < expect:
			v.problem(fmt.Sprintf("ledger_checkpoints size %d", expect), "missing")
		case k.size > expect:
			v.problem(where, "is not among the checkpoints that the ledger kept")
			continue
		}
		expect = k.prev
		if err := v.checkpoint(ctx, q, where, k.note, k.size, vkeys); err != nil {
			return err
		}
	}
	if expect != firstCheckpoint {
		v.problem(fmt.Sprintf("ledger_checkpoints size %d", expect), "missing")
	}
	return nil
}

// checkpoint checks one signed note: signature, origin, and the root at its size (want, or any
// where want is negative).
func (v *verification) checkpoint(ctx context.Context, q store.Querier, where string, signed []byte, want int64, vkeys []string) error {
	c, err := OpenCheckpoint(signed, vkeys...)
	switch {
	case err != nil:
		v.problem(where, "%s", errs.Public(err))
		return nil
	case want >= 0 && c.Size != want:
		v.problem(where, "its note is of size %d", c.Size)
		return nil
	case c.Size > v.state.size:
		v.problem(where, "covers %d leaves and the tree has %d: the ledger was rolled back", c.Size, v.state.size)
		return nil
	}
	root, err := tlog.TreeHash(c.Size, hashReader(ctx, q))
	if errs.Is(err, errs.NotFound) {
		v.problem(where, "the tiles of a tree of %d leaves are not there", c.Size)
		return nil
	}
	if err != nil {
		return fmt.Errorf("hash tree of %d leaves: %w", c.Size, err)
	}
	if root != c.Root {
		v.problem(where, "the tree of its first %d leaves has another root", c.Size)
	}
	return nil
}

// since checks the checkpoints that the caller kept.
func (v *verification) since(ctx context.Context, q store.Querier) error {
	if len(v.options.Since) == 0 {
		return nil
	}
	vkeys := []string{v.log.signer.vkey}
	known, err := v.log.verifierKeys(ctx, q)
	if err == nil {
		vkeys = known
	} else if !isTampered(err) {
		return err
	}
	for i, signed := range v.options.Since {
		where := fmt.Sprintf("checkpoint %d given", i+1)
		if size, ok := claimedSize(signed); ok {
			where = fmt.Sprintf("checkpoint given of size %s", size)
		}
		if err := v.checkpoint(ctx, q, where, signed, -1, vkeys); err != nil {
			return err
		}
	}
	return nil
}

// claimedSize is the second line of a note, for naming it before it is verified.
func claimedSize(signed []byte) (string, bool) {
	lines := strings.SplitN(string(signed), "\n", 3)
	return lines[min(1, len(lines)-1)], len(lines) == 3 && len(lines[1]) < 20
}

// signers checks the rows of verifier keys and gives those that hold.
func (v *verification) signers(ctx context.Context, q store.Querier) ([]string, error) {
	var vkeys []string
	next := int64(1)
	err := eachSigner(ctx, q, func(number int64, vkey string, mac []byte) error {
		where := fmt.Sprintf("ledger_signers number %d", number)
		if number != next {
			v.problem(where, "follows number %d", next-1)
		}
		next = number + 1
		if !v.log.macs.signerHolds(number, vkey, mac) {
			v.problem(where, "MAC does not match")
			return nil
		}
		vkeys = append(vkeys, vkey)
		return nil
	})
	if err == nil && (len(vkeys) == 0 || vkeys[len(vkeys)-1] != v.log.signer.vkey) {
		v.problem("ledger_signers", "the newest is not the present signer")
		vkeys = append(vkeys, v.log.signer.vkey)
	}
	return vkeys, err
}
