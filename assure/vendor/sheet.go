package vendor

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/errs"
)

// Bounds of a sheet: of its bytes, and of its lines, which are as many as can be kept at once.
const (
	maxSheet   = 16 << 20
	maxVendors = register.MaxChanges
)

// vendorColumns are those that are read; a sheet that was written has those of told, too, which follow from what is kept.
func vendorColumns() []string {
	return []string{"id", "revision", "name", "service", "contact", "owner", "data", "critical", "agreement", "signed", "ends", "sha256", "assess"}
}

func told() []string {
	return []string{"state", "assessed", "score", "bare", "overdue", "late", "to put right"}
}

// WriteVendors writes vendors as a sheet that ReadVendors reads.
func WriteVendors(w io.Writer, list []Kept) error {
	out := csv.NewWriter(w)
	_ = out.Write(append(vendorColumns(), told()...)) // Flush tells
	for _, k := range list {
		left := 0
		for _, a := range k.Actions {
			if a.Open() {
				left++
			}
		}
		_ = out.Write(cells(k.ID, strconv.FormatInt(k.Revision, 10), k.Name, k.Service, k.Contact, k.OwnerName, string(k.Data), strconv.Itoa(k.Critical), string(k.Agreement.Kind),
			day(k.Agreement.Signed), day(k.Agreement.Ends), k.Agreement.SHA256, day(k.Assess),
			string(k.State), day(k.Assessed), strconv.Itoa(k.Score), strconv.FormatBool(k.Bare), strconv.FormatBool(k.Overdue), strconv.Itoa(k.Late), strconv.Itoa(left)))
	}
	out.Flush()
	return out.Error()
}

// ReadVendors reads a sheet of vendors, a line each. Its first line names the columns, in any order; revision, signed, ends,
// sha256 and assess may be missing or empty. An error names each bad line. A Revision of -1 says that the sheet gave none.
func ReadVendors(r io.Reader) ([]Written, error) {
	rows, err := read(r, vendorColumns(), told(), []string{"id", "name", "service", "contact", "owner", "data", "critical", "agreement"}, maxVendors)
	if err != nil {
		return nil, err
	}
	var list []Written
	var bad []string
	for _, row := range rows {
		w := Written{ID: row.cell("id"), Line: row.line, Revision: -1, Details: Details{
			Name: row.cell("name"), Service: row.cell("service"), Contact: row.cell("contact"), Owner: tutela.UserID(row.cell("owner")), Data: Data(row.cell("data")),
			Agreement: Agreement{Kind: Form(row.cell("agreement")), SHA256: row.cell("sha256")},
		}}
		w.Critical, err = strconv.Atoi(row.cell("critical"))
		if text := row.cell("revision"); err == nil && text != "" {
			w.Revision, err = strconv.ParseInt(text, 10, 64)
		}
		if err != nil {
			err = errors.New("critical and revision are numbers")
		}
		err = errors.Join(err, row.days(map[string]*time.Time{"signed": &w.Agreement.Signed, "ends": &w.Agreement.Ends, "assess": &w.Assess}))
		if err != nil {
			bad = append(bad, row.says(err))
		}
		list = append(list, w)
	}
	return list, wrong(bad)
}

func answerColumns() []string {
	return []string{"vendor", "question", "asks", "answer", "text", "until", "waive"}
}

// WriteAnswers writes a questionnaire with the answers of vendors, or without any where there is none.
func WriteAnswers(w io.Writer, q Questionnaire, list ...Kept) error {
	if len(list) == 0 {
		list = []Kept{{}}
	}
	out := csv.NewWriter(w)
	_ = out.Write(answerColumns()) // Flush tells
	for _, k := range list {
		waived := map[string]string{}
		for _, a := range k.Actions {
			waived[a.Question] = a.Waived
		}
		for _, one := range q.Questions {
			a := k.Answers[one.ID]
			_ = out.Write(cells(k.ID, one.ID, one.Asks, string(a.Is), a.Text, day(a.Until), waived[one.ID]))
		}
	}
	out.Flush()
	return out.Error()
}

// Sheet is what a questionnaire's sheet says of one vendor.
type Sheet struct {
	Vendor  string // empty where the sheet does not say
	Line    int    // its first
	Answers map[string]Answer
	Waive   map[string]string
}

// ReadAnswers reads a questionnaire's sheet, of one vendor or of many; until and waive may be missing. Whether each
// question is answered is not its matter. An error names each bad line.
func (q Questionnaire) ReadAnswers(r io.Reader) ([]Sheet, error) {
	rows, err := read(r, answerColumns(), nil, []string{"question", "answer"}, maxVendors*len(q.Questions))
	if err != nil {
		return nil, err
	}
	var list []Sheet
	var bad []string
	at := map[string]int{}
	for _, row := range rows {
		id, answer := row.cell("question"), Answer{Is: Word(strings.ToLower(row.cell("answer"))), Text: row.cell("text")}
		err := row.days(map[string]*time.Time{"until": &answer.Until})
		i, known := at[row.cell("vendor")]
		if !known {
			i = len(list)
			at[row.cell("vendor")] = i
			list = append(list, Sheet{Vendor: row.cell("vendor"), Line: row.line, Answers: map[string]Answer{}, Waive: map[string]string{}})
		}
		_, asked := q.Find(id)
		_, twice := list[i].Answers[id]
		switch {
		case !asked:
			err = errors.Join(err, fmt.Errorf("%q is no question", clipped(id)))
		case twice:
			err = errors.Join(err, fmt.Errorf("%s is answered twice", id))
		case !slices.Contains([]Word{"", Yes, Partly, No, NotApplicable}, answer.Is):
			err = errors.Join(err, errors.New("an answer is yes, partly, no or not-applicable"))
		}
		if err != nil {
			bad = append(bad, row.says(err))
			continue
		}
		list[i].Answers[id] = answer
		if why := row.cell("waive"); why != "" {
			list[i].Waive[id] = why
		}
	}
	return list, wrong(bad)
}

// row is one line of a sheet.
type row struct {
	line  int
	cells map[string]string
}

func (r row) cell(name string) string { return r.cells[name] }

// days reads cells that are days, where they say anything.
func (r row) days(to map[string]*time.Time) (err error) {
	for name, t := range to {
		text := r.cell(name)
		if text == "" {
			continue
		}
		var bad error
		if *t, bad = time.Parse(time.DateOnly, text); bad != nil {
			*t, bad = time.Parse(time.RFC3339, text)
		}
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("%s is a day such as 2027-06-30", name))
		}
	}
	return err
}

// says is an error of a line, in a line.
func (r row) says(err error) string {
	return fmt.Sprintf("line %d: %s", r.line, strings.ReplaceAll(err.Error(), "\n", ", "))
}

// read gives the lines of a sheet by the columns that its first line names: known ones, and ignored ones, which are not read.
func read(r io.Reader, known, ignored, required []string, most int) ([]row, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSheet+1))
	if err != nil {
		return nil, fmt.Errorf("read sheet: %w", err)
	}
	if len(text) > maxSheet {
		return nil, errs.New(errs.Invalid, "a sheet has %d bytes at most", maxSheet)
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))) // as spreadsheets begin UTF-8
	names, err := in.Read()
	if err != nil {
		return nil, unreadable(err)
	}
	for i, name := range names {
		names[i] = strings.ToLower(clean(name))
		if !slices.Contains(known, names[i]) && !slices.Contains(ignored, names[i]) || slices.Contains(names[:i], names[i]) {
			return nil, errs.New(errs.Invalid, "column %d, %q, is unknown or there twice; the columns are %s", i+1, clipped(names[i]), strings.Join(known, ", "))
		}
	}
	for _, name := range required {
		if !slices.Contains(names, name) {
			return nil, errs.New(errs.Invalid, "column %s is missing", name)
		}
	}
	var rows []row
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		if len(rows) == most {
			return nil, errs.New(errs.Invalid, "a sheet has %d lines at most", most)
		}
		line, _ := in.FieldPos(0)
		one := row{line, make(map[string]string, len(names))}
		for i, name := range names {
			one.cells[name] = clean(record[i])
			if !plain(one.cells[name]) {
				return nil, errs.New(errs.Invalid, "line %d: %s is no line of UTF-8 of %d bytes at most", line, name, maxText)
			}
		}
		rows = append(rows, one)
	}
}

// unreadable says in which line a sheet is none. Its text is not quoted.
func unreadable(err error) error {
	var at *csv.ParseError
	switch {
	case errors.As(err, &at):
		return errs.Wrap(errs.Invalid, err, fmt.Sprintf("line %d is no line of CSV with as many cells as there are columns", at.Line))
	case errors.Is(err, io.EOF):
		return errs.New(errs.Invalid, "the sheet is empty")
	}
	return err
}

// cells are texts that no spreadsheet takes for formulas.
func cells(list ...string) []string {
	for i, s := range list {
		list[i] = dossier.Cell(s)
	}
	return list
}

// clean is a cell in one line, without what cells put before it.
func clean(s string) string {
	s = strings.TrimSpace(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(s))
	if rest, quoted := strings.CutPrefix(s, "'"); quoted && dossier.Cell(rest) != rest {
		return rest
	}
	return s
}

// day is a time as a day where it is one, or nothing where there is none.
func day(t time.Time) string {
	t = t.UTC()
	switch {
	case t.IsZero():
		return ""
	case t.Equal(t.Truncate(24 * time.Hour)):
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}
