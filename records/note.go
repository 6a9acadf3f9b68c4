package records

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// SealNote seals what another plane keeps about a patient under his key, so that it goes when that goes;
// under the general key for BucketGeneral. subject binds it to its place. Where the patient has no key,
// and after his erasure, the error's kind is errs.NotFound.
func (s *Store) SealNote(ctx context.Context, b tutela.Bucket, subject, plain []byte) ([]byte, error) {
	k, err := s.noteKey(ctx, b)
	if err != nil {
		return nil, err
	}
	return k.Seal(binary.AppendUvarint(nil, uint64(k.Version())), plain, s.noteAAD(b, subject)), nil
}

// OpenNote opens what SealNote sealed there.
func (s *Store) OpenNote(ctx context.Context, b tutela.Bucket, subject, sealed []byte) ([]byte, error) {
	version, n := binary.Uvarint(sealed)
	if n <= 0 || version == 0 || version > math.MaxInt32 {
		return nil, errs.New(errs.Internal, "a note was tampered with")
	}
	k, err := s.ring.At(ctx, noteKind(b), int64(b), int(version))
	if err != nil {
		return nil, err
	}
	return k.Open(nil, sealed[n:], s.noteAAD(b, subject))
}

// noteKey is the newest key; it makes none for a patient.
func (s *Store) noteKey(ctx context.Context, b tutela.Bucket) (*keys.Key, error) {
	if b == tutela.BucketGeneral {
		return s.ring.Current(ctx, tutela.KeyGeneral, 0)
	}
	return s.ring.At(ctx, tutela.KeyPatient, int64(b), 0)
}

// Known reports whether there is, or was, a patient of an id.
func (s *Store) Known(ctx context.Context, p tutela.PatientID) (bool, error) {
	var one int64
	return s.db.QueryRow(ctx, `SELECT 1 FROM locators WHERE locator = ?`, []any{int64(s.Bucket(p))}, &one)
}

func noteKind(b tutela.Bucket) tutela.KeyKind {
	if b == tutela.BucketGeneral {
		return tutela.KeyGeneral
	}
	return tutela.KeyPatient
}

func (s *Store) noteAAD(b tutela.Bucket, subject []byte) keys.AAD {
	return keys.AAD{Tenant: s.ring.Tenant(), Purpose: "note", Subject: subject, ID: int64(b)}
}
