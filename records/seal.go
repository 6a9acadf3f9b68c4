package records

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// A sealed row is format byte 1 ‖ key version (uvarint) ‖ nonce ‖ ciphertext ‖ tag, under the
// data key of its bucket. Its AAD names tenant, purpose, bucket, locator and version. A row
// of several patients lies under a key of its own (key version 0), which shared_keys holds
// wrapped once for each of them.

const sealFormat = 1

const (
	purposeRecord    = "record"
	purposeSharedKey = "shared-key"
	purposeCursor    = "cursor"
)

// place is where a version belongs.
type place struct {
	bucket  int64
	locator int64
	version int64
}

func (s *Store) aad(purpose string, p place) keys.AAD {
	return keys.AAD{Tenant: s.ring.Tenant(), Purpose: purpose, Subject: keys.Subject64(p.bucket), ID: p.locator, Version: p.version}
}

// seal packs and seals plaintext for a place.
func (s *Store) seal(k *keys.Key, p place, plaintext []byte) ([]byte, error) {
	packed, err := s.packer.Pack(nil, plaintext)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(packed)+keys.Overhead+1+binary.MaxVarintLen32)
	out = append(out, sealFormat)
	out = binary.AppendUvarint(out, uint64(k.Version()))
	return k.Seal(out, packed, s.aad(purposeRecord, p)), nil
}

// open reverses seal.
func (s *Store) open(ctx context.Context, q store.Querier, r *row) ([]byte, error) {
	version, sealed, err := splitSealed(r.sealed)
	if err != nil {
		return nil, err
	}
	p := place{r.bucket, r.locator, r.version}
	k, err := s.keyFor(ctx, q, p, version)
	if err != nil {
		return nil, err
	}
	packed, err := k.Open(nil, sealed, s.aad(purposeRecord, p))
	if err != nil {
		return nil, fmt.Errorf("version %d of locator %016x: %w", p.version, uint64(p.locator), err)
	}
	plain, err := s.packer.Unpack(nil, packed)
	if err != nil {
		return nil, fmt.Errorf("unpack version %d of locator %016x: %w", p.version, uint64(p.locator), err)
	}
	return plain, nil
}

// splitSealed takes a sealed row apart. What has another form than seal gives was altered: keys.ErrSealed.
func splitSealed(b []byte) (keyVersion int, sealed []byte, err error) {
	if len(b) < 2 || b[0] != sealFormat {
		return 0, nil, fmt.Errorf("sealed row: unknown format: %w", keys.ErrSealed)
	}
	v, n := binary.Uvarint(b[1:])
	if n <= 0 || v > 1<<31 {
		return 0, nil, fmt.Errorf("sealed row: malformed key version: %w", keys.ErrSealed)
	}
	return int(v), b[1+n:], nil
}

// keyFor gives the key under which a stored version lies.
func (s *Store) keyFor(ctx context.Context, q store.Querier, p place, version int) (*keys.Key, error) {
	switch tutela.Bucket(p.bucket) {
	case tutela.BucketGeneral:
		return s.ring.At(ctx, tutela.KeyGeneral, 0, version)
	case tutela.BucketShared:
		return s.sharedKey(ctx, q, p)
	default:
		return s.ring.At(ctx, tutela.KeyPatient, p.bucket, version)
	}
}

// sharedKey unwraps the key of a resource of several patients, through any of them whose key is there.
func (s *Store) sharedKey(ctx context.Context, q store.Querier, p place) (*keys.Key, error) {
	wraps, err := sharedWraps(ctx, q, p.locator, p.version)
	if err != nil {
		return nil, err
	}
	gone := errs.New(errs.NotFound, "no key opens this resource")
	for _, w := range wraps {
		k, err := s.unwrapShared(ctx, p, w)
		if !errs.Is(err, errs.NotFound) {
			return k, err
		}
		if errors.Is(err, keys.ErrDestroyed) { // this patient is erased, or another of this version's
			gone = err
		}
	}
	return nil, gone
}

// unwrapShared opens one patient's copy of a shared resource's key.
func (s *Store) unwrapShared(ctx context.Context, p place, w wrap) (*keys.Key, error) {
	k, err := s.ring.At(ctx, tutela.KeyPatient, w.bucket, int(w.keyVersion))
	if err != nil {
		return nil, err
	}
	wrapped, err := s.unwrapOuter(ctx, p, w)
	if err != nil {
		return nil, err
	}
	secret, err := k.Open(nil, wrapped, s.aad(purposeSharedKey, place{w.bucket, p.locator, p.version}))
	if err != nil {
		return nil, fmt.Errorf("shared key of locator %016x: %w", uint64(p.locator), err)
	}
	return keys.NewKey(secret, 0)
}

// whom lists the patients that a stored version concerns.
func (s *Store) whom(ctx context.Context, q store.Querier, p place) ([]tutela.Bucket, error) {
	switch b := tutela.Bucket(p.bucket); b {
	case tutela.BucketGeneral:
		return nil, nil
	case tutela.BucketShared:
		wraps, err := sharedWraps(ctx, q, p.locator, p.version)
		if err != nil {
			return nil, err
		}
		list := make([]tutela.Bucket, len(wraps))
		for i, w := range wraps {
			list[i] = tutela.Bucket(w.bucket)
		}
		return list, nil
	default:
		return []tutela.Bucket{b}, nil
	}
}
