package store

import (
	"fmt"
	"strings"
)

// verb is what a generated statement does to a table.
type verb int

const (
	insert       verb = iota
	upsert            // insert, or replace by key
	remove            // delete by the first n key columns
	claimAbsent       // insert unless the key is taken
	claimPresent      // replace where the first n columns after the key are as expected
)

// statement identifies a generated statement.
type statement struct {
	table *Table
	verb  verb
	n     int
}

func (s statement) key() []Column  { return s.table.Columns[:s.table.Key] }
func (s statement) rest() []Column { return s.table.Columns[s.table.Key:] }

// texts writes statements for single rows, with ? placeholders, and remembers them.
type texts map[statement]string

func (t texts) of(s statement) string {
	text, ok := t[s]
	if !ok {
		text = s.rowText()
		t[s] = text
	}
	return text
}

// rowText is s for one row, whose values come as arguments. claimPresent takes the row (the values
// to set, then the key) and then what is expected.
func (s statement) rowText() string {
	switch s.verb {
	case remove:
		return fmt.Sprintf("DELETE FROM %s WHERE %s", s.table.Name, each(s.table.Columns[:s.n], " AND ", "%[1]s = ?"))
	case claimPresent:
		return fmt.Sprintf("UPDATE %s SET %s WHERE %s", s.table.Name, each(s.setColumns(), ", ", "%[1]s = ?"),
			each(s.key(), " AND ", "%[1]s = ?")+prefixed(" AND ", each(s.rest()[:s.n], " AND ", "%[1]s IS ?")))
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)%s", s.table.Name,
		each(s.table.Columns, ", ", "%[1]s"), each(s.table.Columns, ", ", "?%.0[1]s"), s.onConflict())
}

// setColumns are the columns that a claimPresent sets: those after the key, or, in a table of
// nothing but a key, the key itself, since SET may not be empty.
func (s statement) setColumns() []Column {
	if rest := s.rest(); len(rest) > 0 {
		return rest
	}
	return s.key()
}

func (s statement) onConflict() string {
	switch {
	case s.verb == claimAbsent, s.verb == upsert && len(s.rest()) == 0:
		return " ON CONFLICT DO NOTHING"
	case s.verb == upsert:
		return fmt.Sprintf(" ON CONFLICT (%s) DO UPDATE SET %s", each(s.key(), ", ", "%[1]s"),
			each(s.rest(), ", ", "%[1]s = excluded.%[1]s"))
	}
	return ""
}

// each formats the name of every column and joins the results.
func each(columns []Column, separator, format string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = fmt.Sprintf(format, c.Name)
	}
	return strings.Join(parts, separator)
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// claimStatement is the statement that makes c come true.
func claimStatement(c *Claim) statement {
	if c.Expect == nil {
		return statement{c.Table, claimAbsent, 0}
	}
	return statement{c.Table, claimPresent, len(c.Expect)}
}

// claimArgs are the arguments of claimStatement(c).
func claimArgs(c *Claim) []any {
	if c.Expect == nil {
		return c.Set
	}
	values := c.Set[c.Table.Key:]
	if len(values) == 0 {
		values = c.Key
	}
	args := make([]any, 0, len(values)+len(c.Key)+len(c.Expect))
	return append(append(append(args, values...), c.Key...), c.Expect...)
}
