package table

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/intake"
)

// maxRow bounds a row, in bytes, and maxColumns its columns.
const (
	maxRow     = 1 << 20
	maxColumns = 1024
	maxValue   = 256
)

var (
	errLong    = errors.New("a row is longer than 1 MiB: a quotation mark may be missing")
	errTime    = errors.New("has no time that the mapping can read")
	errUser    = errors.New("names no user")
	errColumns = errors.New("has other columns than the header")
)

// Read calls take for every row in order, with its number (the header is row 1), and with what is wrong with it where
// there is something. An error of take ends it.
func Read(r io.Reader, m *Mapping, tokens intake.Tokens, take func(row int, rec intake.Record, wrong error) error) error {
	budget := &bounded{r: r}
	c := csv.NewReader(budget)
	c.FieldsPerRecord, c.LazyQuotes, c.ReuseRecord = -1, true, true
	if m.Delimiter != "" {
		c.Comma = []rune(m.Delimiter)[0]
	}
	budget.left = maxRow
	head, err := c.Read()
	if err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	t := &table{m: m, tokens: tokens}
	if err := t.header(head); err != nil {
		return err
	}
	for n := 2; ; n++ {
		budget.left = maxRow
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		rec, wrong := t.record(row)
		if err := take(n, rec, wrong); err != nil {
			return err
		}
	}
}

// bounded refuses to read further than a row may be long.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLong
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// table is one that is being read.
type table struct {
	m      *Mapping
	tokens intake.Tokens
	at     map[string]int // columns by header, in lower case
	width  int
}

func (t *table) header(names []string) error {
	if len(names) > maxColumns {
		return fmt.Errorf("it has more than %d columns", maxColumns)
	}
	t.at, t.width = map[string]int{}, len(names)
	for i, name := range names {
		t.at[plain(strings.TrimPrefix(name, "\ufeff"))] = i
	}
	for _, name := range []string{t.m.Columns.Time, t.m.Columns.User} {
		if _, ok := t.at[plain(name)]; !ok {
			return fmt.Errorf("it has no column %q, which the mapping names", name)
		}
	}
	return nil
}

func plain(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// value is what a row has in a column, cut to size.
func (t *table) value(row []string, column string) string {
	i, ok := t.at[plain(column)]
	if column == "" || !ok || i >= len(row) {
		return ""
	}
	s := strings.TrimSpace(row[i])
	return strings.ToValidUTF8(s[:min(len(s), maxValue)], "\uFFFD")
}

func (t *table) record(row []string) (intake.Record, error) {
	var r intake.Record
	if len(row) != t.width {
		return r, errColumns
	}
	c := t.m.Columns
	at, err := t.time(t.value(row, c.Time))
	if err != nil {
		return r, err
	}
	user := t.value(row, c.User)
	if user == "" {
		return r, errUser
	}
	e := &r.Event
	e.Time, e.ID, e.Source = at, t.id(row), t.value(row, c.Source)
	if e.Source == "" {
		e.Source = t.m.Source
	}
	e.Actor = tutela.Actor{ID: tutela.UserID(user), Kind: tutela.ActorPerson, Name: t.value(row, c.Name), Unit: t.value(row, c.Unit)}
	if role := t.value(row, c.Role); role != "" {
		e.Actor.Roles = []string{role}
	}
	e.Address, e.Type, e.Purpose = t.value(row, c.Address), t.value(row, c.Type), tutela.Purpose(t.value(row, c.Purpose))
	e.Action, e.Outcome = t.action(row), t.outcome(row)
	t.patient(&r, row)
	return r, nil
}

func (t *table) time(text string) (time.Time, error) {
	for _, layout := range t.m.Times {
		if at, err := time.ParseInLocation(layout, text, t.m.place); err == nil && at.Year() >= 1970 && at.Year() < 10_000 {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errTime
}

// id is the record's own, else a hash of the row: the same row again has the same one.
func (t *table) id(row []string) string {
	if id := t.value(row, t.m.Columns.ID); id != "" {
		return id
	}
	h := sha256.New()
	for _, v := range row {
		fmt.Fprintf(h, "%d:%s", len(v), v)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (t *table) action(row []string) tutela.Action {
	if a, ok := t.m.Actions[plain(t.value(row, t.m.Columns.Action))]; ok {
		return a
	}
	return t.m.Otherwise
}

func (t *table) outcome(row []string) tutela.Outcome {
	if o, ok := t.m.Outcomes[plain(t.value(row, t.m.Columns.Outcome))]; ok {
		return o
	}
	return tutela.OutcomeSuccess
}

func (t *table) patient(r *intake.Record, row []string) {
	id := intake.Identifier{Authority: t.value(row, t.m.Columns.Authority), Value: t.value(row, t.m.Columns.Patient)}
	if id.Authority == "" {
		id.Authority = t.m.Authority
	}
	p := t.tokens.Patient(id)
	if id.Value == "" || p == tutela.BucketGeneral {
		return
	}
	touched := tutela.Touched{Patient: p}
	if r.Event.Type != "" {
		touched.Counts = map[string]int{r.Event.Type: 1}
	}
	r.Event.Patients, r.Patients = []tutela.Touched{touched}, []intake.Identifier{id}
}
