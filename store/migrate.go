package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/internal/errs"
)

// Migration is one step of the schema. Steps are applied in the order of their IDs, once, and
// never edited afterwards: a correction is a new step. Expand first, contract in a later release.
//
// One text serves both engines: {{int}}, {{bytes}} and {{text}} stand for the column types, and
// {{clustered}} after the closing parenthesis of a CREATE TABLE keeps its rows in key order where
// the engine can (WITHOUT ROWID).
type Migration struct {
	ID  string // sorts into place, e.g. "0100_audit"
	SQL string // for both engines
	// SQLite and Postgres replace SQL for one engine, where one text cannot serve.
	SQLite   string
	Postgres string
}

// The errors of Migrate.
var (
	// ErrChanged: a migration was edited after it had been applied.
	ErrChanged = errors.New("an applied migration was changed")
	// ErrNewer: a newer release has migrated the database.
	ErrNewer = errors.New("the database is of a newer release")
)

const migrationsTable = `CREATE TABLE IF NOT EXISTS schema_migrations (
  id {{text}} PRIMARY KEY,
  digest {{bytes}} NOT NULL
) {{clustered}}`

// Migrate brings the schema up to date: store's own tables, then all planes' migrations, which
// must come in one call. Nodes that start together take turns. It fails with ErrChanged or
// ErrNewer when the database's history is not a beginning of this release's.
func (db *DB) Migrate(ctx context.Context, planes []Migration) error {
	all := slices.Concat(migrations(), planes)
	slices.SortStableFunc(all, func(a, b Migration) int { return cmp.Compare(a.ID, b.ID) })
	if err := db.createMigrations(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := db.checkApplied(ctx, all); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, m := range all {
		if err := db.apply(ctx, m); err != nil {
			return fmt.Errorf("migrate %s: %w", m.ID, err)
		}
	}
	return nil
}

// createMigrations makes the table that records the others. Two PostgreSQL nodes that do so at
// once may collide in its catalogue; then the table exists.
func (db *DB) createMigrations(ctx context.Context) error {
	sql := Migration{SQL: migrationsTable}.text(db.Engine())
	create := func(tx *Tx) error { return tx.script(ctx, sql) }
	err := db.update(ctx, create)
	if errors.Is(err, ErrDuplicate) {
		err = db.update(ctx, create)
	}
	return err
}

// checkApplied finds applied migrations that this release does not know.
func (db *DB) checkApplied(ctx context.Context, all []Migration) error {
	known := map[string]bool{}
	for _, m := range all {
		if known[m.ID] {
			return errs.New(errs.Internal, "two migrations are called %s", m.ID)
		}
		known[m.ID] = true
	}
	return db.Query(ctx, "SELECT id FROM schema_migrations", nil, func(s Scanner) error {
		var id string
		if err := s.Scan(&id); err != nil {
			return err
		}
		if !known[id] {
			return errs.Wrap(errs.Unsupported, fmt.Errorf("%w: %s", ErrNewer, id), "start a newer release of tutela")
		}
		return nil
	})
}

// apply runs m in a transaction unless it is recorded as applied, by this node or another.
func (db *DB) apply(ctx context.Context, m Migration) error {
	text := m.text(db.Engine())
	digest := sha256.Sum256([]byte(text))
	return db.exclusive(ctx, func(tx *Tx) error {
		var applied []byte
		found, err := tx.QueryRow(ctx, "SELECT digest FROM schema_migrations WHERE id = ?", []any{m.ID}, &applied)
		switch {
		case err != nil:
			return err
		case found && !bytes.Equal(applied, digest[:]):
			return ErrChanged
		case found:
			return nil
		}
		if err := tx.script(ctx, text); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO schema_migrations (id, digest) VALUES (?, ?)", m.ID, digest[:])
		return err
	})
}

// text is what m runs on an engine.
func (m Migration) text(e Engine) string {
	if e == SQLite {
		return sqliteTypes().Replace(cmp.Or(m.SQLite, m.SQL))
	}
	return postgresTypes().Replace(cmp.Or(m.Postgres, m.SQL))
}

func sqliteTypes() *strings.Replacer {
	return strings.NewReplacer("{{int}}", "INTEGER", "{{bytes}}", "BLOB", "{{text}}", "TEXT",
		"{{clustered}}", "WITHOUT ROWID")
}

func postgresTypes() *strings.Replacer {
	return strings.NewReplacer("{{int}}", "bigint", "{{bytes}}", "bytea", "{{text}}", "text", "{{clustered}}", "")
}
