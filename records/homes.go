package records

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// Home is who a pseudonym stands for and where he is written to: what whoever must tell him of a breach needs (45 CFR
// 164.404(d)(1)). Of somebody erased, and of a pseudonym that is no patient of this system, only Patient is known.
type Home struct {
	Patient  tutela.Bucket
	ID       tutela.PatientID
	Deleted  bool // the Patient resource; the rest is of its last version
	Erased   bool
	Deceased bool
	Name     string
	Lines    []string // of the address, without state and country
	State    string
	Country  string
	Email    string
}

// Homes tells who pseudonyms stand for, in their order. The Grant must be one for asking whom a breach reached, or for
// writing to them; any other learns nothing.
func (s *Store) Homes(ctx context.Context, g access.Grant, patients []tutela.Bucket) ([]Home, error) {
	if !g.For(tutela.ActionBreachScope) && !g.For(tutela.ActionBreachOpen) && !g.For(tutela.ActionBreachLetters) {
		return nil, errs.New(errs.Denied, "no policy permits this")
	}
	list := make([]Home, 0, len(patients))
	err := s.snapshot(ctx, func(q store.Querier) error {
		for _, b := range patients {
			h, err := s.home(ctx, q, b)
			if err != nil {
				return err
			}
			list = append(list, h)
		}
		return nil
	})
	return list, err
}

// home reads the newest version of a Patient that says where he lives.
func (s *Store) home(ctx context.Context, q store.Querier, b tutela.Bucket) (Home, error) {
	h := Home{Patient: b}
	rows, err := s.lineage(ctx, q, tutela.Locator(b))
	if err != nil {
		return h, err
	}
	for _, r := range rows {
		rec, err := s.record(ctx, q, tutela.Ref{Type: "Patient"}, r)
		if errs.Is(err, errs.NotFound) {
			h.Erased = h.ID == ""
			break
		}
		if err != nil {
			return h, err
		}
		if !rec.Deleted {
			return h, h.fill(rec.JSON)
		}
		h.Deleted = true
		if ref, ok := r4.ParseReference(rec.gone); ok {
			h.ID = tutela.PatientID(ref.ID)
		}
	}
	return h, nil
}

// livingPlace is the part of a Patient that is read.
type livingPlace struct {
	ID       string       `json:"id"`
	Names    []humanName  `json:"name"`
	Homes    []postal     `json:"address"`
	Contacts []contactWay `json:"telecom"`
	Dead     bool         `json:"deceasedBoolean"`
	Died     string       `json:"deceasedDateTime"`
}

type validity struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

type humanName struct {
	Use    string   `json:"use"`
	Text   string   `json:"text"`
	Family string   `json:"family"`
	Given  []string `json:"given"`
	Prefix []string `json:"prefix"`
}

type postal struct {
	Use     string   `json:"use"`
	Kind    string   `json:"type"`
	Lines   []string `json:"line"`
	City    string   `json:"city"`
	State   string   `json:"state"`
	Code    string   `json:"postalCode"`
	Country string   `json:"country"`
	Period  validity `json:"period"`
}

type contactWay struct {
	System string   `json:"system"`
	Value  string   `json:"value"`
	Use    string   `json:"use"`
	Period validity `json:"period"`
}

// fill reads a Patient.
func (h *Home) fill(resource []byte) error {
	var p livingPlace
	if err := json.Unmarshal(resource, &p); err != nil {
		return errs.New(errs.Internal, "a Patient does not decode") // the decoder's text may quote it
	}
	h.ID, h.Deceased = tutela.PatientID(p.ID), p.Dead || p.Died != ""
	if n := best(p.Names, humanName.rank); n != nil {
		h.Name = n.written()
	}
	if a := best(p.Homes, postal.rank); a != nil {
		h.Lines = slices.DeleteFunc(append(slices.Clone(a.Lines), strings.TrimSpace(a.Code+" "+a.City)), func(s string) bool { return s == "" })
		h.State, h.Country = a.State, a.Country
	}
	if c := best(p.Contacts, contactWay.rank); c != nil && c.System == "email" {
		h.Email = c.Value
	}
	return nil
}

// best is the first of a list with the highest rank; nil where none is above zero.
func best[T any](list []T, rank func(T) int) *T {
	var found *T
	top := 0
	for i := range list {
		if r := rank(list[i]); r > top {
			found, top = &list[i], r
		}
	}
	return found
}

func (n humanName) rank() int {
	return map[string]int{"official": 4, "usual": 3, "": 2, "old": 0, "maiden": 0}[n.Use] + map[bool]int{true: 1}[n.Use != "old" && n.Use != "maiden"]
}

func (n humanName) written() string {
	if n.Text != "" {
		return n.Text
	}
	return strings.TrimSpace(strings.Join(slices.Concat(n.Prefix, n.Given, []string{n.Family}), " "))
}

// rank prefers homes to what is temporary, and both to offices; what is over counts only where there is nothing else.
func (a postal) rank() int {
	r := map[string]int{"home": 8, "": 7, "temp": 6, "work": 5, "billing": 4, "old": 1}[a.Use]
	if a.Kind == "postal" {
		r++
	}
	if a.Period.End != "" {
		r = min(r, 2)
	}
	return r
}

func (c contactWay) rank() int {
	if c.System != "email" || c.Use == "old" || c.Period.End != "" {
		return 0
	}
	return 1 + map[string]int{"home": 2, "": 1}[c.Use]
}
