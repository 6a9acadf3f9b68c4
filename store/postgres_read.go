package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/binary"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// postgresQuerier is a pool, a connection or a transaction.
type postgresQuerier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func postgresQuery(ctx context.Context, q postgresQuerier, sql string, args []any, scan func(Scanner) error) error {
	bound, err := plainAll(args)
	if err != nil {
		return err
	}
	rows, err := q.Query(ctx, sql, bound...)
	if err != nil {
		return postgresError(err)
	}
	defer rows.Close()
	row := postgresRow{rows: rows}
	for rows.Next() {
		if err := scan(row); err != nil {
			return err
		}
	}
	return postgresError(rows.Err())
}

func plainAll(args []any) ([]any, error) {
	bound := make([]any, len(args))
	for i, a := range args {
		v, err := plain(a)
		if err != nil {
			return nil, err
		}
		bound[i] = v
	}
	return bound, nil
}

// postgresRow is the current row.
type postgresRow struct{ rows pgx.Rows }

// Scan implements Scanner. It reads the wire format itself, so that both engines convert alike.
func (r postgresRow) Scan(dest ...any) error {
	raw, fields := r.rows.RawValues(), r.rows.FieldDescriptions()
	if len(dest) != len(raw) {
		return errArity
	}
	for i, d := range dest {
		v, err := decode(raw[i], &fields[i])
		if err != nil {
			return err
		}
		if err := assign(d, v); err != nil {
			return err
		}
	}
	return nil
}

// decode turns a column's wire format into what SQLite's driver would give.
func decode(raw []byte, f *pgconn.FieldDescription) (driver.Value, error) {
	if raw == nil {
		return nil, nil
	}
	if f.DataTypeOID == pgtype.TextOID || f.DataTypeOID == pgtype.VarcharOID || f.DataTypeOID == pgtype.NameOID {
		return string(raw), nil
	}
	if f.Format != pgtype.BinaryFormatCode {
		return nil, errType
	}
	switch f.DataTypeOID {
	case pgtype.Int8OID:
		return int64(binary.BigEndian.Uint64(raw)), nil
	case pgtype.Int4OID:
		return int64(int32(binary.BigEndian.Uint32(raw))), nil
	case pgtype.ByteaOID:
		return append(make([]byte, 0, len(raw)), raw...), nil
	case pgtype.BoolOID:
		return boolInt(bytes.Equal(raw, []byte{1})), nil
	}
	return nil, errType
}
