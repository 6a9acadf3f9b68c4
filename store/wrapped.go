package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// wrappedKeys is the shelf of wrapped keys; see schema.go.
var wrappedKeys = Table{ //nolint:gochecknoglobals // fixed: a Table is told from another by its address
	Name: "wrapped_keys",
	Columns: []Column{
		{"kind", Int}, {"id", Int}, {"version", Int}, {"generation", Int}, {"created", Int}, {"blob", Bytes},
	},
	Key: 3,
}

// keyCode is the stored number of a kind. The numbers are for ever.
func keyCode(k tutela.KeyKind) (int64, error) {
	switch k {
	case tutela.KeyRing:
		return 1, nil
	case tutela.KeyPatient:
		return 2, nil
	case tutela.KeyGeneral:
		return 3, nil
	case tutela.KeyDay:
		return 4, nil
	case tutela.KeySystem:
		return 5, nil
	case tutela.KeyShared:
		return 6, nil
	}
	return 0, errs.New(errs.Internal, "no such kind of key: %s", k)
}

func keyKind(code int64) (tutela.KeyKind, error) {
	kinds := []tutela.KeyKind{tutela.KeyRing, tutela.KeyPatient, tutela.KeyGeneral, tutela.KeyDay, tutela.KeySystem, tutela.KeyShared}
	if code < 1 || code > int64(len(kinds)) {
		return "", errs.New(errs.Internal, "wrapped_keys holds an unknown kind %d", code)
	}
	return kinds[code-1], nil
}

const selectKeys = "SELECT kind, id, version, generation, created, blob FROM wrapped_keys"

// WrappedKey reads a key by version, or the newest for version 0. The kind of the error is
// errs.NotFound when there is none.
func (db *DB) WrappedKey(ctx context.Context, kind tutela.KeyKind, id int64, version int) (tutela.WrappedKey, error) {
	code, err := keyCode(kind)
	if err != nil {
		return tutela.WrappedKey{}, err
	}
	sql, args := selectKeys+" WHERE kind = ? AND id = ? AND version = ?", []any{code, id, int64(version)}
	if version == 0 {
		sql, args = selectKeys+" WHERE kind = ? AND id = ? ORDER BY version DESC LIMIT 1", args[:2]
	}
	var k tutela.WrappedKey
	found := false
	err = db.Query(ctx, sql, args, func(s Scanner) error {
		found = true
		k, err = scanKey(s)
		return err
	})
	if err == nil && !found {
		err = errs.New(errs.NotFound, "no such key")
	}
	return k, err
}

// WrappedKeys yields every key, ordered by kind, id and version.
func (db *DB) WrappedKeys(ctx context.Context, yield func(tutela.WrappedKey) error) error {
	return db.Query(ctx, selectKeys+" ORDER BY kind, id, version", nil, func(s Scanner) error {
		k, err := scanKey(s)
		if err != nil {
			return err
		}
		return yield(k)
	})
}

func scanKey(s Scanner) (k tutela.WrappedKey, err error) {
	var code, created int64
	if err := s.Scan(&code, &k.ID, &k.Version, &k.Generation, &created, &k.Blob); err != nil {
		return k, fmt.Errorf("wrapped_keys: %w", err)
	}
	k.Created = time.Unix(created, 0).UTC()
	k.Kind, err = keyKind(code)
	return k, err
}

// PutWrappedKey adds a key. The kind of the error is errs.Conflict when that version exists.
func (db *DB) PutWrappedKey(ctx context.Context, k tutela.WrappedKey) error {
	if _, err := keyCode(k.Kind); err != nil {
		return err
	}
	return db.Commit(ctx, Op{Claims: []Claim{ClaimKey(k)}})
}

// ClaimKey lets a new key travel in the Op that uses it first: the Op happens only if nobody else
// has made that version. The key's kind must be one of tutela's; Commit refuses another.
func ClaimKey(k tutela.WrappedKey) Claim {
	code, err := keyCode(k.Kind)
	if err != nil {
		return Claim{} // refused by Commit
	}
	key := []any{code, k.ID, int64(k.Version)}
	return Claim{
		Table: &wrappedKeys,
		Key:   key,
		Set:   append(key[:3:3], int64(k.Generation), k.Created.Unix(), k.Blob),
	}
}

// DropWrappedKey deletes every version of a key. What it sealed opens for nobody who has this store
// alone; a copy from before still has the key, wrapped by its generation.
func (tx *Tx) DropWrappedKey(ctx context.Context, kind tutela.KeyKind, id int64) error {
	code, err := keyCode(kind)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM wrapped_keys WHERE kind = ? AND id = ?", code, id)
	return err
}

// ClaimRewrapped puts another wrapping of the same key in the place of one, if that is still there.
// Both are of one kind, id, version and generation.
func ClaimRewrapped(old tutela.WrappedKey, blob []byte) Claim {
	code, err := keyCode(old.Kind)
	if err != nil {
		return Claim{} // refused by Commit
	}
	key := []any{code, old.ID, int64(old.Version)}
	rest := []any{int64(old.Generation), old.Created.Unix()}
	return Claim{
		Table: &wrappedKeys, Key: key, Expect: append(slices.Clone(rest), old.Blob),
		Set: append(slices.Concat(key, rest), blob),
	}
}
