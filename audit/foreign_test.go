package audit

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Here the ledger is verified by other people's code: it gets what anybody gets, the verifier key,
// checkpoints and tiles.

// tileReader serves tiles to x/mod's tlog.
type tileReader struct {
	t *testing.T
	l *Log
}

func (tileReader) Height() int { return 8 }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		data, err := r.l.Tile(r.t.Context(), t.L, t.N, t.W)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func TestXModVerifiesTheLedger(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		appendBulk(t, l, 700)
		sequence(t, l)
		small := openedNote(t, l)
		appendN(t, l, 9)
		sequence(t, l)
		tree := openedNote(t, l)
		reader := tlog.TileHashReader(tree, tileReader{t, l}) // authenticates every tile it reads
		for _, leaf := range []int64{0, 255, 256, 511, 699, 708} {
			p, err := tlog.ProveRecord(tree.N, leaf, reader)
			must(t, err)
			raw := bundleEntry(t, l, leaf)
			must(t, tlog.CheckRecord(p, tree.N, tree.Hash, leaf, tlog.RecordHash(raw)))
		}
		grown, err := tlog.ProveTree(tree.N, small.N, reader)
		must(t, err)
		must(t, tlog.CheckTree(grown, tree.N, tree.Hash, small.N, small.Hash))
	})
}

// openedNote opens the newest checkpoint with x/mod's note alone.
func openedNote(t *testing.T, l *Log) tlog.Tree {
	t.Helper()
	vkeys, err := l.VerifierKeys(t.Context())
	must(t, err)
	v, err := note.NewVerifier(vkeys[0])
	must(t, err)
	signed, err := l.CheckpointNote(t.Context())
	must(t, err)
	n, err := note.Open(signed, note.VerifierList(v))
	must(t, err)
	text := strings.Replace(n.Text, testOrigin, "go.sum database tree", 1) // the one line in which tlog's own format differs
	tree, err := tlog.ParseTree([]byte(text))
	must(t, err)
	return tree
}

func bundleEntry(t *testing.T, l *Log, leaf int64) []byte {
	t.Helper()
	data, err := l.EntriesTile(t.Context(), leaf/256, int(leaf%256)+1)
	must(t, err)
	var b api.EntryBundle
	must(t, b.UnmarshalText(data))
	return b.Entries[leaf%256]
}

// serve offers the ledger under its public addresses.
func serve(t *testing.T, l *Log) *url.URL {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /checkpoint", func(w http.ResponseWriter, r *http.Request) {
		answer(w, func() ([]byte, error) { return l.CheckpointNote(r.Context()) })
	})
	mux.HandleFunc("GET /tile/{path...}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, func() ([]byte, error) {
			p, err := ParseTilePath(r.PathValue("path"))
			if err != nil {
				return nil, err
			}
			if p.Entries {
				return l.EntriesTile(r.Context(), p.Index, p.Width)
			}
			return l.Tile(r.Context(), p.Level, p.Index, p.Width)
		})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/")
	must(t, err)
	return u
}

func answer(w http.ResponseWriter, get func() ([]byte, error)) {
	b, err := get()
	if err != nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	_, _ = w.Write(b)
}

func TestTesseraClientWalksTheLedger(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		appendBulk(t, l, 600)
		appendN(t, l, 13)
		sequence(t, l)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		fetch, err := client.NewHTTPFetcher(serve(t, l), &http.Client{Transport: transport})
		must(t, err)
		v, err := note.NewVerifier(l.signer.vkey)
		must(t, err)
		first, raw, _, err := client.FetchCheckpoint(t.Context(), fetch.ReadCheckpoint, v, testOrigin)
		must(t, err)
		if first.Size != 613 {
			t.Fatalf("checkpoint of size %d", first.Size)
		}
		walk(t, fetch, first.Size, first.Hash)
		tracker, err := client.NewLogStateTracker(t.Context(), fetch.ReadTile, raw, v, testOrigin,
			client.UnilateralConsensus(fetch.ReadCheckpoint))
		must(t, err)
		appendN(t, l, 5)
		sequence(t, l)
		if _, _, _, err := tracker.Update(t.Context()); err != nil { // checks consistency
			t.Fatal(err)
		}
		if got := tracker.Latest().Size; got != 618 {
			t.Fatalf("tracker at size %d", got)
		}
	})
}

// walk fetches every entry and proves each in the tree.
func walk(t *testing.T, fetch *client.HTTPFetcher, size uint64, root []byte) {
	t.Helper()
	builder, err := client.NewProofBuilder(t.Context(), size, fetch.ReadTile)
	must(t, err)
	for index := uint64(0); index*256 < size; index++ {
		b, err := client.GetEntryBundle(t.Context(), fetch.ReadEntryBundle, index, size)
		must(t, err)
		for i, e := range b.Entries {
			leaf := index*256 + uint64(i)
			p, err := builder.InclusionProof(t.Context(), leaf)
			must(t, err)
			must(t, proof.VerifyInclusion(rfc6962.DefaultHasher, leaf, size, rfc6962.DefaultHasher.HashLeaf(e), p, root))
		}
	}
}

func TestTilesBeyondTheTreeAreNotThere(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	if _, err := l.CheckpointNote(t.Context()); err == nil {
		t.Error("an empty ledger has a checkpoint")
	}
	appendN(t, l, 5)
	sequence(t, l)
	for _, p := range []TilePath{{Index: 0, Width: 6}, {Index: 1, Width: 1}, {Level: 1, Width: 1}, {Width: 0}, {Width: 257},
		{Index: -1, Width: 1}, {Index: 1 << 62, Width: 1}, {Level: 63, Width: 1}} {
		if _, err := l.Tile(t.Context(), p.Level, p.Index, p.Width); err == nil {
			t.Errorf("tile %+v", p)
		}
		if _, err := l.EntriesTile(t.Context(), p.Index, p.Width); err == nil && p.Level == 0 {
			t.Errorf("entries %+v", p)
		}
	}
	full, err := l.Tile(t.Context(), 0, 0, 5)
	must(t, err)
	part, err := l.Tile(t.Context(), 0, 0, 3)
	must(t, err)
	if !bytes.HasPrefix(full, part) || len(part) != 3*sha256.Size {
		t.Error("a partial tile is no prefix of a wider one")
	}
}
