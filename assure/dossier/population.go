package dossier

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
)

// Bulk are the populations that only a complete dossier has: a table without its every row would mislead.
func Bulk() []catalog.Population { return []catalog.Population{"access", "logins", "events"} }

// Named are the populations of a dossier, in order.
func Named(complete bool) []catalog.Population {
	var list []catalog.Population
	for p := range catalog.Populations() {
		if complete || !slices.Contains(Bulk(), p) {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return list
}

// Table writes the rows of one population as CSV.
type Table struct {
	csv     *csv.Writer
	actions []tutela.Action
	Rows    int
}

// NewTable begins a table with its heading.
func NewTable(w io.Writer, p catalog.Population) *Table {
	t := &Table{csv: csv.NewWriter(w), actions: catalog.Populations()[p]}
	_ = t.csv.Write([]string{"leaf", "id", "time", "actor", "name", "kind", "roles", "unit", "action", "outcome", "status", "subject", "subject id", "detail", "patients", "purpose", "session", "client", "address"}) // Flush tells
	return t
}

// Add writes an entry's row, if it is of the population.
func (t *Table) Add(leaf int64, e tutela.Entry) {
	if !slices.Contains(t.actions, e.Action) {
		return
	}
	t.Rows++
	var subject tutela.Subject
	if e.Subject != nil {
		subject = *e.Subject
	}
	if e.Evidence != nil {
		subject.Detail = string(e.Evidence.Verdict) + ": " + e.Evidence.Observed
	}
	patients := make([]string, len(e.Patients))
	for i, p := range e.Patients {
		patients[i] = pseudonym(p.Patient)
	}
	row := []string{
		strconv.FormatInt(leaf, 10), e.ID, e.Time.UTC().Format(time.RFC3339Nano), string(e.Actor.ID), e.Actor.Name, string(e.Actor.Kind), strings.Join(e.Actor.Roles, " "), e.Actor.Unit,
		string(e.Action), string(e.Outcome), strconv.Itoa(e.Status), subject.Kind, subject.ID, subject.Detail, strings.Join(patients, " "), string(e.Purpose), e.Session, e.Client, e.Address,
	}
	for i, cell := range row {
		row[i] = Cell(cell)
	}
	_ = t.csv.Write(row) // Flush tells
}

// Flush ends a table.
func (t *Table) Flush() error {
	t.csv.Flush()
	return t.csv.Error()
}

// Cell is a text that no spreadsheet takes for a formula (OWASP, CSV Injection): what begins like one gets a ' before it.
func Cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// pseudonym is the text form of a patient's pseudonym: sixteen hexadecimal digits.
func pseudonym(b tutela.Bucket) string {
	const digits = 16
	s := strconv.FormatUint(uint64(b), 16)
	return strings.Repeat("0", digits-len(s)) + s
}

// Holds reports whether an entry is of a period.
func (m Manifest) Holds(e tutela.Entry) bool { return !e.Time.Before(m.From) && e.Time.Before(m.To) }

// Sampled gives the leaves that a sample draws, sorted and each once: the first 64 bits of SHA-256 over the seed and a
// number, from 0 on, modulo the number of leaves.
func (m Manifest) Sampled() []int64 {
	count := m.End - m.First
	if count <= 0 {
		return nil
	}
	list := make([]int64, 0, m.Sample)
	for i := range m.Sample {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("tutela sample v1\n"+m.Seed+"\n"), uint64(i)))
		list = append(list, m.First+int64(binary.BigEndian.Uint64(sum[:8])%uint64(count)))
	}
	slices.Sort(list)
	return slices.Compact(list)
}
