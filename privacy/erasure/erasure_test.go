package erasure_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/privacy/erasure"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// house is a rigged system with its erasures, and somebody who asks and somebody who approves.
type house struct {
	*rig.Rig
	testkit.Clock

	service *erasure.Service
}

func each(t *testing.T, change func(*erasure.Config), f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h := &house{}
			h.Rig = rig.Open(t, rig.Config{Engine: engine, Clock: h.Now})
			h.service = h.open(change)
			f(t, h)
		})
	}
}

func (h *house) open(change func(*erasure.Config)) *erasure.Service {
	c := erasure.Config{DB: h.DB, Audit: h.Audit, Records: h.Records, Access: h.Access, Keys: h.Ring, Clock: h.Now, Node: "test", Held: h.Ring.Provider().Generations}
	if change != nil {
		change(&c)
	}
	return erasure.New(c)
}

func officer() tutela.Principal { return tutela.Principal{ID: "officer", Kind: tutela.ActorPerson} }
func chief() tutela.Principal   { return tutela.Principal{ID: "chief", Kind: tutela.ActorPerson} }

func (h *house) entry(a tutela.Action) tutela.Entry {
	return tutela.Entry{Time: h.Now(), Actor: tutela.Actor{ID: "officer", Kind: tutela.ActorPerson}, Action: a}
}

// approved is an erasure that two people want.
func (h *house) approved(t *testing.T, patient tutela.PatientID) erasure.Erasure {
	t.Helper()
	e, err := h.service.Ask(t.Context(), officer(), h.entry(tutela.ActionErasureAsk), patient, "article 17")
	if err == nil {
		e, err = h.service.Approve(t.Context(), chief(), h.entry(tutela.ActionErasureApprove), e.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// index makes the index anew whenever that is asked for.
func (h *house) index(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var background sync.WaitGroup
	background.Go(func() { h.Records.Run(ctx, "test", slog.New(slog.DiscardHandler)) })
	return func() { cancel(); background.Wait() }
}

// work carries out what is due, to its end.
func (h *house) work(t *testing.T) {
	t.Helper()
	defer h.index(t)()
	for {
		err := h.service.Work(t.Context())
		if err == nil {
			return
		}
		if !errs.Is(err, errs.Conflict) {
			t.Fatal(err)
		}
	}
}

// chart puts a patient, ann, with a chart of her own, what she shares with ben, and a history of both.
func (h *house) chart(t *testing.T) {
	t.Helper()
	for _, resource := range []string{
		`{"resourceType":"Patient","id":"ann","name":[{"family":"Canarysson","given":["Ann"]}],"birthDate":"1961-05-04"}`,
		`{"resourceType":"Patient","id":"ben","name":[{"family":"Othersen"}]}`,
		`{"resourceType":"Observation","id":"own","status":"final","code":{"text":"canary-own"},"subject":{"reference":"Patient/ann"}}`,
		`{"resourceType":"Observation","id":"own","status":"amended","code":{"text":"canary-own"},"subject":{"reference":"Patient/ann"}}`,
		`{"resourceType":"Observation","id":"bens","status":"final","code":{"text":"bens"},"subject":{"reference":"Patient/ben"}}`,
		`{"resourceType":"Observation","id":"kin","status":"final","code":{"text":"kin"},"valueQuantity":{"value":1.50},"subject":{"reference":"Patient/ben"},"performer":[{"reference":"Patient/ann","display":"Canarysson, Ann"}],"note":[{"text":"kept"}]}`,
		`{"resourceType":"Observation","id":"about-ann","status":"final","code":{"text":"canary-about"},"subject":{"reference":"Patient/ann"},"performer":[{"reference":"Patient/ben"}]}`,
		`{"resourceType":"Condition","id":"sud","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F11.20"}]},"subject":{"reference":"Patient/ann"}}`,
	} {
		h.Put(t, resource)
	}
}

// copied is what somebody took who could read all files once: the wrapped keys of a moment, and the versions.
type copied struct {
	keys     []tutela.WrappedKey
	versions map[string][]byte
}

func (h *house) copy(t *testing.T) copied {
	t.Helper()
	c := copied{versions: map[string][]byte{}}
	if err := h.DB.WrappedKeys(t.Context(), func(w tutela.WrappedKey) error { c.keys = append(c.keys, w); return nil }); err != nil {
		t.Fatal(err)
	}
	err := h.DB.Query(t.Context(), "SELECT bucket, locator, version, sealed FROM versions", nil, func(s store.Scanner) error {
		var b, l, v int64
		var sealed []byte
		err := s.Scan(&b, &l, &v, &sealed)
		c.versions[fmt.Sprint(b, l, v)] = sealed
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// After an erasure no way leads to a field of the patient: no request, and no copy from before with all keys
// that remain. What is others' is as it was, the ledger verifies, and the certificate says what was done.
func TestNothingOfAnErasedPatientIsLeft(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, h *house) {
		h.chart(t)
		before := h.copy(t)
		e := h.approved(t, "ann")
		h.work(t)

		for _, path := range []string{"Patient/ann", "Patient/ann/_history", "Patient/ann/_history/1", "Observation/own", "Observation/own/_history", "Observation/own/_history/1",
			"Condition/sud", "Patient/ann/$everything", "Observation/kin/_history/1", "Observation/about-ann/_history/1"} {
			a := h.Get(t, rig.Loader, path)
			if a.Status != http.StatusNotFound && a.Status != http.StatusGone || bytes.Contains(a.Body, []byte("anary")) {
				t.Errorf("%s: %d %s", path, a.Status, a.Body)
			}
		}
		for _, q := range []string{"Patient?family=Canarysson", "Patient?birthdate=1961-05-04", "Patient?_id=ann", "Observation?subject=Patient/ann", "Observation?performer=Patient/ann",
			"Observation?patient=ann", "Condition?code=F11.20", "Condition?patient=ann", "Patient?_revinclude=Observation:subject&_id=ann", "Patient", "Observation", "Condition"} {
			a := h.Get(t, rig.Loader, q)
			_, entries, _ := bytes.Cut(a.Body, []byte(`"entry":`)) // the link before it says what was asked
			if a.Status != http.StatusOK || bytes.Contains(entries, []byte("anary")) || bytes.Contains(entries, []byte("Patient/ann")) {
				t.Errorf("%s: %d %s", q, a.Status, a.Body)
			}
		}
		kin := h.Get(t, rig.Loader, "Observation/kin")
		if kin.Status != http.StatusOK || !bytes.Contains(kin.Body, []byte(`"value":1.50`)) || !bytes.Contains(kin.Body, []byte("kept")) {
			t.Errorf("what concerned ben too: %d %s", kin.Status, kin.Body)
		}
		if a := h.Get(t, rig.Loader, "Observation/bens"); a.Status != http.StatusOK || !bytes.Contains(a.Body, []byte(`"versionId":"1"`)) {
			t.Errorf("ben's own: %d %s", a.Status, a.Body)
		}
		h.copiesAreNoise(t, before)
		h.Verify(t)

		e, err := h.service.Find(t.Context(), e.ID)
		if err != nil || e.State != erasure.Done || e.Certificate == nil || !e.Certificate.Final || len(e.Certificate.Missing) > 0 {
			t.Fatalf("%+v %v", e, err)
		}
		if err := e.Certificate.Verify(); err != nil {
			t.Error(err)
		}
		forged := *e.Certificate
		forged.ApprovedBy = "somebody"
		if forged.Verify() == nil {
			t.Error("an altered certificate is taken")
		}
		h.ledgerTells(t)
		if _, err := h.service.Ask(t.Context(), officer(), h.entry(tutela.ActionErasureAsk), "ann", "again"); err == nil {
			t.Error("an erased patient can be erased again")
		}
		if a := h.Do(t, rig.Call{As: rig.Loader, Method: http.MethodPut, Path: "Patient/ann", Body: `{"resourceType":"Patient","id":"ann"}`}); a.Status < 400 {
			t.Errorf("an erased patient's id takes a new record: %d", a.Status)
		}
	})
}

// copiesAreNoise tries every key of a copy with all that remains, and holds others' rows against it.
func (h *house) copiesAreNoise(t *testing.T, before copied) {
	t.Helper()
	fresh, err := keys.Open(t.Context(), keys.Config{Tenant: h.Ring.Tenant(), Shelf: h.DB, Provider: h.Ring.Provider(), Clock: clock.System, Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range before.keys {
		for _, ring := range []*keys.Ring{h.Ring, fresh} {
			if w.Kind == tutela.KeyRing {
				if _, err := h.Ring.Provider().Unwrap(t.Context(), w.Generation, w.Blob, keys.KeyringPlace(h.Ring.Tenant(), w.Generation)); err == nil {
					t.Error("the keyring of before opens")
				}
				continue
			}
			if _, err := ring.Unwrap(t.Context(), w); err == nil {
				t.Errorf("the %s key %d of a copy opens", w.Kind, w.ID)
			}
		}
	}
	after := h.copy(t)
	for place, sealed := range before.versions {
		if !bytes.Equal(sealed, after.versions[place]) {
			t.Errorf("version %s is not what it was", place)
		}
	}
	ann := int64(h.Records.Bucket("ann"))
	for _, w := range after.keys {
		if w.Kind == tutela.KeyPatient && w.ID == ann || w.Kind == tutela.KeySystem && w.ID == keys.SecretID("index") {
			t.Errorf("the %s key %d is still kept", w.Kind, w.ID)
		}
	}
}

// ledgerTells looks for the entries of every step.
func (h *house) ledgerTells(t *testing.T) {
	t.Helper()
	var did []string
	err := h.Audit.Search(t.Context(), audit.Query{}, func(o audit.Opened) error {
		if e := o.Entry; strings.HasPrefix(string(e.Action), "erasure.") || e.Action == tutela.ActionPatientErase {
			did = append(did, fmt.Sprint(e.Action, " ", e.Subject.Detail))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"erasure.ask asked", "erasure.approve approved", "patient.erase shredded", "erasure.step redacted", "erasure.step reindexed", "erasure.step rewrapped", "erasure.step done"} {
		if !slices.Contains(did, want) {
			t.Errorf("the ledger does not tell of %q: %q", want, did)
		}
	}
}

// Who asks may not approve; what is held, retained or touched by an incident is not erased, and the reason is said.
func TestErasuresAreHinderedBeforeAnythingIsDestroyed(t *testing.T) {
	t.Parallel()
	incident := ""
	change := func(c *erasure.Config) {
		c.Wait = time.Hour
		c.Retain = []erasure.Rule{{Name: "a year by a law of the test", Years: 1}}
		c.Open = func(context.Context, tutela.Bucket) (string, error) { return incident, nil }
	}
	h := &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
	h.service = h.open(change)
	h.chart(t)
	ctx := t.Context()
	e, err := h.service.Ask(ctx, officer(), h.entry(tutela.ActionErasureAsk), "ann", "article 17")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.Approve(ctx, officer(), h.entry(tutela.ActionErasureApprove), e.ID); !errs.Is(err, errs.Denied) {
		t.Errorf("who asked approves: %v", err)
	}
	approve := func(why string) {
		t.Helper()
		_, err := h.service.Approve(ctx, chief(), h.entry(tutela.ActionErasureApprove), e.ID)
		if !errs.Is(err, errs.Conflict) || !strings.Contains(errs.Public(err), why) {
			t.Errorf("approved although %s: %v", why, err)
		}
	}
	approve("a year by a law of the test")
	h.Advance(366 * 24 * time.Hour)
	if err := h.service.Hold(ctx, h.entry(tutela.ActionErasureAsk), "ann", "litigation"); err != nil {
		t.Fatal(err)
	}
	approve("a legal hold")
	if err := h.service.Lift(ctx, h.entry(tutela.ActionErasureAsk), "ann"); err != nil {
		t.Fatal(err)
	}
	incident = "i-1"
	approve("incident i-1")
	incident = ""
	if _, err := h.service.Approve(ctx, chief(), h.entry(tutela.ActionErasureApprove), e.ID); err != nil {
		t.Fatal(err)
	}
	state := func(want erasure.State, held string) {
		t.Helper()
		if err := h.service.Work(ctx); err != nil {
			t.Fatal(err)
		}
		if got, err := h.service.Find(ctx, e.ID); err != nil || got.State != want || got.Held != held {
			t.Errorf("%s %q, want %s %q: %v", got.State, got.Held, want, held, err)
		}
	}
	state(erasure.Approved, "") // its time has not come
	h.Advance(2 * time.Hour)
	incident = "i-2"
	state(erasure.Approved, "the open incident i-2")
	if _, err := h.DB.WrappedKey(ctx, tutela.KeyPatient, int64(h.Records.Bucket("ann")), 0); err != nil {
		t.Errorf("the patient's key before anything was done: %v", err)
	}
	if _, err := h.service.Withdraw(ctx, h.entry(tutela.ActionErasureAsk), e.ID); err != nil {
		t.Fatal(err)
	}
	incident = ""
	state(erasure.Withdrawn, "the open incident i-2")
	h.Verify(t)
}

var errBroken = errors.New("broken")

// brittle is a keyring whose calls fail, one more each time.
type brittle struct {
	*keys.Ring
	calls, fails int
}

func (b *brittle) fail() error {
	if b.calls++; b.calls == b.fails {
		return errBroken
	}
	return nil
}

func (b *brittle) Rotate(ctx context.Context) (int, error) {
	n, err := b.Ring.Rotate(ctx)
	return n, errors.Join(err, b.fail())
}

func (b *brittle) Rewrap(ctx context.Context, f func(int)) error {
	return errors.Join(b.Ring.Rewrap(ctx, f), b.fail())
}

func (b *brittle) Retire(ctx context.Context) ([]int, error) {
	list, err := b.Ring.Retire(ctx)
	return list, errors.Join(err, b.fail())
}

func (b *brittle) Destroy(ctx context.Context, n int) (bool, error) {
	final, err := b.Ring.Destroy(ctx, n)
	return final, errors.Join(err, b.fail())
}

func (b *brittle) MakeSecret(ctx context.Context, name string) error {
	return errors.Join(b.Ring.MakeSecret(ctx, name), b.fail())
}

// Whatever call to the keys fails after it did its work, a later try ends in the same certificate, and nobody else's
// records are harmed at any time.
func TestErasureSurvivesEveryFailureOfTheKeys(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, h *house) {
		h.chart(t)
		defer h.index(t)()
		b := &brittle{Ring: h.Ring}
		h.service = h.open(func(c *erasure.Config) { c.Keys = b })
		e := h.approved(t, "ann")
		failed := 0
		for b.fails = 1; ; b.fails++ {
			b.calls = 0
			err := h.service.Work(t.Context())
			if errs.Is(err, errs.Conflict) {
				b.fails--
				continue
			}
			if a := h.Get(t, rig.Loader, "Observation/bens"); a.Status != http.StatusOK {
				t.Fatalf("after failure %d ben's record: %d", b.fails, a.Status)
			}
			if err == nil {
				break
			}
			failed++
		}
		if e, err := h.service.Find(t.Context(), e.ID); err != nil || e.Certificate == nil || !e.Certificate.Final || failed < 3 {
			t.Errorf("after %d failures: %+v %v", failed, e, err)
		}
		h.Verify(t)
	})
}

// Whoever can write the database cannot make an erasure of a deletion: each row that he takes out or puts in is named.
func TestErasuresThatNobodyAskedForAreNamed(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]func(h *house, ann int64) (string, []any){
		"a key deleted": func(_ *house, ann int64) (string, []any) {
			return "DELETE FROM wrapped_keys WHERE kind = 2 AND id = ?", []any{ann}
		},
		"an erasure invented": func(_ *house, ann int64) (string, []any) {
			return "INSERT INTO shredded_keys (kind, id, version, generation, shredded) VALUES (2, ?, 1, 1, 0)", []any{ann}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &house{}
			h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
			h.chart(t)
			text, args := tamper(h, int64(h.Records.Bucket("ann")))
			if err := h.DB.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), text, args...); return err }); err != nil {
				t.Fatal(err)
			}
			h.Ring.Close() // another process would have nothing in memory
			if len(h.problems(t)) == 0 {
				t.Error("nothing is named")
			}
		})
	}
	h := &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
	h.service = h.open(nil)
	h.chart(t)
	h.approved(t, "ann")
	h.work(t)
	if err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "DELETE FROM shredded_keys WHERE kind = 2")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(h.problems(t)) == 0 {
		t.Error("the name of an erased patient's key can be taken away")
	}
}

// problems are what a verification of the rows names.
func (h *house) problems(t *testing.T) []string {
	t.Helper()
	list, err := h.Problems(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// While the holders of the recovery key have a wrap of the old generation, or the provider has not confirmed, the
// certificate is not final; it is issued again when that has changed.
func TestCertificateWaitsForTheLastWrap(t *testing.T) {
	t.Parallel()
	left := 1
	h := &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
	h.service = h.open(func(c *erasure.Config) {
		c.Wraps = func(_ context.Context, generation int) (int, error) { return map[int]int{1: left}[generation], nil }
	})
	h.chart(t)
	e := h.approved(t, "ann")
	h.work(t)
	final := func(want bool) {
		t.Helper()
		got, err := h.service.Find(t.Context(), e.ID)
		if err != nil || got.Certificate == nil || got.Certificate.Final != want || (len(got.Certificate.Missing) == 0) != want || got.Certificate.Verify() != nil {
			t.Errorf("final is not %v: %+v %v", want, got.Certificate, err)
		}
	}
	final(false)
	left = 0
	h.Advance(time.Minute)
	h.work(t)
	final(true)
}

// Where backups are made, no generation is destroyed before one has the new keyring.
func TestNothingIsDestroyedBeforeABackup(t *testing.T) {
	t.Parallel()
	covered := 0
	h := &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
	h.service = h.open(func(c *erasure.Config) {
		c.Backed = func(_ context.Context, generation int) (bool, error) { return covered >= generation, nil }
	})
	h.chart(t)
	e := h.approved(t, "ann")
	state := func(want erasure.State, generations int) {
		t.Helper()
		h.work(t)
		got, err := h.service.Find(t.Context(), e.ID)
		there, err2 := h.Ring.Provider().Generations(t.Context())
		if err != nil || err2 != nil || got.State != want || len(there) != generations {
			t.Errorf("%s with generations %v, want %s with %d: %v %v", got.State, there, want, generations, err, err2)
		}
	}
	state(erasure.Rewrapped, 2)
	covered = 2
	state(erasure.Done, 1)
}

// A second erasure of the same patient, asked for at the same moment, holds nobody up.
func TestTwoErasuresOfOnePatient(t *testing.T) {
	t.Parallel()
	h := &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
	h.service = h.open(nil)
	h.chart(t)
	first := h.approved(t, "ann")
	if err := h.service.Again(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	other := h.approved(t, "ben")
	h.work(t)
	if e, err := h.service.Find(t.Context(), other.ID); err != nil || e.State != erasure.Done {
		t.Errorf("another patient's erasure is %s: %v", e.State, err)
	}
	h.Verify(t)
}

// What others write of a patient between the redaction and the shredding is not lost with him.
func TestRecordsOfOthersOutliveARace(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, h *house) {
		h.chart(t)
		entry := h.entry(tutela.ActionPatientErase)
		entry.Outcome = tutela.OutcomeSuccess
		if err := h.Records.Shred(t.Context(), entry, h.Records.Bucket("ann")); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, w := range h.copy(t).keys {
			if w.Kind == tutela.KeyShared {
				kept++
			}
		}
		if kept != 2 {
			t.Errorf("%d keys of current records that name her are kept, want 2", kept)
		}
		if n, err := h.Records.Naming(t.Context(), h.Records.Bucket("ann")); err != nil || n != 2 {
			t.Errorf("%d records of others name her: %v", n, err)
		}
	})
}

// Two patients' erasures share one rotation.
func TestErasuresShareARotation(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, h *house) {
		h.chart(t)
		first, second := h.approved(t, "ann"), h.approved(t, "ben")
		h.work(t)
		var generations []int
		for _, id := range []string{first.ID, second.ID} {
			e, err := h.service.Find(t.Context(), id)
			if err != nil || e.Certificate == nil || !e.Certificate.Final {
				t.Fatalf("%+v %v", e, err)
			}
			generations = append(generations, e.Generation)
		}
		if d := cmp.Diff([]int{2, 2}, generations); d != "" {
			t.Error(d)
		}
		h.Verify(t)
	})
}
