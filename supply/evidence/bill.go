package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Bill is a bill of materials that a pipeline reported.
type Bill struct {
	ID         string    `json:"id"` // SHA-256 of the statement that it came in, in hex
	Pipeline   string    `json:"pipeline"`
	Repository string    `json:"repository"`
	Commit     string    `json:"commit,omitempty"`
	Files      string    `json:"dirHash,omitempty"`
	Components int       `json:"components"`
	Received   time.Time `json:"received"`
}

// keptBills is how many bills are kept of a pipeline: those of the newest versions.
const keptBills = 50

// shelve adds a bill to an op, and takes away what is older than the newest of its pipeline.
func (s *Service) shelve(ctx context.Context, op *store.Op, r *report, now time.Time) error {
	r.bill.Received = now.UTC().Truncate(time.Millisecond)
	about, err := json.Marshal(r.bill)
	if err != nil {
		return fmt.Errorf("encode a bill: %w", err)
	}
	packed, err := pack(r.text)
	if err != nil {
		return err
	}
	sealedAbout, err := s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, subject("about", r.digest[:]), about)
	if err != nil {
		return err
	}
	sealedBill, err := s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, subject("bill", r.digest[:]), packed)
	if err != nil {
		return err
	}
	old, err := s.older(ctx, r.pipeline.ID)
	if err != nil {
		return err
	}
	op.Deletes = append(op.Deletes, store.Rows{Table: billsTable(), Rows: old})
	op.Inserts = append(op.Inserts, store.Rows{Table: billsTable(), Rows: [][]any{{r.digest[:], r.pipeline.ID, r.bill.Received.UnixMilli(), sealedAbout, sealedBill}}})
	return nil
}

// subject binds a sealed part of a bill to its row.
func subject(part string, id []byte) []byte { return fmt.Appendf(nil, "sbom %s %x", part, id) }

// Bills lists what is kept, the newest first.
func (s *Service) Bills(ctx context.Context) ([]Bill, error) {
	list := []Bill{}
	rows, err := s.billRows(ctx)
	for _, row := range rows {
		plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, subject("about", row.id), row.sealed)
		if err != nil {
			return nil, fmt.Errorf("open a bill: %w", err)
		}
		var b Bill
		if json.Unmarshal(plain, &b) != nil {
			return nil, errors.New("decode a bill: it is not as it was written")
		}
		list = append(list, b)
	}
	return list, err
}

// Bill gives a bill of materials as it was reported.
func (s *Service) Bill(ctx context.Context, id string) (json.RawMessage, error) {
	key, sealed, err := s.billRow(ctx, id)
	if err != nil {
		return nil, err
	}
	packed, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, subject("bill", key), sealed)
	if err != nil {
		return nil, fmt.Errorf("open a bill: %w", err)
	}
	return unpack(packed)
}

func notFound() error { return errs.New(errs.NotFound, "no such bill of materials") }

func pack(text []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("pack a bill: %w", err)
	}
	return b.Bytes(), nil
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack a bill: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(z, MaxReport))
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("unpack a bill: %w", err)
	}
	return text, nil
}
