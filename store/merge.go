package store

import (
	"fmt"
	"strings"
)

// merge is one statement for many rows of a table: PostgreSQL takes a column as an array, so
// that a batch costs a statement per table, and its text does not depend on how many rows there are.
type merge struct {
	statement statement
	columns   []array
}

// newMerge makes room for the parameters of s: of a row, of a key, or of a row and what a claim expects.
func newMerge(s statement) *merge {
	m := &merge{statement: s}
	for _, p := range s.parameters() {
		m.columns = append(m.columns, array{kind: p.Kind})
	}
	return m
}

// parameters are the columns whose values the merged statement takes, in order.
func (s statement) parameters() []Column {
	switch s.verb {
	case remove:
		return s.table.Columns[:s.n]
	case claimPresent:
		all := s.table.Columns
		for _, c := range s.rest()[:s.n] {
			all = append(all[:len(all):len(all)], Column{"expected_" + c.Name, c.Kind})
		}
		return all
	}
	return s.table.Columns
}

func (m *merge) add(values ...any) error {
	for i, v := range values {
		if err := m.columns[i].add(v); err != nil {
			return fmt.Errorf("%s.%s: %w", m.statement.table.Name, m.statement.parameters()[i].Name, err)
		}
	}
	return nil
}

func (m *merge) addAll(rows [][]any) error {
	for _, row := range rows {
		if err := m.add(row...); err != nil {
			return err
		}
	}
	return nil
}

func (m *merge) args() []any {
	args := make([]any, len(m.columns))
	for i := range m.columns {
		args[i] = m.columns[i].value()
	}
	return args
}

// mergedText is s for any number of rows, with PostgreSQL's placeholders. A claim's statement
// divides by zero when it does not hold for every row: an error stops the rest of a pipeline.
func (s statement) mergedText() string {
	name := s.table.Name
	switch s.verb {
	case remove:
		return fmt.Sprintf("DELETE FROM %s t USING %s WHERE %s", name, s.unnested(), s.sameKey(s.n))
	case claimPresent:
		return fmt.Sprintf("WITH claimed AS (UPDATE %s t SET %s FROM %s WHERE %s%s RETURNING 1) %s", name,
			each(s.setColumns(), ", ", "%[1]s = u.%[1]s"), s.unnested(), s.sameKey(s.table.Key),
			prefixed(" AND ", each(s.rest()[:s.n], " AND ", "t.%[1]s IS NOT DISTINCT FROM u.expected_%[1]s")), allClaimed)
	case claimAbsent:
		return fmt.Sprintf("WITH claimed AS (%s RETURNING 1) %s", s.mergedInsert(), allClaimed)
	}
	return s.mergedInsert()
}

const allClaimed = "SELECT 1 / (count(*) = cardinality($1))::int FROM claimed"

func (s statement) mergedInsert() string {
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT * FROM %s%s", s.table.Name,
		each(s.table.Columns, ", ", "%[1]s"), s.unnested(), s.onConflict())
}

func (s statement) sameKey(n int) string {
	return each(s.table.Columns[:n], " AND ", "t.%[1]s = u.%[1]s")
}

// unnested is the parameters as a relation u.
func (s statement) unnested() string {
	parameters := s.parameters()
	casts := make([]string, len(parameters))
	for i, p := range parameters {
		casts[i] = fmt.Sprintf("$%d::%s[]", i+1, postgresType(p.Kind))
	}
	return fmt.Sprintf("unnest(%s) AS u(%s)", strings.Join(casts, ", "), each(parameters, ", ", "%[1]s"))
}

func postgresType(k Kind) string {
	switch k {
	case Bytes:
		return "bytea"
	case Text:
		return "text"
	}
	return "bigint"
}

// statement is how v is written for rows of this width.
func (r Rows) statement(v verb) statement {
	s := statement{table: r.Table, verb: v}
	if v == remove && len(r.Rows) > 0 {
		s.n = len(r.Rows[0])
	}
	return s
}

// array collects the values of one column.
type array struct {
	kind  Kind
	ints  []*int64
	bytes [][]byte
	texts []*string
}

func (a *array) add(value any) error {
	v, err := plain(value)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case int64:
		a.ints = append(a.ints, &v)
		return typed(a.kind == Int)
	case []byte:
		a.bytes = append(a.bytes, v)
		return typed(a.kind == Bytes)
	case string:
		a.texts = append(a.texts, &v)
		return typed(a.kind == Text)
	}
	a.addNull()
	return nil
}

func (a *array) addNull() {
	switch a.kind {
	case Bytes:
		a.bytes = append(a.bytes, nil)
	case Text:
		a.texts = append(a.texts, nil)
	default:
		a.ints = append(a.ints, nil)
	}
}

func (a *array) value() any {
	switch a.kind {
	case Bytes:
		return a.bytes
	case Text:
		return a.texts
	}
	return a.ints
}
