package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// Topic is the invalidation topic under which changes of tokens and accounts are published.
const Topic = "identity"

// Migrations make this plane's tables. name, owner and session are keyed hashes: of the username,
// the account's id and the session's, so that all tokens of one can be ended at once.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0300_identity", SQL: `
CREATE TABLE users (
	id {{int}} NOT NULL PRIMARY KEY, name {{int}} NOT NULL, revision {{int}} NOT NULL, key_version {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE UNIQUE INDEX users_name ON users (name);
CREATE TABLE tokens (
	hash {{bytes}} NOT NULL PRIMARY KEY, owner {{int}} NOT NULL, session {{int}} NOT NULL,
	expires {{int}} NOT NULL, key_version {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE INDEX tokens_owner ON tokens (owner);
CREATE INDEX tokens_session ON tokens (session);
CREATE INDEX tokens_expires ON tokens (expires);
`}, {ID: "0301_identity_items", SQL: `
CREATE TABLE identity_items (
	kind {{int}} NOT NULL, id {{int}} NOT NULL, revision {{int}} NOT NULL, owner {{int}} NOT NULL,
	expires {{int}} NOT NULL, key_version {{int}} NOT NULL, sealed {{bytes}} NOT NULL,
	PRIMARY KEY (kind, id)
) {{clustered}};
CREATE INDEX identity_items_owner ON identity_items (kind, owner);
CREATE INDEX identity_items_expires ON identity_items (expires);
`}}
}

func usersTable() *store.Table {
	return &store.Table{Name: "users", Key: 1, Columns: []store.Column{
		{Name: "id"}, {Name: "revision"}, {Name: "name"}, {Name: "key_version"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

func tokensTable() *store.Table {
	return &store.Table{Name: "tokens", Key: 1, Columns: []store.Column{
		{Name: "hash", Kind: store.Bytes}, {Name: "owner"}, {Name: "session"}, {Name: "expires"},
		{Name: "key_version"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

func (s *Service) rowID(id tutela.UserID) int64 { return s.names.Sum64([]byte("id"), []byte(id)) }

func (s *Service) nameHash(username string) int64 {
	return s.names.Sum64([]byte("name"), []byte(username))
}

func (s *Service) userAAD(row int64, revision int64) keys.AAD {
	return keys.AAD{Tenant: s.ring.Tenant(), Purpose: "user", ID: row, Version: revision}
}

// accountClaim gives the claim that writes an account: new when it was not loaded, else in place
// of the revision that was.
func (s *Service) accountClaim(ctx context.Context, a account) (store.Claim, error) {
	plain, err := json.Marshal(a)
	if err != nil {
		return store.Claim{}, fmt.Errorf("encode account: %w", err)
	}
	k, err := s.ring.Current(ctx, tutela.KeyGeneral, 0)
	if err != nil {
		return store.Claim{}, err
	}
	id, next := s.rowID(a.ID), a.revision+1
	claim := store.Claim{Table: usersTable(), Key: []any{id}, Set: []any{
		id, next, s.nameHash(a.rowName()), int64(k.Version()), k.Seal(nil, plain, s.userAAD(id, next)),
	}}
	if a.revision > 0 {
		claim.Expect = []any{a.revision}
	}
	return claim, nil
}

// commit carries out an op with its entries. Where it takes something away, use revoke.
func (s *Service) commit(ctx context.Context, op store.Op, entries ...tutela.Entry) error {
	for _, e := range entries {
		leaves, err := s.audit.Encode(ctx, located(ctx, e), nil, nil)
		if err != nil {
			return err
		}
		op.Entries = append(op.Entries, leaves...)
	}
	return s.db.Commit(ctx, op)
}

// located adds to an entry which request it came of and from where, unless it tells.
func located(ctx context.Context, e tutela.Entry) tutela.Entry {
	if e.Address == "" {
		e.Address = httpx.PeerOf(ctx)
	}
	if e.Request == "" {
		e.Request = httpx.RequestID(ctx)
	}
	return e
}

// revoke carries out an op with its entries, and has every node forget what it has proven.
func (s *Service) revoke(ctx context.Context, op store.Op, entries ...tutela.Entry) error {
	op.Inserts = append(op.Inserts, s.db.Publish(store.Invalidation{Topic: Topic}))
	if err := s.commit(ctx, op, entries...); err != nil {
		return err
	}
	s.cache.drop()
	return nil
}

const selectAccount = `SELECT id, revision, key_version, sealed FROM users`

func (s *Service) accountByName(ctx context.Context, username string) (account, error) {
	return s.readAccount(ctx, selectAccount+` WHERE name = ?`, s.nameHash(username))
}

func (s *Service) accountByID(ctx context.Context, id tutela.UserID) (account, error) {
	return s.readAccount(ctx, selectAccount+` WHERE id = ?`, s.rowID(id))
}

func (s *Service) readAccount(ctx context.Context, query string, arg int64) (account, error) {
	var r accountRow
	found, err := s.db.QueryRow(ctx, query, []any{arg}, &r.id, &r.revision, &r.version, &r.sealed)
	if err != nil {
		return account{}, err
	}
	if !found {
		return account{}, errs.New(errs.NotFound, "no such account")
	}
	return s.openAccount(ctx, r)
}

// accounts reads all of them.
func (s *Service) accounts(ctx context.Context) ([]account, error) {
	var rows []accountRow
	err := s.db.Query(ctx, selectAccount, nil, func(sc store.Scanner) error {
		var r accountRow
		rows = append(rows, r)
		last := &rows[len(rows)-1]
		return sc.Scan(&last.id, &last.revision, &last.version, &last.sealed)
	})
	if err != nil {
		return nil, err
	}
	list := make([]account, len(rows))
	for i, r := range rows {
		if list[i], err = s.openAccount(ctx, r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// accountRow is an account as its row holds it.
type accountRow struct {
	id, revision, version int64
	sealed                []byte
}

func (s *Service) openAccount(ctx context.Context, r accountRow) (account, error) {
	a, err := openSealed[account](ctx, s, int(r.version), r.sealed, s.userAAD(r.id, r.revision))
	a.revision = r.revision
	a.lapse(s.clock())
	return a, err
}

// livingTokens counts an account's access tokens that have not expired.
func (s *Service) livingTokens(ctx context.Context, id tutela.UserID) (int, error) {
	var n int64
	_, err := s.db.QueryRow(ctx, `SELECT COUNT(*) FROM tokens WHERE owner = ? AND expires > ?`, []any{s.rowID(id), s.clock().UnixMilli()}, &n)
	return int(n), err
}

// anyAccount reports whether there is an account at all.
func (s *Service) anyAccount(ctx context.Context) (bool, error) {
	var id int64
	return s.db.QueryRow(ctx, `SELECT id FROM users LIMIT 1`, nil, &id)
}

func tokenAAD(t tutela.Tenant, hash [32]byte) keys.AAD {
	return keys.AAD{Tenant: t, Purpose: "token", Subject: hash[:]}
}

// tokenRow gives the row that keeps a token.
func (s *Service) tokenRow(ctx context.Context, hash [32]byte, t token) (store.Rows, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return store.Rows{}, fmt.Errorf("encode token: %w", err)
	}
	k, err := s.ring.Current(ctx, tutela.KeyGeneral, 0)
	if err != nil {
		return store.Rows{}, err
	}
	return store.Rows{Table: tokensTable(), Rows: [][]any{{
		hash[:], s.rowID(t.User), s.sessionHash(t.Session), t.Expires.UnixMilli(),
		int64(k.Version()), k.Seal(nil, plain, tokenAAD(s.ring.Tenant(), hash)),
	}}}, nil
}

func (s *Service) sessionHash(id string) int64 { return s.names.Sum64([]byte("session"), []byte(id)) }

// tokensWhere gives the rows of the tokens of which column holds value, as Deletes take them.
func (s *Service) tokensWhere(ctx context.Context, column string, value int64) (store.Rows, error) {
	rows := store.Rows{Table: tokensTable()}
	err := s.db.Query(ctx, `SELECT hash FROM tokens WHERE `+column+` = ?`, []any{value}, func(sc store.Scanner) error {
		var hash []byte
		err := sc.Scan(&hash)
		rows.Rows = append(rows.Rows, []any{hash})
		return err
	})
	return rows, err
}

// clientTokens gives the rows of an account's tokens that a client has, as Deletes take them.
func (s *Service) clientTokens(ctx context.Context, user tutela.UserID, client string) (store.Rows, error) {
	rows := store.Rows{Table: tokensTable()}
	all, err := s.tokensWhere(ctx, "owner", s.rowID(user))
	if err != nil {
		return rows, err
	}
	for _, row := range all.Rows {
		hash, _ := row[0].([]byte)
		t, found, err := s.tokenByHash(ctx, [32]byte(hash))
		if err != nil {
			return rows, err
		}
		if found && t.Client == client {
			rows.Rows = append(rows.Rows, row)
		}
	}
	return rows, nil
}

// itemsOf gives the rows of an owner's items of some kinds, as Deletes take them.
func (s *Service) itemsOf(ctx context.Context, owner string, kinds ...itemKind) (store.Rows, error) {
	rows := store.Rows{Table: itemsTable()}
	for _, k := range kinds {
		err := s.db.Query(ctx, `SELECT id FROM identity_items WHERE kind = ? AND owner = ?`, []any{int64(k), s.ownerID(owner)}, func(sc store.Scanner) error {
			var id int64
			err := sc.Scan(&id)
			rows.Rows = append(rows.Rows, []any{int64(k), id})
			return err
		})
		if err != nil {
			return store.Rows{}, err
		}
	}
	return rows, nil
}

func (s *Service) tokenByHash(ctx context.Context, hash [32]byte) (token, bool, error) {
	var version int64
	var sealed []byte
	found, err := s.db.QueryRow(ctx, `SELECT key_version, sealed FROM tokens WHERE hash = ?`, []any{hash[:]}, &version, &sealed)
	if err != nil || !found {
		return token{}, false, err
	}
	t, err := openSealed[token](ctx, s, int(version), sealed, tokenAAD(s.ring.Tenant(), hash))
	return t, err == nil, err
}

// eachToken opens every token that expires after a moment.
func (s *Service) eachToken(ctx context.Context, after time.Time, f func(token)) error {
	type row struct {
		hash, sealed []byte
		version      int64
	}
	var rows []row
	err := s.db.Query(ctx, `SELECT hash, key_version, sealed FROM tokens WHERE expires > ?`, []any{after.UnixMilli()}, func(sc store.Scanner) error {
		var r row
		err := sc.Scan(&r.hash, &r.version, &r.sealed)
		rows = append(rows, r)
		return err
	})
	for _, r := range rows {
		if err != nil {
			return err
		}
		var t token
		if t, err = openSealed[token](ctx, s, int(r.version), r.sealed, tokenAAD(s.ring.Tenant(), [32]byte(r.hash))); err == nil {
			f(t)
		}
	}
	return err
}

func (s *Service) deleteToken(ctx context.Context, hash [32]byte, e tutela.Entry) error {
	return s.revoke(ctx, store.Op{Deletes: []store.Rows{{Table: tokensTable(), Rows: [][]any{{hash[:]}}}}}, e)
}

// openSealed opens and decodes a sealed row under the general key.
func openSealed[T any](ctx context.Context, s *Service, version int, sealed []byte, aad keys.AAD) (T, error) {
	var v T
	k, err := s.ring.At(ctx, tutela.KeyGeneral, 0, version)
	if err != nil {
		return v, err
	}
	plain, err := k.Open(nil, sealed, aad)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(plain, &v); err != nil {
		return v, fmt.Errorf("decode %s: %w", aad.Purpose, err)
	}
	return v, nil
}
