package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// TopicGenerations is the invalidation topic under which the closing of a generation, and the shredding of keys, is
// published.
const TopicGenerations = "generations"

// ErrGeneration: a key was to be wrapped under a generation that is closed. Its kind is errs.Conflict, and it is
// an ErrClaim too: whoever tries again makes the key anew, under the generation that is open.
var ErrGeneration = errors.New("the key generation is closed")

// generationsMigration keeps what became of each generation of the keyring, which of them are open, and which keys
// were left behind to be destroyed with theirs.
//
// The database itself holds that a generation is closed only when nothing is wrapped under it, and that nothing is
// afterwards, whatever a node believes that has not heard of it: on PostgreSQL a foreign key, whose check
// locks the row of the open generation against its deletion until the writer has committed; on SQLite,
// where writers take turns, triggers.
func generationsMigration() Migration {
	const tables = `
CREATE TABLE generations (
  n         {{int}} PRIMARY KEY,
  provider  {{text}} NOT NULL,
  opened    {{int}} NOT NULL, -- these are Unix seconds; 0: not yet
  closed    {{int}} NOT NULL DEFAULT 0,
  destroyed {{int}} NOT NULL DEFAULT 0,
  final     {{int}} NOT NULL DEFAULT 0,
  asked     {{int}} NOT NULL DEFAULT 0, -- somebody wants its key destroyed
  asked_by  {{text}} NOT NULL DEFAULT '',
  agreed    {{int}} NOT NULL DEFAULT 0, -- somebody else wants that too
  agreed_by {{text}} NOT NULL DEFAULT ''
) {{clustered}};
CREATE TABLE open_generations (n {{int}} PRIMARY KEY) {{clustered}};
CREATE TABLE shredded_keys (
  kind       {{int}} NOT NULL,
  id         {{int}} NOT NULL,
  version    {{int}} NOT NULL,
  generation {{int}} NOT NULL,
  shredded   {{int}} NOT NULL, -- Unix seconds
  PRIMARY KEY (kind, id, version)
) {{clustered}};
INSERT INTO open_generations SELECT DISTINCT generation FROM wrapped_keys;
INSERT INTO generations (n, provider, opened) SELECT version, '', created FROM wrapped_keys WHERE kind = 1;
CREATE INDEX wrapped_keys_generation ON wrapped_keys (generation);
`
	return Migration{ID: "0001_generations", SQLite: tables + `
CREATE TRIGGER wrapped_keys_insert BEFORE INSERT ON wrapped_keys WHEN NOT EXISTS (SELECT 1 FROM open_generations WHERE n = NEW.generation)
BEGIN SELECT RAISE(ABORT, 'the generation is closed'); END;
CREATE TRIGGER wrapped_keys_update BEFORE UPDATE OF generation ON wrapped_keys WHEN NOT EXISTS (SELECT 1 FROM open_generations WHERE n = NEW.generation)
BEGIN SELECT RAISE(ABORT, 'the generation is closed'); END;
CREATE TRIGGER open_generations_delete BEFORE DELETE ON open_generations WHEN EXISTS (SELECT 1 FROM wrapped_keys WHERE generation = OLD.n)
BEGIN SELECT RAISE(ABORT, 'the generation still wraps keys'); END;
`, Postgres: tables + `
ALTER TABLE wrapped_keys ADD CONSTRAINT wrapped_keys_generation FOREIGN KEY (generation) REFERENCES open_generations (n);
`}
}

func generationClosed(err error) error {
	return errs.Wrap(errs.Conflict, errors.Join(ErrGeneration, ErrClaim, err), "the keys were rotated meanwhile")
}

// Generations lists the generations of the keyring, oldest first.
func (db *DB) Generations(ctx context.Context) ([]tutela.KeyGeneration, error) {
	var list []tutela.KeyGeneration
	err := db.Query(ctx, selectGenerations+" ORDER BY n", nil, func(s Scanner) error {
		g, err := scanGeneration(s)
		list = append(list, g)
		return err
	})
	return list, err
}

const selectGenerations = "SELECT n, provider, opened, closed, destroyed, final, asked, asked_by, agreed, agreed_by FROM generations"

func scanGeneration(s Scanner) (tutela.KeyGeneration, error) {
	var g tutela.KeyGeneration
	var at [6]int64
	if err := s.Scan(&g.Number, &g.Provider, &at[0], &at[1], &at[2], &at[3], &at[4], (*string)(&g.AskedBy), &at[5], (*string)(&g.AgreedBy)); err != nil {
		return g, fmt.Errorf("generations: %w", err)
	}
	for i, t := range []*time.Time{&g.Opened, &g.Closed, &g.Destroyed, &g.Final, &g.Asked, &g.Agreed} {
		if at[i] != 0 {
			*t = time.Unix(at[i], 0).UTC()
		}
	}
	return g, nil
}

// AgreeToDestroy notes that somebody wants the key of a closed generation destroyed: the first asks, and another agrees.
// The kind of the error is errs.NotFound where there is no such generation, errs.Conflict where it is not closed, or was destroyed.
func (db *DB) AgreeToDestroy(ctx context.Context, n int, by tutela.UserID, at time.Time) (g tutela.KeyGeneration, err error) {
	err = db.Update(ctx, func(tx *Tx) error {
		g = tutela.KeyGeneration{}
		err := tx.Query(ctx, selectGenerations+" WHERE n = ?", []any{int64(n)}, func(s Scanner) (err error) {
			g, err = scanGeneration(s)
			return err
		})
		switch {
		case err != nil:
			return err
		case g.Number == 0:
			return errs.New(errs.NotFound, "there is no key generation %d", n)
		case g.Closed.IsZero():
			return errs.New(errs.Conflict, "key generation %d still wraps keys: rotate, and wait until all are wrapped anew", n)
		case !g.Destroyed.IsZero():
			return errs.New(errs.Conflict, "key generation %d was destroyed", n)
		case g.Asked.IsZero():
			g.Asked, g.AskedBy = at, by
		case g.Agreed.IsZero() && g.AskedBy != by:
			g.Agreed, g.AgreedBy = at, by
		default:
			return nil
		}
		_, err = tx.Exec(ctx, "UPDATE generations SET asked = ?, asked_by = ?, agreed = ?, agreed_by = ? WHERE n = ?",
			seconds(g.Asked), string(g.AskedBy), seconds(g.Agreed), string(g.AgreedBy), int64(n))
		return err
	})
	return g, err
}

// seconds is a time as these rows keep it.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// OpenGeneration keeps the keyring key of a new generation. The kind of the error is errs.Conflict when somebody
// else has opened it.
func (db *DB) OpenGeneration(ctx context.Context, w tutela.WrappedKey, provider string) error {
	err := db.Update(ctx, func(tx *Tx) error {
		n, at := int64(w.Generation), w.Created.Unix()
		if _, err := tx.Exec(ctx, "INSERT INTO open_generations (n) VALUES (?)", n); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO generations (n, provider, opened) VALUES (?, ?, ?)", n, provider, at); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO wrapped_keys (kind, id, version, generation, created, blob) VALUES (1, 0, ?, ?, ?, ?)", n, n, at, w.Blob)
		return err
	})
	if errors.Is(err, ErrDuplicate) {
		return errs.Wrap(errs.Conflict, err, "the key generation exists")
	}
	return err
}

// RewrapKeys takes some keys that generations before n wrap, but for the keyring's own, has them wrapped anew, and
// keeps that in their place, in one transaction. It returns how many there were; none when all are of n.
func (db *DB) RewrapKeys(ctx context.Context, n, limit int, rewrap func([]tutela.WrappedKey) ([]tutela.WrappedKey, error)) (int, error) {
	count := 0
	err := db.Update(ctx, func(tx *Tx) error {
		old, err := oldKeys(ctx, tx, db.Engine(), n, limit)
		if err != nil || len(old) == 0 {
			return err
		}
		wrapped, err := rewrap(old)
		if err != nil {
			return err
		}
		gone, come := Rows{Table: &wrappedKeys}, Rows{Table: &wrappedKeys}
		for _, w := range wrapped {
			code, err := keyCode(w.Kind)
			if err != nil {
				return err
			}
			gone.Rows = append(gone.Rows, []any{code, w.ID, int64(w.Version)})
			come.Rows = append(come.Rows, []any{code, w.ID, int64(w.Version), int64(w.Generation), w.Created.Unix(), w.Blob})
		}
		count = len(old)
		if err := tx.Delete(ctx, gone); err != nil {
			return err
		}
		return tx.Insert(ctx, come)
	})
	return count, err
}

// oldKeys reads keys and keeps them from being changed until tx ends.
func oldKeys(ctx context.Context, tx *Tx, e Engine, n, limit int) ([]tutela.WrappedKey, error) {
	text := selectKeys + " WHERE generation < ? AND kind <> 1 ORDER BY generation LIMIT ?"
	if e == Postgres {
		text += " FOR UPDATE"
	}
	var list []tutela.WrappedKey
	err := tx.Query(ctx, text, []any{int64(n), int64(limit)}, func(s Scanner) error {
		k, err := scanKey(s)
		list = append(list, k)
		return err
	})
	return list, err
}

// OldKeys counts the keys that generations before n wrap, but for the keyring's own.
func (db *DB) OldKeys(ctx context.Context, n int) (int, error) {
	var count int64
	_, err := db.QueryRow(ctx, "SELECT count(*) FROM wrapped_keys WHERE generation < ? AND kind <> 1", []any{int64(n)}, &count)
	return int(count), err
}

// CloseGeneration lets nothing be wrapped under a generation any more, and deletes its keyring key. The kind of the
// error is errs.Conflict while it still wraps anything else. Closing what is closed does nothing.
func (db *DB) CloseGeneration(ctx context.Context, n int, at time.Time) error {
	return db.Update(ctx, func(tx *Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM wrapped_keys WHERE kind = 1 AND version = ?", int64(n)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM open_generations WHERE n = ?", int64(n)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE generations SET closed = ? WHERE n = ? AND closed = 0", at.Unix(), int64(n)); err != nil {
			return err
		}
		return tx.Insert(ctx, db.Publish(Invalidation{Topic: TopicGenerations}))
	})
}

// GenerationDestroyed notes that the provider was told to destroy a generation's key, and when that is final: zero
// where it does not know yet.
func (db *DB) GenerationDestroyed(ctx context.Context, n int, at, final time.Time) error {
	return db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "UPDATE generations SET destroyed = CASE WHEN destroyed = 0 THEN ? ELSE destroyed END, final = ? WHERE n = ?", at.Unix(), seconds(final), int64(n))
		return err
	})
}

// Shredding is what an Op has to do to leave every version of a key behind: it is wrapped by nothing that stays, and opens no
// more once the generation that wrapped it is destroyed. Its name is kept, so that what was destroyed is told from
// what is missing. An empty Op says that there is no such key.
func (db *DB) Shredding(ctx context.Context, kind tutela.KeyKind, id int64, at time.Time) (Op, error) {
	code, err := keyCode(kind)
	if err != nil {
		return Op{}, err
	}
	gone, kept := Rows{Table: &wrappedKeys}, Rows{Table: &shreddedTable}
	err = db.Query(ctx, selectKeys+" WHERE kind = ? AND id = ?", []any{code, id}, func(s Scanner) error {
		k, err := scanKey(s)
		gone.Rows = append(gone.Rows, []any{code, id, int64(k.Version)})
		kept.Rows = append(kept.Rows, []any{code, id, int64(k.Version), int64(k.Generation), at.Unix()})
		return err
	})
	if err != nil || len(gone.Rows) == 0 {
		return Op{}, err
	}
	return Op{Deletes: []Rows{gone}, Inserts: []Rows{kept, db.Publish(Invalidation{Topic: TopicGenerations})}}, nil
}

// shreddedTable is the table of names of keys that were left behind.
var shreddedTable = Table{ //nolint:gochecknoglobals // fixed: a Table is told from another by its address
	Name:    "shredded_keys",
	Columns: []Column{{"kind", Int}, {"id", Int}, {"version", Int}, {"generation", Int}, {"shredded", Int}},
	Key:     3,
}

// ShreddedKeys yields the keys that were left behind, without a wrapping.
func ShreddedKeys(ctx context.Context, q Querier, yield func(tutela.WrappedKey) error) error {
	return shreddedKeys(ctx, q, "", nil, yield)
}

func shreddedKeys(ctx context.Context, q Querier, where string, args []any, yield func(tutela.WrappedKey) error) error {
	return q.Query(ctx, "SELECT kind, id, version, generation, shredded FROM shredded_keys"+where+" ORDER BY kind, id, version", args, func(s Scanner) error {
		var k tutela.WrappedKey
		var code, at int64
		if err := s.Scan(&code, &k.ID, &k.Version, &k.Generation, &at); err != nil {
			return fmt.Errorf("shredded_keys: %w", err)
		}
		var err error
		if k.Kind, err = keyKind(code); err != nil {
			return err
		}
		k.Created = time.Unix(at, 0).UTC()
		return yield(k)
	})
}

// Shredded reports whether some version of a key was left behind (any for version 0), and under which generation.
func (db *DB) Shredded(ctx context.Context, kind tutela.KeyKind, id int64, version int) (generation int, shredded bool, err error) {
	code, err := keyCode(kind)
	if err != nil {
		return 0, false, err
	}
	where, args := " WHERE kind = ? AND id = ?", []any{code, id}
	if version != 0 {
		where, args = where+" AND version = ?", append(args, int64(version))
	}
	err = shreddedKeys(ctx, db, where, args, func(k tutela.WrappedKey) error {
		generation, shredded = k.Generation, true
		return nil
	})
	return generation, shredded, err
}

// KnowGeneration notes a generation that is open, where it is not known yet: keyrings of releases before generations were kept name
// none. One that is known stays as it is, closed or not.
func (tx *Tx) KnowGeneration(ctx context.Context, n int64, opened time.Time) error {
	var one int64
	known, err := tx.QueryRow(ctx, "SELECT 1 FROM generations WHERE n = ?", []any{n}, &one)
	if err != nil || known {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO generations (n, provider, opened) VALUES (?, '', ?)", n, opened.Unix()); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO open_generations (n) VALUES (?)", n)
	return err
}

// GenerationMoved notes that another provider has a generation's key.
func (db *DB) GenerationMoved(ctx context.Context, n int, provider string) error {
	return db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "UPDATE generations SET provider = ? WHERE n = ?", provider, int64(n))
		return err
	})
}
