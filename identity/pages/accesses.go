package pages

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// accessesBody is what the page of accesses draws: the question as it was typed, and its answer.
type accessesBody struct {
	Patient, Account, Entry, Day string

	Asked   bool
	Entries []entryRow
}

// entryRow is an entry as a page shows it: patients by their pseudonyms.
type entryRow struct {
	tutela.Entry
	Pseudonyms []string
}

func entryRows(entries []tutela.Entry) []entryRow {
	list := make([]entryRow, len(entries))
	for i, e := range entries {
		list[i].Entry = e
		for _, p := range e.Patients {
			list[i].Pseudonyms = append(list[i].Pseudonyms, strconv.FormatUint(uint64(p.Patient), 16))
		}
	}
	return list
}

// accesses answers who looked at what, by the ledger's entries. It shows no personal part of one. The
// question comes as a form: an address stays in a browser's history.
func accesses(v *visit) error {
	typed := func(name string) string { return strings.TrimSpace(v.value(name)) }
	b := accessesBody{Patient: strings.TrimPrefix(typed("patient"), "Patient/"), Account: typed("account"), Entry: typed("entry"), Day: typed("day")}
	b.Asked = b.Patient != "" || b.Account != "" || b.Entry != "" || b.Day != ""
	status, wrong, err := v.answerAccesses(&b)
	if err != nil {
		return err
	}
	return render(v, "accesses", status, page[accessesBody]{Title: "Who looked at what", Place: "accesses", Me: v.me(), Token: v.token(), Problem: wrong, Body: b})
}

// answerAccesses fills in the entries. A page without a question asks the ledger nothing but is for
// those who may.
func (v *visit) answerAccesses(b *accessesBody) (status int, wrong problem, err error) {
	if !b.Asked && v.offers().Accesses {
		return http.StatusOK, problem{}, nil
	}
	q := AccessQuery{Patient: tutela.PatientID(b.Patient), Entry: b.Entry}
	if b.Day != "" {
		if q.From, err = time.Parse(time.DateOnly, b.Day); err != nil {
			return http.StatusUnprocessableEntity, problem{"day", "Write the day as in 2026-11-22."}, nil //nolint:nilerr // the page says what is wrong
		}
		q.To = q.From.AddDate(0, 0, 1)
	}
	if b.Account != "" {
		u, err := v.pages.identity.User(v.r.Context(), b.Account)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return 0, problem{}, err
		}
		if q.Actor = u.ID; q.Actor == "" {
			q.Actor = "nobody" // whom no entry names: the question is asked, and written down, like any other
		}
	}
	found, err := v.pages.desk.Accesses(v.r.Context(), v.by(), q)
	b.Entries = entryRows(found)
	if errs.Is(err, errs.Invalid) {
		return http.StatusUnprocessableEntity, problem{Text: sentence(errs.Public(err))}, nil
	}
	return http.StatusOK, problem{}, err
}
