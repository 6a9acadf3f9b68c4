package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// A patient is erased by leaving his key behind: nothing wraps it any more, and when the generation that did is
// destroyed, no copy of it opens. What lies under it stays, so that the ledger still covers it, and is noise.

// erasure is the version of a Write that says: the key of this bucket was left behind.
const erasure = 0

// erased is the Write of an erasure. No digest is needed where nothing is written: in its place, in the first eight bytes,
// stands the last version of the index that has terms of what lies under the key; 0 where none has.
func erased(b tutela.Bucket, lastIndex int64) tutela.Write {
	w := tutela.Write{Locator: tutela.Locator(b), Version: erasure, Bucket: b, Deleted: true}
	binary.BigEndian.PutUint64(w.Digest[:], uint64(lastIndex))
	return w
}

// lastIndex is what erased wrote there.
func lastIndex(w tutela.Write) int64 { return int64(binary.BigEndian.Uint64(w.Digest[:])) }

// Redact writes a new version of every resource that concerns a patient and others, without him: his references
// go, with what they display. A resource of which he is the subject, or that cannot be without him, is deleted. It
// returns how many it changed. grant must give what reaches all of them.
func (s *Store) Redact(ctx context.Context, base tutela.Entry, grant Granting, p tutela.PatientID) (int, error) {
	locators, err := s.sharing(ctx, s.Bucket(p))
	if err != nil {
		return 0, err
	}
	changed := 0
	for _, l := range locators {
		done, err := s.redact(ctx, base, grant, p, l)
		if err != nil {
			return changed, err
		}
		if done {
			changed++
		}
	}
	return changed, nil
}

// sharing lists the resources of which some version concerns a patient and others.
func (s *Store) sharing(ctx context.Context, b tutela.Bucket) ([]tutela.Locator, error) {
	var list []tutela.Locator
	err := s.db.Query(ctx, `SELECT DISTINCT locator FROM shared_keys WHERE bucket = ?`, []any{int64(b)}, func(sc store.Scanner) error {
		var l int64
		err := sc.Scan(&l)
		list = append(list, tutela.Locator(l))
		return err
	})
	return list, err
}

// redact writes one resource without a patient; false where its current version does not concern him any more.
func (s *Store) redact(ctx context.Context, base tutela.Entry, grant Granting, p tutela.PatientID, l tutela.Locator) (bool, error) {
	r, found, err := current(ctx, s.db, l)
	if err != nil || !found || r.deleted() {
		return false, err
	}
	rec, err := s.record(ctx, s.db, tutela.Ref{}, r)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !slices.Contains(rec.Patients, s.Bucket(p)) {
		return false, nil
	}
	old, err := r4.Parse(rec.JSON)
	if err != nil {
		return false, err
	}
	c := Change{Kind: Update, Ref: tutela.Ref{Type: old.Type(), ID: old.ID()}, IfMatch: r.version, MustExist: true}
	base.Action = tutela.ActionUpdate
	if c.Resource, err = without(rec.JSON, p); err != nil {
		c.Kind, c.Resource, base.Action = Delete, nil, tutela.ActionDelete
	}
	if c.Grant, err = grant(ctx, base.Action, c.Ref.Type); err != nil {
		return false, err
	}
	base.Type, base.Outcome = c.Ref.Type, tutela.OutcomeSuccess
	_, err = s.Transact(ctx, base, "", []Change{c})
	return err == nil, err
}

// Granting gives the authority to do something with a type of resource.
type Granting func(ctx context.Context, action tutela.Action, typ string) (access.Grant, error)

// without gives a resource without its references to a patient, and what they display; an error where what is left
// is no resource, or still names him.
func without(text []byte, p tutela.PatientID) (*r4.Resource, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // FHIR decimals keep their precision
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("decode resource: %w", err)
	}
	for _, element := range []string{"subject", "patient", "beneficiary"} {
		if about, ok := doc[element].(map[string]any); ok && refersTo(about["reference"], p) {
			return nil, errs.New(errs.Invalid, "the resource is the patient's own")
		}
	}
	kept, _ := strip(doc, p).(map[string]any)
	delete(kept, "text") // the narrative may name anybody
	redacted, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("encode resource: %w", err)
	}
	res, err := r4.Parse(redacted)
	if err != nil {
		return nil, err
	}
	if slices.Contains(res.Patients(res.ID()), p) {
		return nil, errs.New(errs.Invalid, "the resource is the patient's own")
	}
	return res, nil
}

// strip takes whatever refers to a patient out of a JSON value: the whole object that has such a reference, and what
// is empty without it. nil is nothing left.
func strip(v any, p tutela.PatientID) any {
	switch v := v.(type) {
	case map[string]any:
		if refersTo(v["reference"], p) {
			return nil
		}
		kept := map[string]any{}
		for key, child := range v {
			if c := strip(child, p); c != nil {
				kept[key] = c
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case []any:
		var kept []any
		for _, child := range v {
			if c := strip(child, p); c != nil {
				kept = append(kept, c)
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	}
	return v
}

func refersTo(v any, p tutela.PatientID) bool {
	text, ok := v.(string)
	if !ok {
		return false
	}
	ref, ok := r4.ParseReference(text)
	return ok && ref.Local() && ref.Type == "Patient" && ref.ID == string(p)
}

// Shred leaves a patient's key behind, and the keys of all versions of resources that concerned him and others, but for
// those that others still have; in the transaction of the entry, which says so. From then on nothing of him opens: on
// this node at once, on others within a second. Shredding what was shredded does nothing.
func (s *Store) Shred(ctx context.Context, base tutela.Entry, b tutela.Bucket) error {
	at := s.clock()
	op, err := s.db.Shredding(ctx, tutela.KeyPatient, int64(b), at)
	if err != nil {
		return err
	}
	if len(op.Deletes) == 0 {
		_, shredded, err := s.db.Shredded(ctx, tutela.KeyPatient, int64(b), 0)
		if err == nil && !shredded {
			err = errs.New(errs.NotFound, "no such Patient")
		}
		return err
	}
	outer, err := s.outerKeys(ctx, b)
	if err != nil {
		return err
	}
	for _, id := range outer {
		more, err := s.db.Shredding(ctx, tutela.KeyShared, id, at)
		if err != nil {
			return err
		}
		op.Deletes, op.Inserts = append(op.Deletes, more.Deletes...), append(op.Inserts, more.Inserts...)
	}
	index, err := readIndexState(ctx, s.db)
	if err != nil {
		return err
	}
	op.Claims = append(op.Claims, index.unchanged(s.tables.index))
	base.Patients = []tutela.Touched{{Patient: b}}
	base.Writes = []tutela.Write{erased(b, index.newest())}
	if op.Entries, err = s.audit.Encode(ctx, base, nil, nil); err != nil {
		return err
	}
	op.Alone = true
	if err := s.db.Commit(ctx, op); err != nil {
		return err
	}
	return s.ring.Refresh(ctx)
}

// outerKeys are the numbers of the keys of the versions that concern a patient and others, but for those that are the
// others' current ones: somebody wrote them since the patient was taken out, and they are not his alone.
func (s *Store) outerKeys(ctx context.Context, b tutela.Bucket) ([]int64, error) {
	var list []int64
	err := s.db.Query(ctx, `SELECT locator, version FROM shared_keys WHERE bucket = ? AND outer_version > 0 AND NOT EXISTS (`+shownStill+`)`, []any{int64(b)}, func(sc store.Scanner) error {
		var l, v int64
		err := sc.Scan(&l, &v)
		list = append(list, s.outerID(l, v))
		return err
	})
	return list, err
}

// shownStill finds the current version of a resource that lives, where a row of shared_keys is of it.
const shownStill = `SELECT 1 FROM locators l WHERE l.locator = shared_keys.locator AND l.version = shared_keys.version AND l.kind <> 0`

// Naming counts the current records of others that concern a patient too.
func (s *Store) Naming(ctx context.Context, b tutela.Bucket) (n int, err error) {
	var count int64
	_, err = s.db.QueryRow(ctx, `SELECT count(*) FROM shared_keys WHERE bucket = ? AND EXISTS (`+shownStill+`)`, []any{int64(b)}, &count)
	return int(count), err
}

// Unsealed counts the versions of old that concern a patient and others, and whose keys the others' still open: their
// copies cannot be erased.
func (s *Store) Unsealed(ctx context.Context, b tutela.Bucket) (n int, err error) {
	var count int64
	_, err = s.db.QueryRow(ctx, `SELECT count(*) FROM shared_keys WHERE bucket = ? AND outer_version = 0`, []any{int64(b)}, &count)
	return int(count), err
}

// LastChange is when a patient's records were last written.
func (s *Store) LastChange(ctx context.Context, b tutela.Bucket) (time.Time, error) {
	var at int64
	_, err := s.db.QueryRow(ctx, `SELECT COALESCE(max(updated), 0) FROM locators WHERE bucket = ?`, []any{int64(b)}, &at)
	return time.UnixMilli(at).UTC(), err
}

// erasures holds the keys that were left behind against the ledger: each by an erasure, and no erased patient has
// a key.
func (v *Verification) erasures(ctx context.Context, q store.Querier) error {
	left := map[int64]bool{}
	err := store.ShreddedKeys(ctx, q, func(k tutela.WrappedKey) error {
		if k.Kind != tutela.KeyPatient {
			return nil
		}
		left[k.ID] = true
		if _, told := v.erased[k.ID]; !told {
			v.Problem(fmt.Sprintf("shredded_keys patient %016x", uint64(k.ID)), "no ledger entry says that this patient was erased")
		}
		return nil
	})
	for b := range v.erased {
		if !left[b] {
			v.Problem(fmt.Sprintf("shredded_keys patient %016x", uint64(b)), "the ledger says that this patient was erased, and the name of the key is not there")
		}
		if _, kerr := v.s.db.WrappedKey(ctx, tutela.KeyPatient, b, 0); !errs.Is(kerr, errs.NotFound) {
			err = errors.Join(err, v.returned(b, kerr))
		}
	}
	return err
}

// returned names an erased patient who has a key again.
func (v *Verification) returned(b int64, err error) error {
	if err == nil {
		v.Problem(fmt.Sprintf("wrapped_keys patient %016x", uint64(b)), "the ledger says that this patient was erased, and there is a key")
	}
	return err
}

// mostOpened bounds the rows of a patient that Opens tries.
const mostOpened = 1000

// Opens tries to open the versions that lie under a patient's key, and tells how many do. Nobody is shown them.
func (s *Store) Opens(ctx context.Context, b tutela.Bucket) (opened, rows int, err error) {
	var list []*row
	err = s.db.Query(ctx, `SELECT locator, version, sealed FROM versions WHERE bucket = ? LIMIT ?`, []any{int64(b), int64(mostOpened)}, func(sc store.Scanner) error {
		r := &row{bucket: int64(b)}
		list = append(list, r)
		return sc.Scan(&r.locator, &r.version, &r.sealed)
	})
	for _, r := range list {
		if _, oerr := s.open(ctx, s.db, r); oerr == nil {
			opened++
		} else if !errs.Is(oerr, errs.NotFound) {
			err = oerr
		}
	}
	return opened, len(list), err
}

// mostNamed is how many patients one entry names.
const mostNamed = 400

// Acknowledge writes into the ledger whose keys the keyring says were left behind: after a restore of rows that are older than the
// keyring, whose ledger does not tell of it. It returns how many there are.
func (s *Store) Acknowledge(ctx context.Context, base tutela.Entry) (int, error) {
	var list []tutela.Bucket
	err := store.ShreddedKeys(ctx, s.db, func(k tutela.WrappedKey) error {
		if k.Kind == tutela.KeyPatient {
			list = append(list, tutela.Bucket(k.ID))
		}
		return nil
	})
	for some := range slices.Chunk(list, mostNamed) {
		if err != nil {
			break
		}
		base.Patients, base.Writes = nil, nil
		for _, b := range some {
			base.Patients = append(base.Patients, tutela.Touched{Patient: b})
			base.Writes = append(base.Writes, erased(b, 0))
		}
		var entries [][]byte
		if entries, err = s.audit.Encode(ctx, base, nil, nil); err == nil {
			err = s.db.Commit(ctx, store.Op{Entries: entries})
		}
	}
	return len(list), err
}
