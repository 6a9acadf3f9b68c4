package pages

import (
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// appRow is an application that a person let act for the account.
type appRow struct {
	ID, Name string
	Scopes   []string // in plain words
	Granted  time.Time
}

// apps lists what the person agreed to.
func (v *visit) apps() ([]appRow, error) {
	consents, err := v.pages.identity.Consents(v.r.Context(), v.user.ID)
	if err != nil {
		return nil, err
	}
	var list []appRow
	for _, c := range consents {
		row := appRow{ID: c.Client, Name: c.Client, Granted: c.Given}
		client, err := v.pages.identity.Client(v.r.Context(), c.Client)
		if err == nil {
			row.Name = client.Name
		} else if !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		for _, s := range c.Scopes {
			row.Scopes = append(row.Scopes, wordsOf(s))
		}
		list = append(list, row)
	}
	return list, nil
}

// wordsOf says a scope as it is kept.
func wordsOf(scope string) string {
	if s, ok := tutela.ParseScope(scope); ok {
		return resourceWords(s)
	}
	return scopeWords(scope, nil)
}

// revokeApp takes back what the person agreed to; what the application has of it ends.
func revokeApp(v *visit) error {
	return v.deed("app", v.pages.identity.RevokeConsent(v.r.Context(), v.by(), v.user.ID, v.value("client")))
}
