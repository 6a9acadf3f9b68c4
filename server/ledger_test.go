package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/rig"
)

// get reads as a stranger.
func (s *site) get(t *testing.T, path string) rig.Answer {
	t.Helper()
	return s.Do(t, rig.Call{Method: http.MethodGet, Path: path})
}

// Anybody can fetch checkpoint, key and hashes, and check them against one another.
func TestTheTreeIsPublic(t *testing.T) {
	s := newSite(t, nil)
	expect(t, s.get(t, "/ledger/checkpoint"), http.StatusNotFound) // before the first sequencing
	s.Put(t, `{"resourceType":"Organization","id":"1","name":"General"}`)
	s.sequence(t)
	key, note := s.get(t, "/ledger/key"), s.get(t, "/ledger/checkpoint")
	expect(t, key, http.StatusOK)
	expect(t, note, http.StatusOK)
	c, err := audit.OpenCheckpoint(note.Body, strings.TrimSpace(string(key.Body)))
	if err != nil {
		t.Fatal(err)
	}
	tile := s.get(t, fmt.Sprintf("/ledger/tile/0/000.p/%d", c.Size))
	expect(t, tile, http.StatusOK)
	if got := tile.Header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("a tile is %s", got)
	}
	root, err := tlog.TreeHash(c.Size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			if hashes[i], err = tlog.HashFromTile(tlog.Tile{H: 8, W: int(c.Size)}, tile.Body, x); err != nil {
				return nil, err
			}
		}
		return hashes, nil
	}))
	if err != nil || root != c.Root {
		t.Errorf("root %v of the tile is not %v of the checkpoint: %v", root, c.Root, err)
	}
}

func TestWhatIsNoTileIsNotFound(t *testing.T) {
	s := newSite(t, nil)
	s.Put(t, `{"resourceType":"Organization","id":"1","name":"General"}`)
	s.sequence(t)
	for _, path := range []string{"", "0", "0/", "0/999", "0/000", "0/000.p/200", "0/000.p/0", "64/000", "-1/000", "x/000", "data/000", "0/0", "entries", "entries/x"} {
		if a := s.get(t, "/ledger/tile/"+path); a.Status != http.StatusNotFound {
			t.Errorf("%q: %d %s", path, a.Status, a.Body)
		}
	}
}

// Entries need the auditor's scope; each look at them is an entry too.
func TestEntriesAreTheAuditors(t *testing.T) {
	s := newSite(t, nil)
	s.Put(t, `{"resourceType":"Organization","id":"1","name":"General"}`)
	s.sequence(t)
	const path = "/ledger/tile/entries/000.p/1"
	for as, want := range map[string]int{rig.Nobody: 401, "physician": 403, admin: 403, rig.Loader: 403, auditor: 200} {
		a := s.Do(t, rig.Call{As: as, Method: http.MethodGet, Path: path})
		expect(t, a, want)
		if strings.Contains(string(a.Body), "General") {
			t.Errorf("%s sees a name", as)
		}
	}
	expect(t, s.Do(t, rig.Call{As: auditor, Method: http.MethodGet, Path: "/ledger/tile/entries/777"}), http.StatusNotFound)
	got := map[tutela.Outcome]int{}
	for _, e := range s.entries(t, tutela.ActionAuditRead) {
		got[e.Outcome]++
	}
	want := map[tutela.Outcome]int{tutela.OutcomeDenied: 3, tutela.OutcomeSuccess: 1, tutela.OutcomeFailed: 1}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
