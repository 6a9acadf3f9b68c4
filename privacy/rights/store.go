package rights

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

func requestsTable() *store.Table {
	return &store.Table{Name: "rights_requests", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "revision"}, {Name: "patient"}, {Name: "closed"}, {Name: "due"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

// stored is a request with what its row says beside it.
type stored struct {
	Request

	revision int64
	patient  tutela.Bucket
	restrict bool // what was granted restricts the patient
}

func (r *stored) patientID() tutela.PatientID {
	return tutela.PatientID(strings.TrimPrefix(r.Patient, "Patient/"))
}

// columns are what the row shows without a key: nobody's name, and no kind.
func (r *stored) columns() (closed, due int64) {
	if r.State.closed() {
		closed = 1
	}
	if !r.Due.IsZero() {
		due = r.Due.UnixMilli()
	}
	return closed, due
}

// subject binds the sealed part to the rest of its row.
func subject(id []byte, revision, closed, due int64) []byte {
	return fmt.Appendf(nil, "request %x %d %d %d", id, revision, closed, due)
}

// save writes a request in place of the revision that was read, with its entry and whatever more adds.
func (s *Service) save(ctx context.Context, base tutela.Entry, r stored, more func(*store.Op) (string, error), words said) error {
	id, err := hex.DecodeString(r.ID)
	if err != nil {
		return fmt.Errorf("request %q: %w", r.ID, err)
	}
	plain, err := json.Marshal(r.Request)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	closed, due := r.columns()
	sealed, err := s.cfg.Notes.SealNote(ctx, r.patient, subject(id, r.revision+1, closed, due), plain)
	if err != nil {
		return noPatient(err)
	}
	c := store.Claim{Table: requestsTable(), Key: []any{id}, Set: []any{id, r.revision + 1, int64(r.patient), closed, due, sealed}}
	if r.revision > 0 {
		c.Expect = []any{r.revision}
	}
	op, state := store.Op{Claims: []store.Claim{c}}, string(r.State)
	if more != nil {
		also, err := more(&op)
		if err != nil {
			return err
		}
		state += ", " + also
	}
	words.Patient, words.Request, words.Kind = r.Patient, r.ID, r.Kind
	return s.commit(ctx, op, about(base, r.patient, r.ID, state), words)
}

const selectRequest = `SELECT id, revision, patient, closed, due, sealed FROM rights_requests`

// rows reads requests. Of an erased patient's nothing is left but times.
func (s *Service) rows(ctx context.Context, where string, args ...any) ([]stored, error) {
	type row struct {
		id                             []byte
		revision, patient, closed, due int64
		sealed                         []byte
	}
	var found []row
	err := s.cfg.DB.Query(ctx, selectRequest+where, args, func(sc store.Scanner) error {
		var r row
		if err := sc.Scan(&r.id, &r.revision, &r.patient, &r.closed, &r.due, &r.sealed); err != nil {
			return err
		}
		found = append(found, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var list []stored
	for _, f := range found {
		r := stored{revision: f.revision, patient: tutela.Bucket(f.patient)}
		plain, err := s.cfg.Notes.OpenNote(ctx, r.patient, subject(f.id, f.revision, f.closed, f.due), f.sealed)
		switch {
		case errs.Is(err, errs.NotFound):
			r.Request = Request{ID: hex.EncodeToString(f.id), Erased: true, State: Fulfilled}
			if f.due != 0 {
				r.Due = time.UnixMilli(f.due).UTC()
			}
		case err != nil:
			return nil, fmt.Errorf("open request %x: %w", f.id, err)
		default:
			if json.Unmarshal(plain, &r.Request) != nil {
				return nil, errors.New("decode a request: it is not as it was written")
			}
		}
		list = append(list, r)
	}
	return list, nil
}

// find reads one request.
func (s *Service) find(ctx context.Context, id string) (stored, error) {
	key, err := hex.DecodeString(id)
	if err != nil || len(key) != 16 {
		return stored{}, notFound()
	}
	list, err := s.rows(ctx, ` WHERE id = ?`, key)
	if err == nil && len(list) == 0 {
		err = notFound()
	}
	if err != nil {
		return stored{}, err
	}
	return list[0], nil
}

func notFound() error { return errs.New(errs.NotFound, "no such request") }

// maxRequests bounds what a list holds.
const maxRequests = 1000

// Requests gives those that are open, the soonest due first and those without a time last; with closed
// ones, these after them.
func (s *Service) Requests(ctx context.Context, closed bool) ([]Request, error) {
	where, args := ` WHERE closed = 0 ORDER BY CASE WHEN due = 0 THEN 1 ELSE 0 END, due, id LIMIT ?`, []any{int64(maxRequests)}
	if closed {
		where = strings.Replace(where, ` WHERE closed = 0 ORDER BY`, ` ORDER BY closed,`, 1)
	}
	return requestsOf(s.rows(ctx, where, args...))
}

// RequestsOf gives a patient's requests, in the order in which they came.
func (s *Service) RequestsOf(ctx context.Context, patient tutela.PatientID) ([]Request, error) {
	return requestsOf(s.rows(ctx, ` WHERE patient = ? ORDER BY closed, due, id LIMIT ?`, int64(s.cfg.Notes.Bucket(patient)), int64(maxRequests)))
}

func requestsOf(rows []stored, err error) ([]Request, error) {
	list := make([]Request, len(rows))
	for i := range rows {
		list[i] = rows[i].Request
	}
	return list, err
}
