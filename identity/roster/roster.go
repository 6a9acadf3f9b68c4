// Package roster reads a list of the people who work at an organisation from CSV (RFC 4180), as
// personnel systems export it.
//
// Invariant: a file is understood wholly or not followed at all. Each line that is not understood is
// named by its number and a reason, which holds nothing of what stands in the line.
package roster

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tutela-health/tutela/identity"
)

// MaxRows bounds a roster.
const MaxRows = 20_000

// Parse reads a roster. The first line names the columns, in any order: username, and what else there
// is of name, email, roles and clearances (words between spaces or semicolons), external_id, active (true or false,
// yes or no; empty is true) and end_date (2026-12-31, the last day; until midnight UTC). Commas or
// semicolons stand between columns, whichever the first line has.
func Parse(file []byte) identity.Roster {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	if !utf8.Valid(file) {
		return whole(1, "the file is not in UTF-8")
	}
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	first, _, _ := bytes.Cut(file, []byte("\n"))
	if bytes.Contains(first, []byte(";")) && !bytes.Contains(first, []byte(",")) {
		r.Comma = ';'
	}
	header, err := r.Read()
	if err != nil {
		return whole(1, "the first line names the columns: "+strings.Join(identity.RosterColumns(), ", "))
	}
	columns, problem := columnsOf(header)
	if problem != "" {
		return whole(1, problem)
	}
	return rows(r, columns)
}

// whole is a roster of which nothing can be said but what is wrong with it.
func whole(line int, text string) identity.Roster {
	return identity.Roster{Problems: []identity.RosterProblem{{Line: line, Text: text}}}
}

func columnsOf(header []string) (columns []string, problem string) {
	for _, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case !slices.Contains(identity.RosterColumns(), name):
			return nil, "a column is none of " + strings.Join(identity.RosterColumns(), ", ")
		case slices.Contains(columns, name):
			return nil, "the column " + name + " is there twice"
		}
		columns = append(columns, name)
	}
	if !slices.Contains(columns, identity.ColumnUsername) {
		return nil, "the column username is missing"
	}
	return columns, ""
}

func rows(r *csv.Reader, columns []string) identity.Roster {
	out := identity.Roster{Columns: columns}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			out.Problems = append(out.Problems, identity.RosterProblem{Line: bad.StartLine, Text: "quotation marks do not match; what follows was not read"})
			return out
		}
		line, _ := r.FieldPos(0)
		if len(out.Rows) == MaxRows {
			out.Problems = append(out.Problems, identity.RosterProblem{Line: line, Text: "more people than a roster may have; split it"})
			return out
		}
		row, problem := read(record, columns)
		row.Line = line
		if problem != "" {
			out.Problems = append(out.Problems, identity.RosterProblem{Line: line, Text: problem})
			continue
		}
		out.Rows = append(out.Rows, row)
	}
}

// read gives what a record says.
func read(record, columns []string) (row identity.RosterRow, problem string) {
	if len(record) != len(columns) {
		return row, "has not as many columns as the first line"
	}
	row.Active = true
	for i, column := range columns {
		value := strings.Clone(strings.TrimSpace(record[i]))
		ok := true
		switch column {
		case identity.ColumnUsername:
			row.Username = value
		case identity.ColumnName:
			row.Name = value
		case identity.ColumnEmail:
			row.Email = value
		case identity.ColumnExternal:
			row.External = value
		case identity.ColumnRoles:
			row.Roles = words(value)
		case identity.ColumnCleared:
			row.Cleared = words(value)
		case identity.ColumnActive:
			row.Active, ok = truth(value)
		case identity.ColumnEnd:
			row.Ends, ok = end(value)
		}
		if !ok {
			return row, "cannot be read: " + column + map[string]string{
				identity.ColumnActive: " is true or false", identity.ColumnEnd: " is a day, as in 2026-12-31",
			}[column]
		}
	}
	return row, ""
}

// words reads what stands between spaces, semicolons, commas or bars.
func words(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == ';' || c == ',' || c == '|' })
}

// truth reads whether somebody works here. Nothing said means yes.
func truth(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "", "true", "yes", "1":
		return true, true
	case "false", "no", "0":
		return false, true
	}
	return false, false
}

// end reads the last day, and gives the moment after it.
func end(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	day, err := time.Parse(time.DateOnly, text)
	return day.AddDate(0, 0, 1), err == nil
}
