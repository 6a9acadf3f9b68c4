package console

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// foundEntry is an entry as a search of the ledger gives it. Leaf is -1 while it is not in the tree.
type foundEntry struct {
	Leaf     int64        `json:"leaf"`
	Entry    tutela.Entry `json:"entry"`
	Writes   int          `json:"writes"`
	Personal []struct {
		Patient string          `json:"patient"`
		Erased  bool            `json:"erased"`
		Body    json.RawMessage `json:"body"`
	} `json:"personal"`
}

// Place is by which it is asked for: its leaf, or its id while it has none.
func (f foundEntry) Place() string {
	if f.Leaf < 0 {
		return f.Entry.ID
	}
	return strconv.FormatInt(f.Leaf, 10)
}

const (
	ledgerPath = home + "ledger"
	perPage    = 100 // entries
)

// ledgerBody is what was asked of the ledger, and the answer.
type ledgerBody struct {
	Asked    url.Values // that is not empty
	Entries  []foundEntry
	Older    string // address of the next page
	More     bool   // of what is not in the tree yet, than fits a page
	Outcomes []tutela.Outcome
}

// ledger searches.
func ledger(v *visit) error {
	b := ledgerBody{Asked: url.Values{}, Outcomes: []tutela.Outcome{tutela.OutcomeSuccess, tutela.OutcomeDenied, tutela.OutcomeFailed, tutela.OutcomeError}}
	for _, name := range []string{"from", "to", "actor", "patient", "action", "outcome", "below"} {
		if text := v.query(name); text != "" {
			b.Asked.Set(name, text)
		}
	}
	q, err := ledgerQuery(b.Asked)
	if err == nil {
		b.Entries, err = get[[]foundEntry](v, "/api/v1/ledger/entries?"+q.Encode())
	}
	if err != nil {
		if !mendable(err) {
			return err
		}
		v.status, v.wrong = httpx.Status(err), problem{Text: sentence(errs.Public(err))}
	}
	if len(b.Entries) > perPage {
		older := maps.Clone(b.Asked)
		b.Entries = b.Entries[:perPage]
		last := b.Entries[perPage-1].Leaf
		b.More = last < 0
		if last > 0 {
			older.Set("below", strconv.FormatInt(last, 10))
			b.Older = ledgerPath + "?" + older.Encode()
		}
	}
	return draw(v, "ledger", page[ledgerBody]{Title: "Ledger", Place: "ledger", Body: b})
}

// ledgerQuery is what the API is asked. Days are of UTC, the last one whole.
func ledgerQuery(asked url.Values) (url.Values, error) {
	q := url.Values{"limit": {strconv.Itoa(perPage + 1)}}
	for _, name := range []string{"actor", "patient", "action", "outcome", "below"} {
		if text := asked.Get(name); text != "" {
			q.Set(name, text)
		}
	}
	for name, days := range map[string]int{"from": 0, "to": 1} {
		text := asked.Get(name)
		if text == "" {
			continue
		}
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return nil, errs.New(errs.Invalid, "%q is no day, as 2026-11-22", text)
		}
		q.Set(name, day.AddDate(0, 0, days).Format(time.RFC3339))
	}
	return q, nil
}

// entryBody is one entry with what proves it.
type entryBody struct {
	foundEntry
	Text  string // the entry as JSON
	Proof string // empty while it is not in the tree
}

// oneEntry shows an entry, by its place in the tree; by its id while it has none.
func oneEntry(v *visit) error {
	days := url.Values{}
	for _, name := range []string{"from", "to"} {
		if text := v.query(name); text != "" {
			days.Set(name, text)
		}
	}
	q, err := ledgerQuery(days) // days spare a search by id the rest of the ledger
	if err != nil {
		return err
	}
	q.Set("limit", "1")
	leaf, err := strconv.ParseInt(v.r.PathValue("id"), 10, 64)
	if err == nil {
		q.Set("below", strconv.FormatInt(leaf+1, 10))
	} else {
		q.Set("id", v.r.PathValue("id"))
	}
	list, err := get[[]foundEntry](v, "/api/v1/ledger/entries?"+q.Encode())
	if err != nil {
		return err
	}
	if len(list) != 1 || q.Has("below") && list[0].Leaf != leaf {
		return notHere()
	}
	b := entryBody{foundEntry: list[0]}
	text, err := json.MarshalIndent(b.Entry, "", "  ")
	if err != nil {
		return fmt.Errorf("encode entry: %w", err)
	}
	b.Text = string(text)
	if b.Leaf >= 0 {
		p, err := get[struct {
			Proof string `json:"proof"`
		}](v, "/api/v1/ledger/proof?leaf="+strconv.FormatInt(b.Leaf, 10))
		if err != nil {
			return err
		}
		b.Proof = p.Proof
	}
	return draw(v, "entry", page[entryBody]{Title: "Entry " + short(b.Entry.ID), Place: "ledger", Up: ledgerPath, UpName: "Ledger", Script: "ledger.js", Body: b})
}
