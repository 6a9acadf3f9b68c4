package binder_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/internal/rig"
)

// A statement verifies by the key of the ledger that names it, names nobody, and is worth nothing once a byte of it differs.
func TestStatementsAreWhatTheLedgerNames(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := past(t, r, 230)
		st, err := h.binder.State(t.Context(), "answers", `{"a":1}`)
		must(t, err)
		other, err := h.binder.State(t.Context(), "answers", `{"a":2}`)
		must(t, err)
		text, err := json.Marshal(st)
		must(t, err)
		read, err := dossier.ReadStatement(text)
		must(t, err)
		sealed, err := read.Verify(h.vkeys...)
		must(t, err)
		if sealed.Kind != "answers" || sealed.SHA256 != st.SHA256() || sealed.Entry.Actor.Kind != tutela.ActorSystem || sealed.Entry.Address != "" || bytes.Contains(text, []byte("u-aud")) {
			t.Errorf("%+v", sealed)
		}
		for name, edit := range map[string]func(*dossier.Statement){
			"another text":    func(s *dossier.Statement) { s.Text = `{"a":2}` },
			"another kind":    func(s *dossier.Statement) { s.Kind = "package" },
			"no kind":         func(s *dossier.Statement) { s.Kind = "" },
			"another's entry": func(s *dossier.Statement) { s.Seal = other.Seal },
			"another place":   func(s *dossier.Statement) { s.Seal.Leaf-- },
			"no place":        func(s *dossier.Statement) { s.Seal.Leaf = -1 },
			"a header that was made": func(s *dossier.Statement) {
				s.Seal.Header = bytes.Replace(s.Seal.Header, []byte("assure"), []byte("insure"), 1)
			},
			"an entry that was made": func(s *dossier.Statement) { s.Seal.Sealed = append(slices.Clone(s.Seal.Sealed), 0) },
			"a hash less":            func(s *dossier.Statement) { s.Hashes = s.Hashes[1:] },
			"a hash more":            func(s *dossier.Statement) { s.Hashes = append(slices.Clone(s.Hashes), s.Hashes[0]) },
			"another head":           func(s *dossier.Statement) { s.Checkpoint = other.Checkpoint },
			"an unsigned head":       func(s *dossier.Statement) { s.Checkpoint, _, _ = strings.Cut(s.Checkpoint, "\n\n") },
		} {
			wrong := read
			edit(&wrong)
			if _, err := wrong.Verify(h.vkeys...); err == nil {
				t.Errorf("%s is not seen", name)
			}
		}
		if _, err := read.Verify("other.example/log+8f3b4a2c+ATx6q0l0n8mVqVdI8yZ0zB8n2xPXpVv6tQq2kH6q5k7d"); err == nil {
			t.Error("it verifies by a key that is none")
		}
		if _, err := read.Verify(); err == nil {
			t.Error("it verifies without a key")
		}
		if _, err := h.binder.State(t.Context(), "package", "{}"); err == nil {
			t.Error("a text was sealed as the manifest of a package")
		}
	})
}
