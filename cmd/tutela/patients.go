package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// offeredPatients is how many patients of a name are offered; whoever has more of them types more of it.
const offeredPatients = "20"

// patientFinder searches for patients by name through the FHIR API itself: under the caller's own
// decision, and with the entry of every search.
func patientFinder(api *fhir.Handler) pages.FindPatients {
	mux := http.NewServeMux()
	api.Routes(mux, "/fhir/r4", func(h http.Handler) http.Handler { return h }) // the caller is proved already
	return func(ctx context.Context, by tutela.Principal, name string) ([]pages.PatientChoice, error) {
		return findPatients(ctx, mux, by, name)
	}
}

func findPatients(ctx context.Context, api http.Handler, by tutela.Principal, name string) ([]pages.PatientChoice, error) {
	by.Scopes = []string{"user/Patient.rs"}
	query := url.Values{"name": {name}, "_count": {offeredPatients}}
	r, err := http.NewRequestWithContext(httpx.WithPrincipal(ctx, by), http.MethodGet, "/fhir/r4/Patient?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("search patients: %w", err)
	}
	w := &inMemory{header: http.Header{}, status: http.StatusOK}
	api.ServeHTTP(w, r)
	switch w.status {
	case http.StatusOK:
		return patientChoices(w.body.Bytes())
	case http.StatusForbidden:
		return nil, errs.New(errs.Denied, "the account may see no patient")
	default:
		return nil, errs.New(errs.Unavailable, "patients cannot be searched now")
	}
}

// patientChoices reads a searchset for the picker.
func patientChoices(bundle []byte) ([]pages.PatientChoice, error) {
	var b struct {
		Entry []struct {
			Resource struct {
				ID        tutela.PatientID `json:"id"`
				BirthDate string           `json:"birthDate"`
				Name      []struct {
					Text   string   `json:"text"`
					Family string   `json:"family"`
					Given  []string `json:"given"`
				} `json:"name"`
			} `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		return nil, fmt.Errorf("decode patients: %w", err)
	}
	var list []pages.PatientChoice
	for _, e := range b.Entry {
		c := pages.PatientChoice{ID: e.Resource.ID, Name: "Patient/" + string(e.Resource.ID)}
		if len(e.Resource.Name) > 0 {
			n := e.Resource.Name[0]
			if n.Text == "" {
				n.Text = strings.TrimSpace(strings.Join(n.Given, " ") + " " + n.Family)
			}
			c.Name = n.Text
		}
		if e.Resource.BirthDate != "" {
			c.Detail = "born " + e.Resource.BirthDate
		}
		list = append(list, c)
	}
	return list, nil
}

// inMemory takes an answer of our own API.
type inMemory struct {
	header http.Header
	body   bytes.Buffer
	status int
}

// Header implements http.ResponseWriter.
func (w *inMemory) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *inMemory) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *inMemory) Write(b []byte) (int, error) { return w.body.Write(b) }
