package breach_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/book"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/respond/breach"
)

// alone checks a proof with x/mod's note and tlog and nothing of this program, and gives the sealed entry.
func alone(t *testing.T, p breach.Proof, keys []string) []byte {
	t.Helper()
	head, signed, found := strings.Cut(p.Proof, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		t.Fatalf("no tlog-proof: %s", p.Proof)
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil || leaf != p.Leaf {
		t.Fatal(leaf, err)
	}
	var path tlog.RecordProof
	for _, l := range lines[3:] {
		h, err := tlog.ParseHash(l)
		if err != nil {
			t.Fatal(err)
		}
		path = append(path, h)
	}
	var known []note.Verifier
	for _, key := range keys {
		v, err := note.NewVerifier(key)
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, v)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(known...))
	if err != nil {
		t.Fatal(err)
	}
	checkpoint := strings.Split(n.Text, "\n")
	size, err := strconv.ParseInt(checkpoint[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tlog.ParseHash(checkpoint[2])
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckRecord(path, size, root, leaf, tlog.RecordHash(entry)); err != nil {
		t.Error(err)
	}
	return entry
}

// Each patient has a proof that verifies with x/mod's note and tlog alone, of an entry that commits to a header which names
// him; also one whom another system told of.
func TestProofsOfAScopeVerifyAlone(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r, "a", "b", "c")
		r.Get(t, "physician", "Patient?_count=10")
		r.Get(t, "physician", "Patient/b")
		foreign(t, r)
		for _, actor := range []string{"physician", "jdoe"} {
			sequence(t, r)
			a := always(breach.Ask{Actor: actor, Proofs: true})
			sc := ask(t, r, a)
			proven := map[string]bool{}
			for _, p := range sc.Proofs {
				entry := alone(t, p, sc.Keys)
				sum := sha256.Sum256(append(bytes.Clone(p.Salt), p.Plaintext...))
				if !bytes.Contains(entry[:96], sum[:]) {
					t.Error("the header is not what the entry committed to")
				}
				for _, who := range p.Patients {
					n, err := strconv.ParseUint(who, 16, 64)
					if err != nil || !strings.Contains(string(p.Plaintext), `"p":`+strconv.FormatInt(int64(n), 10)) {
						t.Errorf("the header does not name %s: %v", who, err)
					}
					proven[who] = true
				}
				p.Proof = strings.Replace(p.Proof, "index "+strconv.FormatInt(p.Leaf, 10), "index "+strconv.FormatInt(p.Leaf+1, 10), 1)
				if _, err := audit.VerifyProof([]byte(p.Proof), sc.Keys...); err == nil {
					t.Error("a proof that was changed verifies")
				}
			}
			if len(proven) != sc.Count || sc.Count != 2 {
				t.Errorf("%s: %d of %d are proven", actor, len(proven), sc.Count)
			}
		}
	})
}

// foreign has another system tell of accesses: two that reached somebody, one that was refused, one of somebody else.
func foreign(t *testing.T, r *rig.Rig) {
	t.Helper()
	tokens := book.NewTokens(r.Identity.Alias, nil, "")
	kept := book.New(book.Config{DB: r.DB, Audit: r.Audit, Clock: clock.System, Notes: r.Records, Alias: r.Identity.Alias, Tokens: tokens})
	tell := func(id, actor, number string, outcome tutela.Outcome) intake.Record {
		who := intake.Identifier{Authority: "hosp", Value: number}
		rec := intake.Record{Patients: []intake.Identifier{who}}
		rec.Event = event.Event{Source: "ehr01", Entry: tutela.Entry{
			ID: id, Time: time.Now(), Action: tutela.ActionRead, Outcome: outcome, Type: "Observation",
			Actor: tutela.Actor{ID: tutela.UserID(actor), Kind: tutela.ActorPerson}, Patients: []tutela.Touched{{Patient: tokens.Patient(who)}},
		}}
		return rec
	}
	_, err := kept.Take(t.Context(), "ehr", []intake.Record{
		tell("1", "jdoe", "mrn-1", tutela.OutcomeSuccess), tell("2", "jdoe", "mrn-2", tutela.OutcomeSuccess),
		tell("3", "jdoe", "mrn-3", tutela.OutcomeDenied), tell("4", "other", "mrn-4", tutela.OutcomeSuccess),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Another system's patients are named as it names them, a deleted Patient from its last version, and of an erased one the
// pseudonym is left.
func TestScopeNamesWhoCanBeNamed(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r, "erased", "deleted", "unseen")
		for _, id := range []string{"erased", "deleted"} {
			r.Get(t, "physician", "Patient/"+id)
		}
		foreign(t, r)
		for _, path := range []string{"CareTeam/team-deleted", "Observation/o-deleted", "Patient/deleted"} {
			if a := r.Do(t, rig.Call{As: rig.Loader, Method: "DELETE", Path: path}); a.Status >= 300 {
				t.Fatalf("%s: %d %s", path, a.Status, a.Body)
			}
		}
		base := tutela.Entry{Actor: tutela.Actor{ID: "test", Kind: tutela.ActorSystem}, Action: tutela.ActionPatientErase, Outcome: tutela.OutcomeSuccess}
		if err := r.Records.Shred(t.Context(), base, r.Records.Bucket("erased")); err != nil {
			t.Fatal(err)
		}
		standing := map[string]breach.Standing{}
		for _, p := range append(ask(t, r, always(breach.Ask{Actor: "physician"})).Patients, ask(t, r, always(breach.Ask{Actor: "jdoe"})).Patients...) {
			name := p.Reference + p.Elsewhere
			if name == "" {
				name = p.Pseudonym
			}
			standing[name] = p.Standing
			if p.Standing == breach.Deleted && p.State != "MA" {
				t.Errorf("%+v", p)
			}
		}
		erased := audit.Pseudonym(r.Records.Bucket("erased"))
		for name, want := range map[string]breach.Standing{erased: breach.Erased, "Patient/deleted": breach.Deleted, "hosp|mrn-1": breach.Elsewhere, "hosp|mrn-2": breach.Elsewhere} {
			if standing[name] != want {
				t.Errorf("%s is %q, want %s: %v", name, standing[name], want, standing)
			}
		}
		if len(standing) != 4 {
			t.Errorf("%v", standing)
		}
	})
}
