package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// An item is a small sealed thing that identity keeps under a name: a client, a session, a code.
// Its row shows a kind, keyed hashes of name and owner, and when it expires; nothing else.

// itemKind says what an item is; part of its row's key and of its AAD.
type itemKind int64

// The kinds of item. Numbers are stored: never reuse one.
const (
	itemClient     itemKind = 1 // OAuth client, by client id
	itemSession    itemKind = 2 // login session, by the hash of its cookie
	itemAttempt    itemKind = 3 // login under way
	itemInvitation itemKind = 4 // one-time invitation
	itemCode       itemKind = 5 // authorization code
	itemFamily     itemKind = 6 // refresh token family
	itemReplay     itemKind = 7 // jti of a client assertion that was seen
	itemThrottle   itemKind = 8 // failed logins of an account or address
	itemConsent    itemKind = 9 // scopes that a person granted to a client
	itemSigningKey itemKind = 10
	itemLaunch     itemKind = 11 // SMART EHR launch context
	itemProvider   itemKind = 12 // outside OpenID provider
	itemLink       itemKind = 13 // account that a person of an outside provider has here
)

// item is an opened item and the revision at which it was read.
type item[T any] struct {
	Value    T
	Name     string
	revision int64
}

func itemsTable() *store.Table {
	return &store.Table{Name: "identity_items", Key: 2, Columns: []store.Column{
		{Name: "kind"}, {Name: "id"}, {Name: "revision"}, {Name: "owner"}, {Name: "expires"},
		{Name: "key_version"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

func (s *Service) itemID(k itemKind, name string) int64 {
	return s.names.Sum64(fmt.Append(nil, "item", k), []byte(name))
}

func (s *Service) ownerID(owner string) int64 {
	if owner == "" {
		return 0
	}
	return s.names.Sum64([]byte("owner"), []byte(owner))
}

func (s *Service) itemAAD(k itemKind, id, revision int64) keys.AAD {
	return keys.AAD{Tenant: s.ring.Tenant(), Purpose: "identity-item", Subject: keys.Subject64(int64(k)), ID: id, Version: revision}
}

// stored is what an item's seal holds: the name too, so that a row can be listed and a collision
// of hashes is seen.
type stored[T any] struct {
	Name  string `json:"n"`
	Value T      `json:"v"`
}

// loadItem reads an item; not found when there is none or it has expired.
func loadItem[T any](ctx context.Context, s *Service, k itemKind, name string) (item[T], bool, error) {
	id := s.itemID(k, name)
	var it item[T]
	var expires, version int64
	var sealed []byte
	found, err := s.db.QueryRow(ctx, `SELECT revision, expires, key_version, sealed FROM identity_items WHERE kind = ? AND id = ?`,
		[]any{int64(k), id}, &it.revision, &expires, &version, &sealed)
	if err != nil || !found || s.expired(expires) {
		return item[T]{}, false, err
	}
	v, err := openSealed[stored[T]](ctx, s, int(version), sealed, s.itemAAD(k, id, it.revision))
	if err != nil {
		return item[T]{}, false, err
	}
	it.Name, it.Value = v.Name, v.Value
	return it, v.Name == name, nil
}

// listItems reads the items of an owner that have not expired, or all of a kind for owner "".
func listItems[T any](ctx context.Context, s *Service, k itemKind, owner string) ([]item[T], error) {
	query, args := `SELECT id, revision, expires, key_version, sealed FROM identity_items WHERE kind = ?`, []any{int64(k)}
	if owner != "" {
		query, args = query+` AND owner = ?`, append(args, s.ownerID(owner))
	}
	type row struct {
		id, revision, version int64
		sealed                []byte
	}
	var rows []row
	err := s.db.Query(ctx, query, args, func(sc store.Scanner) error {
		var r row
		var expires int64
		if err := sc.Scan(&r.id, &r.revision, &expires, &r.version, &r.sealed); err != nil {
			return err
		}
		if !s.expired(expires) {
			rows = append(rows, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]item[T], 0, len(rows))
	for _, r := range rows {
		v, err := openSealed[stored[T]](ctx, s, int(r.version), r.sealed, s.itemAAD(k, r.id, r.revision))
		if err != nil {
			return nil, err
		}
		list = append(list, item[T]{Value: v.Value, Name: v.Name, revision: r.revision})
	}
	return list, nil
}

func (s *Service) expired(ms int64) bool { return ms != 0 && !s.clock().Before(time.UnixMilli(ms)) }

// putItem gives the claim that writes an item: new when it was not loaded, else in place of the
// revision that was. A zero expires means never. An expired row of the same name is replaced.
func putItem[T any](ctx context.Context, s *Service, k itemKind, it item[T], owner string, expires time.Time) (store.Claim, error) {
	plain, err := json.Marshal(stored[T]{it.Name, it.Value})
	if err != nil {
		return store.Claim{}, fmt.Errorf("encode item: %w", err)
	}
	key, err := s.ring.Current(ctx, tutela.KeyGeneral, 0)
	if err != nil {
		return store.Claim{}, err
	}
	id, revision := s.itemID(k, it.Name), it.revision
	if revision == 0 {
		if revision, err = s.leftover(ctx, k, id); err != nil {
			return store.Claim{}, err
		}
	}
	ms := int64(0)
	if !expires.IsZero() {
		ms = expires.UnixMilli()
	}
	claim := store.Claim{Table: itemsTable(), Key: []any{int64(k), id}, Set: []any{
		int64(k), id, revision + 1, s.ownerID(owner), ms, int64(key.Version()), key.Seal(nil, plain, s.itemAAD(k, id, revision+1)),
	}}
	if revision > 0 {
		claim.Expect = []any{revision}
	}
	return claim, nil
}

// leftover is the revision of an expired row that a new item of the same name replaces.
func (s *Service) leftover(ctx context.Context, k itemKind, id int64) (int64, error) {
	var revision, expires int64
	found, err := s.db.QueryRow(ctx, `SELECT revision, expires FROM identity_items WHERE kind = ? AND id = ?`, []any{int64(k), id}, &revision, &expires)
	if err != nil || !found {
		return 0, err
	}
	if !s.expired(expires) {
		return 0, errs.New(errs.Conflict, "the name is taken")
	}
	return revision, nil
}

// dropItem gives the rows that delete an item.
func (s *Service) dropItem(k itemKind, name string) store.Rows {
	return store.Rows{Table: itemsTable(), Rows: [][]any{{int64(k), s.itemID(k, name)}}}
}

// purge deletes what expired more than a day ago.
func (s *Service) purge(ctx context.Context) error {
	before := s.clock().Add(-24 * time.Hour).UnixMilli()
	return s.db.Update(ctx, func(tx *store.Tx) error {
		for _, table := range []string{"identity_items", "tokens"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE expires <> 0 AND expires < ?`, before); err != nil {
				return err
			}
		}
		return nil
	})
}
