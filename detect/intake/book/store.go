package book

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's tables. intake_batches keeps the ids of the last records, a row a batch, so that one
// that is sent again is known after a restart; its row 0 says how many batches there were. intake_patients keeps what
// sources call a patient, sealed under the general key.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0701_intake", SQL: `
CREATE TABLE intake_batches (seq {{int}} NOT NULL PRIMARY KEY, last {{int}} NOT NULL, ids {{bytes}} NOT NULL) {{clustered}};
CREATE TABLE intake_patients (patient {{int}} NOT NULL PRIMARY KEY, sealed {{bytes}} NOT NULL) {{clustered}};
`}}
}

func batchesTable() *store.Table {
	return &store.Table{Name: "intake_batches", Key: 1, Columns: []store.Column{{Name: "seq"}, {Name: "last"}, {Name: "ids", Kind: store.Bytes}}}
}

func patientsTable() *store.Table {
	return &store.Table{Name: "intake_patients", Key: 1, Columns: []store.Column{{Name: "patient"}, {Name: "sealed", Kind: store.Bytes}}}
}

// catchUp reads what other nodes wrote, and after a start the last Window records.
func (b *Book) catchUp(ctx context.Context) error {
	if !b.ready {
		b.seen, b.at = window{}, 0
		clear(b.known)
	}
	type row struct {
		seq, last int64
		ids       []byte
	}
	var rows []row
	err := b.cfg.DB.Query(ctx, `SELECT seq, last, ids FROM intake_batches WHERE seq = 0 OR seq > ? ORDER BY seq`, []any{b.at}, func(sc store.Scanner) error {
		var r row
		err := sc.Scan(&r.seq, &r.last, &r.ids)
		rows = append(rows, r)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.seq == 0 {
			b.at = r.last
			continue
		}
		if len(r.ids)%len(recordID{}) != 0 {
			return errs.New(errs.Internal, "a batch of record ids is damaged")
		}
		var batch []recordID
		for part := range slices.Chunk(r.ids, len(recordID{})) {
			batch = append(batch, recordID(part))
		}
		b.seen.add(batch)
	}
	b.ready = true
	return nil
}

// complete adds to a batch's transaction its ids, and the patients who are new.
func (b *Book) complete(ctx context.Context, d *draft) error {
	var ids []byte
	for _, id := range d.ids {
		ids = append(ids, id[:]...)
	}
	next := b.at + 1
	head := store.Claim{Table: batchesTable(), Key: []any{int64(0)}, Set: []any{int64(0), next, []byte{}}}
	if b.at > 0 {
		head.Expect = []any{b.at}
	}
	d.op.Claims = append(d.op.Claims, head)
	d.op.Inserts = append(d.op.Inserts, store.Rows{Table: batchesTable(), Rows: [][]any{{next, next, ids}}})
	if n := b.seen.stale(len(d.ids)); n > 0 {
		oldest, gone := b.at-int64(len(b.seen.batches))+1, store.Rows{Table: batchesTable()}
		for i := range int64(n) {
			gone.Rows = append(gone.Rows, []any{oldest + i})
		}
		d.op.Deletes = append(d.op.Deletes, gone)
	}
	return b.keepPatients(ctx, d)
}

// keepPatients adds the patients of a batch whom the store does not have.
func (b *Book) keepPatients(ctx context.Context, d *draft) error {
	if err := b.forgetKept(ctx, d); err != nil || len(d.patients) == 0 {
		return err
	}
	rows := store.Rows{Table: patientsTable()}
	for patient, id := range d.patients {
		plain, err := json.Marshal(id)
		if err != nil {
			return err
		}
		sealed, err := b.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, patientSubject(patient), plain)
		if err != nil {
			return err
		}
		rows.Rows = append(rows.Rows, []any{int64(patient), sealed})
	}
	d.op.Inserts = append(d.op.Inserts, rows)
	return nil
}

// forgetKept takes those out of a batch's new patients whom the store has.
func (b *Book) forgetKept(ctx context.Context, d *draft) error {
	var asked []any
	for patient := range d.patients {
		asked = append(asked, int64(patient))
	}
	for part := range slices.Chunk(asked, 256) {
		places := strings.TrimSuffix(strings.Repeat("?,", len(part)), ",")
		err := b.cfg.DB.Query(ctx, `SELECT patient FROM intake_patients WHERE patient IN (`+places+`)`, part, func(sc store.Scanner) error {
			var n int64
			err := sc.Scan(&n)
			b.known[tutela.Bucket(n)] = struct{}{}
			delete(d.patients, tutela.Bucket(n))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func patientSubject(patient tutela.Bucket) []byte {
	return fmt.Appendf(nil, "intake patient %d", int64(patient))
}

// Patient gives what sources call a patient. Where no source told of him the error's kind is errs.NotFound; where what
// is kept is another's identifier, it is Internal.
func (b *Book) Patient(ctx context.Context, patient tutela.Bucket) (intake.Identifier, error) {
	var id intake.Identifier
	var sealed []byte
	found, err := b.cfg.DB.QueryRow(ctx, `SELECT sealed FROM intake_patients WHERE patient = ?`, []any{int64(patient)}, &sealed)
	if err == nil && !found {
		err = errs.New(errs.NotFound, "no source told of that patient")
	}
	if err != nil {
		return id, err
	}
	plain, err := b.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, patientSubject(patient), sealed)
	if err == nil {
		err = json.Unmarshal(plain, &id)
	}
	if err == nil && b.cfg.Tokens.Patient(id) != patient {
		err = errors.New("it is another patient's")
	}
	if err != nil {
		return intake.Identifier{}, fmt.Errorf("open identifier of patient: %w", err)
	}
	return id, nil
}
