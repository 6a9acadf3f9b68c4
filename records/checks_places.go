package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutela-health/tutela/internal/leak"
	"github.com/tutela-health/tutela/store"
)

// searched is how much was looked through.
type searched struct {
	places int
	bytes  int64
}

// errFoundIt ends a walk early without being an error.
var errFoundIt = errors.New("found")

// searchFiles looks through every regular file under dir, a piece at a time.
func searchFiles(ctx context.Context, f *leak.Finder, dir string) (where, form string, n searched, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		found, read, err := searchFile(ctx, f, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		n.places++
		n.bytes += read
		if err == nil && found != "" {
			where, form = path, found
			return errFoundIt
		}
		return err
	})
	if err != nil && !errors.Is(err, errFoundIt) {
		return "", "", n, fmt.Errorf("search files: %w", err)
	}
	return where, form, n, nil
}

func searchFile(ctx context.Context, f *leak.Finder, path string) (form string, n int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	form, n, err = f.Scan(cancellable{ctx, file})
	return form, n, errors.Join(err, file.Close())
}

// cancellable is a reader that ends with its context.
type cancellable struct {
	ctx context.Context //nolint:containedctx // lives as long as one file's search
	r   io.Reader
}

// Read implements io.Reader.
func (c cancellable) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// searchRows looks through every table of a PostgreSQL database, whoever made it. Numbers cannot
// hold a text; every other column is looked at as bytes.
func searchRows(ctx context.Context, f *leak.Finder, db *store.DB) (where, form string, n searched, err error) {
	tables, columns, err := textColumns(ctx, db)
	if err != nil {
		return "", "", n, fmt.Errorf("list tables: %w", err)
	}
	for _, table := range tables {
		n.places++
		form, err := searchTable(ctx, f, db, table, columns[table], &n)
		if err != nil {
			return "", "", n, fmt.Errorf("search table %s: %w", table, err)
		}
		if form != "" {
			return "table " + table, form, n, nil
		}
	}
	return "", "", n, nil
}

// textColumns lists for each table the expressions that give its columns as bytes.
func textColumns(ctx context.Context, q store.Querier) (tables []string, columns map[string][]string, err error) {
	columns = map[string][]string{}
	err = q.Query(ctx, `SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
WHERE table_schema = current_schema() AND data_type NOT IN ('smallint', 'integer', 'bigint', 'boolean')
ORDER BY table_name, ordinal_position`, nil, func(s store.Scanner) error {
		var table, column, kind string
		if err := s.Scan(&table, &column, &kind); err != nil {
			return err
		}
		expression := quoted(column)
		if kind != "bytea" {
			expression = "convert_to(" + expression + "::text, 'UTF8')"
		}
		if columns[table] == nil {
			tables = append(tables, table)
		}
		columns[table] = append(columns[table], expression)
		return nil
	})
	return tables, columns, err
}

func searchTable(ctx context.Context, f *leak.Finder, q store.Querier, table string, columns []string, n *searched) (form string, err error) {
	values := make([][]byte, len(columns))
	dest := make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	err = q.Query(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+quoted(table), nil, func(s store.Scanner) error {
		if err := s.Scan(dest...); err != nil {
			return err
		}
		row := bytes.Join(values, []byte{0})
		n.bytes += int64(len(row))
		if form = f.In(row); form != "" {
			return errFoundIt
		}
		return nil
	})
	if errors.Is(err, errFoundIt) {
		err = nil
	}
	return form, err
}

// quoted is a name as an SQL identifier.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
