package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"

	"github.com/tutela-health/tutela/internal/errs"
)

// Beside is a schema beside the one that a PostgreSQL database is used by: a restore builds there, and
// takes the other's place in one transaction when it is whole.
type Beside struct {
	url, schema string
}

// MakeBeside makes an empty schema of that name; one that was left there by a process that died goes.
func MakeBeside(ctx context.Context, database, schema string) (Beside, error) {
	b := Beside{database, schema}
	if u, err := url.Parse(database); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return b, errs.New(errs.Invalid, "database URL must start with postgres:")
	}
	return b, b.exec(ctx, "DROP SCHEMA IF EXISTS %[1]s CASCADE; CREATE SCHEMA %[1]s")
}

// URL is where Open finds the schema.
func (b Beside) URL() string {
	u, err := url.Parse(b.url)
	if err != nil {
		return "" // MakeBeside has parsed it
	}
	q := u.Query()
	q.Set("search_path", b.schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// Occupied reports whether the database has tables already.
func (b Beside) Occupied(ctx context.Context) (occupied bool, err error) {
	err = b.connected(ctx, func(c *pgx.Conn) error {
		return c.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace)").Scan(&occupied)
	})
	return occupied, err
}

// TakeOver puts the schema in the place of the other one, which is kept under a name.
func (b Beside) TakeOver(ctx context.Context, kept string) error {
	return b.swap(ctx, kept, b.schema)
}

// GiveBack undoes TakeOver.
func (b Beside) GiveBack(ctx context.Context, kept string) error {
	return b.swap(ctx, b.schema, kept)
}

// swap renames the schema that is used, and another into its place.
func (b Beside) swap(ctx context.Context, kept, next string) error {
	return b.connected(ctx, func(c *pgx.Conn) error {
		var used string
		if err := c.QueryRow(ctx, "SELECT current_schema()").Scan(&used); err != nil {
			return err
		}
		name := func(s string) string { return pgx.Identifier{s}.Sanitize() }
		// one simple query is one transaction
		_, err := c.Exec(ctx, fmt.Sprintf("ALTER SCHEMA %s RENAME TO %s; ALTER SCHEMA %s RENAME TO %s", name(used), name(kept), name(next), name(used)),
			pgx.QueryExecModeSimpleProtocol)
		return err
	})
}

// Drop removes the schema.
func (b Beside) Drop(ctx context.Context) error {
	return b.exec(ctx, "DROP SCHEMA IF EXISTS %[1]s CASCADE")
}

func (b Beside) exec(ctx context.Context, format string) error {
	return b.connected(ctx, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, fmt.Sprintf(format, pgx.Identifier{b.schema}.Sanitize()), pgx.QueryExecModeSimpleProtocol)
		return err
	})
}

func (b Beside) connected(ctx context.Context, f func(*pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return postgresError(err)
	}
	return errors.Join(postgresError(f(c)), c.Close(context.WithoutCancel(ctx)))
}
