package audit

import (
	"context"
	"testing"

	"github.com/tutela-health/tutela/internal/errs"
)

// Run sequences by itself, and lets another node take over when it ends.
func TestRunSequencesAndHandsOver(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		cfg := w.config("node-a")
		cfg.Every = 1 // as often as it can
		a, err := Open(t.Context(), cfg)
		must(t, err)
		appendN(t, a, 12)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Run(ctx) }()
		for size := int64(0); size < 12; { // the test's own deadline ends this
			st, err := a.readState(t.Context(), w.db)
			must(t, err)
			size = st.size
		}
		cancel()
		must(t, <-ended)
		b := w.open("node-b")
		appendN(t, b, 1)
		if n := sequence(t, b); n != 1 {
			t.Fatalf("b sequenced %d", n)
		}
		clean(t, b)
	})
}

// Of the checkpoints of one hour the last is kept.
func TestCheckpointsAreThinnedByTheHour(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		for range 3 {
			for range 4 {
				appendN(t, l, 1)
				sequence(t, l)
				w.advance(10 * 60 * 1e9)
			}
			w.advance(60 * 60 * 1e9)
		}
		var sizes []int64
		must(t, eachCheckpoint(t.Context(), w.db, func(k keptCheckpoint) error {
			sizes = append(sizes, k.size)
			return nil
		}))
		if len(sizes) < 3 || len(sizes) > 6 {
			t.Errorf("kept checkpoints of sizes %v", sizes)
		}
		clean(t, l)
	})
}

func TestOpenRefusesATamperedHead(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 2)
	w.exec("UPDATE ledger_heads SET seq = 1")
	if _, err := Open(t.Context(), w.config("node-1")); !isTampered(err) {
		t.Errorf("open: %v", err)
	}
	w.exec("UPDATE ledger_signers SET mac = ?", []byte("x"))
	cfg := w.config("node-1")
	cfg.ReadOnly = true
	r, err := Open(t.Context(), cfg)
	must(t, err)
	found := verify(t, r, VerifyOptions{})
	if !names(found, "ledger_heads") || !names(found, "ledger_signers") {
		t.Errorf("problems %v", found.Problems)
	}
	if len(entries(t, r, Query{})) != 2 {
		t.Error("does not search")
	}
	if _, err := r.Sequence(t.Context()); !errs.Is(err, errs.Unsupported) {
		t.Errorf("sequence: %v", err)
	}
}

func TestOpenNeedsItsConfiguration(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	for name, spoil := range map[string]func(*Config){
		"no database":  func(c *Config) { c.DB = nil },
		"no keys":      func(c *Config) { c.Keys = nil },
		"no node":      func(c *Config) { c.Node = "" },
		"no origin":    func(c *Config) { c.Origin = "" },
		"wrong origin": func(c *Config) { c.Origin = "with a space" },
	} {
		cfg := w.config("node-1")
		spoil(&cfg)
		if _, err := Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// A ledger that changes its name keeps the key under its old one, which old checkpoints need.
func TestPastVerifierKeysAreKept(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 2)
	sequence(t, l)
	old, err := l.CheckpointNote(t.Context())
	must(t, err)
	must(t, l.Release(t.Context()))
	w.advance(2 * 60 * 60 * 1e9)
	cfg := w.config("node-1")
	cfg.Origin = "tutela.test/renamed"
	l, err = Open(t.Context(), cfg)
	must(t, err)
	appendN(t, l, 2)
	sequence(t, l)
	vkeys, err := l.VerifierKeys(t.Context())
	must(t, err)
	if len(vkeys) != 2 {
		t.Fatalf("keys %v", vkeys)
	}
	if _, err := OpenCheckpoint(old, vkeys...); err != nil {
		t.Error(err)
	}
	if r := verify(t, l, VerifyOptions{Since: [][]byte{old}}); !r.Clean() {
		t.Errorf("problems %v", r.Problems)
	}
	w.exec("UPDATE ledger_signers SET vkey = ? WHERE number = 1", vkeys[1])
	if _, err := l.VerifierKeys(t.Context()); !isTampered(err) {
		t.Errorf("edited key: %v", err)
	}
}

// Who only writes down what a verification found mends nothing: a signer that somebody deleted stays deleted.
func TestUntouchedPutsNoSignerBack(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	appendN(t, w.open("node-1"), 2)
	w.exec("DELETE FROM ledger_signers")
	cfg := w.config("node-1-beside")
	cfg.Untouched = true
	if _, err := Open(t.Context(), cfg); !isTampered(err) {
		t.Errorf("open: %v", err)
	}
	cfg.Untouched, cfg.ReadOnly = false, true
	r, err := Open(t.Context(), cfg)
	must(t, err)
	if vkeys, err := r.VerifierKeys(t.Context()); err != nil || len(vkeys) != 0 {
		t.Errorf("%v %v", vkeys, err)
	}
}
