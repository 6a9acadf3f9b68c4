package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tutela-health/tutela/internal/testkit"
)

// cluster is a PostgreSQL server of this run's own, with the settings that it ships with: it syncs.
type cluster struct {
	*testkit.Cluster
	copies int
}

// copy makes a database that is a copy of another, to which nobody is connected.
func (c *cluster) copy(ctx context.Context, url string) (string, error) {
	from, err := pgx.ParseConfig(url)
	if err != nil {
		return "", err
	}
	c.copies++
	name := fmt.Sprintf("copy_%d", c.copies)
	return c.URL(name), c.exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, from.Database))
}

// drop removes a database.
func (c *cluster) drop(ctx context.Context, url string) error {
	from, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	return c.exec(ctx, "DROP DATABASE "+from.Database)
}

func (c *cluster) exec(ctx context.Context, text string) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, text)
	return errors.Join(err, conn.Close(ctx))
}

// sizes are pg_database_size as it is, and after VACUUM.
func (c *cluster) sizes(ctx context.Context, url string) (before, after int64, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	const size = "SELECT pg_database_size(current_database())"
	if err = conn.QueryRow(ctx, size).Scan(&before); err != nil {
		return 0, 0, err
	}
	if _, err = conn.Exec(ctx, "VACUUM"); err != nil {
		return 0, 0, err
	}
	err = conn.QueryRow(ctx, size).Scan(&after)
	return before, after, err
}
