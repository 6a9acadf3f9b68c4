package identity

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
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

// insertUser adds an account with its ledger entry; a taken name is errs.Conflict.
func (s *Service) insertUser(ctx context.Context, u User, e tutela.Entry) error {
	if _, err := s.userByName(ctx, u.Username); err == nil {
		return errs.New(errs.Conflict, "the username is taken")
	} else if !errs.Is(err, errs.NotFound) {
		return err
	}
	return s.writeUser(ctx, u, 0, e)
}

// replaceUser writes a changed account, provided nobody changed it since it was read.
func (s *Service) replaceUser(ctx context.Context, u User, e tutela.Entry) error {
	var revision int64
	found, err := s.db.QueryRow(ctx, `SELECT revision FROM users WHERE id = ?`, []any{s.rowID(u.ID)}, &revision)
	if err != nil || !found {
		return fmt.Errorf("find account: %w", err)
	}
	return s.writeUser(ctx, u, revision, e)
}

func (s *Service) writeUser(ctx context.Context, u User, revision int64, e tutela.Entry) error {
	plain, err := u.encode()
	if err != nil {
		return fmt.Errorf("encode account: %w", err)
	}
	k, err := s.ring.Current(ctx, tutela.KeyGeneral, 0)
	if err != nil {
		return err
	}
	id := s.rowID(u.ID)
	claim := store.Claim{Table: usersTable(), Key: []any{id}, Set: []any{
		id, revision + 1, s.nameHash(u.Username), int64(k.Version()), k.Seal(nil, plain, s.userAAD(id, revision+1)),
	}}
	if revision > 0 {
		claim.Expect = []any{revision}
	}
	return s.commit(ctx, store.Op{Claims: []store.Claim{claim}}, e)
}

// commit carries out an op with its entry and tells the other nodes.
func (s *Service) commit(ctx context.Context, op store.Op, e tutela.Entry) error {
	entries, err := s.audit.Encode(ctx, e, nil, nil)
	if err != nil {
		return err
	}
	op.Entries = entries
	op.Inserts = append(op.Inserts, s.db.Publish(store.Invalidation{Topic: Topic}))
	if err := s.db.Commit(ctx, op); err != nil {
		return err
	}
	s.cache.drop()
	return nil
}

func (s *Service) userByName(ctx context.Context, username string) (User, error) {
	return s.readUser(ctx, `SELECT id, revision, key_version, sealed FROM users WHERE name = ?`, s.nameHash(username))
}

func (s *Service) userByID(ctx context.Context, id tutela.UserID) (User, error) {
	return s.readUser(ctx, `SELECT id, revision, key_version, sealed FROM users WHERE id = ?`, s.rowID(id))
}

func (s *Service) readUser(ctx context.Context, query string, arg int64) (User, error) {
	var id, revision, version int64
	var sealed []byte
	found, err := s.db.QueryRow(ctx, query, []any{arg}, &id, &revision, &version, &sealed)
	if err != nil {
		return User{}, err
	}
	if !found {
		return User{}, errs.New(errs.NotFound, "no such account")
	}
	return openSealed[User](ctx, s, int(version), sealed, s.userAAD(id, revision))
}

func tokenAAD(t tutela.Tenant, hash [32]byte) keys.AAD {
	return keys.AAD{Tenant: t, Purpose: "token", Subject: hash[:]}
}

func (s *Service) insertToken(ctx context.Context, hash [32]byte, t token, e tutela.Entry) error {
	plain, err := t.encode()
	if err != nil {
		return fmt.Errorf("encode token: %w", err)
	}
	k, err := s.ring.Current(ctx, tutela.KeyGeneral, 0)
	if err != nil {
		return err
	}
	row := []any{hash[:], s.rowID(t.User), s.names.Sum64([]byte("session"), []byte(t.Session)), t.Expires.UnixMilli(), int64(k.Version()), k.Seal(nil, plain, tokenAAD(s.ring.Tenant(), hash))}
	op := store.Op{Inserts: []store.Rows{{Table: tokensTable(), Rows: [][]any{row}}}}
	if op.Entries, err = s.audit.Encode(ctx, e, nil, nil); err != nil {
		return err
	}
	return s.db.Commit(ctx, op)
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

func (s *Service) deleteToken(ctx context.Context, hash [32]byte, e tutela.Entry) error {
	return s.commit(ctx, store.Op{Deletes: []store.Rows{{Table: tokensTable(), Rows: [][]any{{hash[:]}}}}}, e)
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
