package facts

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/intake/hl7"
	"github.com/tutela-health/tutela/store"
)

func staysTable() *store.Table {
	return &store.Table{Name: "intake_stays", Key: 1, Columns: []store.Column{{Name: "stay"}, {Name: "patient"}, {Name: "sealed", Kind: store.Bytes}}}
}

// stayRows are stays as they are stored.
type stayRows struct{ gone, here [][]any }

// into puts stays in the place of what was kept of them.
func (r stayRows) into(op *store.Op) {
	if len(r.here) == 0 {
		return
	}
	op.Deletes = append(op.Deletes, store.Rows{Table: staysTable(), Rows: r.gone})
	op.Inserts = append(op.Inserts, store.Rows{Table: staysTable(), Rows: r.here})
}

// told is a stay and who told of it.
type told struct {
	Source string   `json:"source"`
	Stay   hl7.Stay `json:"stay"`
}

func (s *Store) sealStays(ctx context.Context, source string, list []hl7.Stay) (rows stayRows, err error) {
	for _, stay := range list {
		plain, err := json.Marshal(told{source, stay})
		if err != nil {
			return rows, err
		}
		id := s.Alias("intake-stay", strconv.Itoa(len(source))+":"+source+string(stay.Key))
		sealed, err := s.Notes.SealNote(ctx, tutela.BucketGeneral, staySubject(id, stay.Patient), plain)
		if err != nil {
			return rows, err
		}
		rows.gone = append(rows.gone, []any{id})
		rows.here = append(rows.here, []any{id, int64(stay.Patient), sealed})
	}
	return rows, nil
}

func staySubject(id int64, patient tutela.Bucket) []byte {
	return fmt.Appendf(nil, "intake stay %d of %d", id, int64(patient))
}

// maxStays bounds the stays that are given of one patient: the rest are of no source's memory.
const maxStays = 1000

// Stays gives what a source told of a patient's stays.
func (s *Store) Stays(ctx context.Context, source string, patient tutela.Bucket) (list []hl7.Stay, err error) {
	type row struct {
		id     int64
		sealed []byte
	}
	var rows []row
	err = s.DB.Query(ctx, `SELECT stay, sealed FROM intake_stays WHERE patient = ? ORDER BY stay LIMIT ?`, []any{int64(patient), int64(maxStays)}, func(sc store.Scanner) error {
		var r row
		err := sc.Scan(&r.id, &r.sealed)
		rows = append(rows, r)
		return err
	})
	for _, r := range rows {
		plain, failed := s.Notes.OpenNote(ctx, tutela.BucketGeneral, staySubject(r.id, patient), r.sealed)
		var t told
		if failed == nil {
			failed = json.Unmarshal(plain, &t)
		}
		if failed != nil {
			return nil, fmt.Errorf("open a stay: %w", failed)
		}
		if t.Source == source {
			list = append(list, t.Stay)
		}
	}
	return list, err
}
