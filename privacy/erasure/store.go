package erasure

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

func erasuresTable() *store.Table {
	return &store.Table{Name: "erasures", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "revision"}, {Name: "patient"}, {Name: "name", Kind: store.Bytes}, {Name: "sealed", Kind: store.Bytes},
	}}
}

func holdsTable() *store.Table {
	return &store.Table{Name: "erasure_holds", Key: 1, Columns: []store.Column{{Name: "patient"}, {Name: "sealed", Kind: store.Bytes}}}
}

// subject binds a sealed row to its place.
func subject(id string, revision int64, b tutela.Bucket) []byte {
	return fmt.Appendf(nil, "erasure %s %d %d", id, revision, b)
}

func nameSubject(id string) []byte { return []byte("erasure name " + id) }

// row is what a save writes: the claim of the next revision.
func (s *Service) claim(ctx context.Context, e *Erasure) (store.Claim, error) {
	id, err := hex.DecodeString(e.ID)
	if err != nil {
		return store.Claim{}, fmt.Errorf("erasure %q: %w", e.ID, err)
	}
	plain, err := json.Marshal(e)
	if err != nil {
		return store.Claim{}, fmt.Errorf("encode erasure: %w", err)
	}
	sealed, err := s.cfg.Records.SealNote(ctx, tutela.BucketGeneral, subject(e.ID, e.revision+1, e.Patient), plain)
	if err != nil {
		return store.Claim{}, err
	}
	c := store.Claim{Table: erasuresTable(), Key: []any{id}, Set: []any{id, e.revision + 1, int64(e.Patient), e.name, sealed}}
	if e.revision > 0 {
		c.Expect = []any{e.revision}
	}
	return c, nil
}

// save writes an erasure in place of the revision that was read, with its entry.
func (s *Service) save(ctx context.Context, base tutela.Entry, e *Erasure) error {
	c, err := s.claim(ctx, e)
	if err != nil {
		return err
	}
	base.Subject = &tutela.Subject{Kind: "erasure", ID: e.ID, Detail: string(e.State)}
	if err := s.commit(ctx, store.Op{Claims: []store.Claim{c}}, base, e.Patient, ""); err != nil {
		return err
	}
	e.revision++
	return nil
}

// commit writes an op with its entry about a patient.
func (s *Service) commit(ctx context.Context, op store.Op, base tutela.Entry, b tutela.Bucket, detail string) (err error) {
	base.Outcome, base.Type = tutela.OutcomeSuccess, "Patient"
	base.Patients = []tutela.Touched{{Patient: b}}
	if base.Subject == nil {
		base.Subject = &tutela.Subject{Kind: "erasure", ID: pseudonym(b), Detail: detail}
	}
	if op.Entries, err = s.cfg.Audit.Encode(ctx, base, nil, nil); err != nil {
		return err
	}
	return s.cfg.DB.Commit(ctx, op)
}

// rows reads erasures.
func (s *Service) rows(ctx context.Context, where string, args ...any) ([]Erasure, error) {
	type row struct {
		id, name, sealed  []byte
		revision, patient int64
	}
	var found []row
	err := s.cfg.DB.Query(ctx, "SELECT id, revision, patient, name, sealed FROM erasures"+where+" ORDER BY id", args, func(sc store.Scanner) error {
		var r row
		err := sc.Scan(&r.id, &r.revision, &r.patient, &r.name, &r.sealed)
		found = append(found, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	var list []Erasure
	for _, f := range found {
		id, b := hex.EncodeToString(f.id), tutela.Bucket(f.patient)
		plain, err := s.cfg.Records.OpenNote(ctx, tutela.BucketGeneral, subject(id, f.revision, b), f.sealed)
		if err != nil {
			return nil, fmt.Errorf("open erasure %s: %w", id, err)
		}
		var e Erasure
		if json.Unmarshal(plain, &e) != nil {
			return nil, errors.New("decode an erasure: it is not as it was written")
		}
		e.Patient, e.revision, e.name = b, f.revision, f.name
		list = append(list, e)
	}
	return list, nil
}

// List gives all erasures.
func (s *Service) List(ctx context.Context) ([]Erasure, error) { return s.rows(ctx, "") }

// Find gives one.
func (s *Service) Find(ctx context.Context, id string) (Erasure, error) {
	key, err := hex.DecodeString(id)
	if err != nil || len(key) != 16 {
		return Erasure{}, notFound()
	}
	list, err := s.rows(ctx, " WHERE id = ?", key)
	if err == nil && len(list) == 0 {
		err = notFound()
	}
	if err != nil {
		return Erasure{}, err
	}
	return list[0], nil
}

func notFound() error { return errs.New(errs.NotFound, "no such erasure") }
