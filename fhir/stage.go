package fhir

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/records"
)

// stage is where a check plays: patients who are invented for it, and what it asks about them as callers
// who are.
type stage struct {
	api     http.Handler
	mark    string // occurs in what is planted, and nowhere else
	planted []string
	regime  func(context.Context, tutela.Principal) (optIn bool, err error)
	entries func(context.Context, tutela.UserID) ([]tutela.Entry, error) // of the ledger, of one account
}

const playedPrefix = "/fhir/r4"

// The patients of a play: one whom the invented clinician treats, one whom he does not, one whom he also
// treats, and an id that nobody ever had.
const (
	ours    = records.CanaryID + "-treated"
	theirs  = records.CanaryID + "-untreated"
	another = records.CanaryID + "-also-treated"
	nobodys = records.CanaryID + "-nobody"
)

// probed is the invented clinician.
func probed() tutela.Ref { return tutela.Ref{Type: "Practitioner", ID: records.CanaryID} }

// played has a check play, and clears the stage. What it saw is worth nothing if something is left.
func (h *Handler) played(ctx context.Context, api http.Handler, play func(context.Context, *stage) ([]string, string, error)) tutela.Evidence {
	s := &stage{api: api, mark: "Canary" + rand.Text(), regime: h.optIn, entries: h.entriesOf}
	e := tutela.Evidence{On: h.base + ", as invented callers about invented patients"}
	wrong, told, err := play(ctx, s)
	err = errors.Join(err, s.clear(context.WithoutCancel(ctx)))
	switch {
	case err != nil:
		e.Observed = err.Error()
	case len(wrong) > 0:
		e.Verdict, e.Observed = tutela.Fail, strings.Join(wrong[:min(len(wrong), 3)], "; ")
	default:
		e.Verdict, e.Observed = tutela.Pass, told
	}
	return e
}

// caller is an invented person of a role, whose token has scopes.
func caller(role access.Role, scopes ...string) tutela.Principal {
	return tutela.Principal{
		ID: "tutela-assess", Kind: tutela.ActorPerson, Username: "tutela assess", Roles: []string{string(role)}, Scopes: scopes,
		Client: "tutela-assess", Assurance: "aal2",
	}
}

// clinician is the invented one.
func clinician(role access.Role) tutela.Principal {
	p := caller(role, "user/*.rs")
	p.FHIRUser = probed()
	return p
}

// keeper plants and clears, as the organisation's own interfaces do.
func keeper() tutela.Principal {
	p := caller(access.RoleService, "system/*.cruds")
	p.Kind = tutela.ActorSystem
	return p
}

// reply is what a caller was answered.
type reply struct {
	status int
	etag   string
	body   string

	location string
}

// ask sends a request as a caller.
func (s *stage) ask(ctx context.Context, who tutela.Principal, q request) reply {
	r := httptest.NewRequestWithContext(ctx, q.method, playedPrefix+"/"+q.path, strings.NewReader(q.body))
	switch {
	case q.form:
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case q.body != "":
		r.Header.Set("Content-Type", contentType)
	}
	if q.ifMatch != "" {
		r.Header.Set("If-Match", q.ifMatch)
	}
	if q.lenient {
		r.Header.Set("Prefer", "handling=lenient")
	}
	w := httptest.NewRecorder()
	r = httpx.WithRequestID(w, r)
	s.api.ServeHTTP(w, r.WithContext(httpx.WithPrincipal(r.Context(), who)))
	return reply{w.Code, w.Header().Get("ETag"), w.Body.String(), w.Header().Get("Location")}
}

// request is one that a play makes.
type request struct {
	method, path, body string
	form, lenient      bool
	ifMatch            string
}

func read(path string) request { return request{method: http.MethodGet, path: path} }

// put stores a resource under its own id, to be deleted in the end.
func (s *stage) put(ctx context.Context, resource map[string]any) (version string, err error) {
	body, err := json.Marshal(resource)
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	ref := fmt.Sprint(resource["resourceType"], "/", resource["id"])
	a := s.ask(ctx, keeper(), request{method: http.MethodPut, path: ref, body: string(body)})
	if a.status != http.StatusOK && a.status != http.StatusCreated {
		return "", fmt.Errorf("%s could not be written: status %d", ref, a.status)
	}
	if !slices.Contains(s.planted, ref) {
		s.planted = append(s.planted, ref)
	}
	return strings.Trim(strings.TrimPrefix(a.etag, "W/"), `"`), nil
}

// plant stores several.
func (s *stage) plant(ctx context.Context, resources ...map[string]any) error {
	for _, r := range resources {
		if _, err := s.put(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// clear deletes what was planted, the newest first.
func (s *stage) clear(ctx context.Context) error {
	var left []string
	for _, ref := range slices.Backward(s.planted) {
		if a := s.ask(ctx, keeper(), request{method: http.MethodDelete, path: ref}); a.status >= http.StatusBadRequest {
			left = append(left, ref)
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("%s could not be deleted", strings.Join(left, ", "))
	}
	return nil
}

// marked reports whether an answer shows what was planted.
func (s *stage) marked(a reply) bool { return strings.Contains(a.body, s.mark) }

// optIn reports whether only what a consent permits is open to a caller.
func (h *Handler) optIn(ctx context.Context, who tutela.Principal) (bool, error) {
	g, err := h.access.Authorize(ctx, who, access.Request{Action: tutela.ActionRead, Type: "Observation", Purpose: tutela.PurposeTreatment})
	return g.Regime() == consent.OptIn, err
}

// entriesOf gives what the ledger holds of an account.
func (h *Handler) entriesOf(ctx context.Context, id tutela.UserID) (list []tutela.Entry, err error) {
	err = h.audit.Search(ctx, audit.Query{Actor: id}, func(o audit.Opened) error {
		list = append(list, o.Entry)
		return nil
	})
	return list, err
}

// refTo is a reference.
func refTo(ref string) map[string]any { return map[string]any{"reference": ref} }

// plantPatients stores patients who permit everything, so that no consent keeps what something else must.
func (s *stage) plantPatients(ctx context.Context, ids ...string) error {
	for _, id := range ids {
		name := map[string]any{"resourceType": "Patient", "id": id, "active": false, "name": []any{map[string]any{"family": s.mark}}}
		if err := s.plant(ctx, name, agreement(id, "active", "OPTIN", "permit")); err != nil {
			return err
		}
	}
	return nil
}

// observation is one of a patient, called like him, that says what was measured and points to others.
func (s *stage) observation(id, patient string, members ...string) map[string]any {
	o := map[string]any{
		"resourceType": "Observation", "id": id, "status": "registered", "subject": refTo("Patient/" + patient),
		"code": map[string]any{"text": s.mark}, "valueQuantity": map[string]any{"value": measured, "unit": "1"},
	}
	var list []any
	for _, m := range members {
		list = append(list, refTo("Observation/"+m))
	}
	if len(list) > 0 {
		o["hasMember"] = list
	}
	return o
}

// measured is the value of every planted observation.
const measured = 5

// team has the invented clinician treat a patient, or no more.
func team(patient, status string) map[string]any {
	return map[string]any{
		"resourceType": "CareTeam", "id": patient + "-team", "status": status, "subject": refTo("Patient/" + patient),
		"participant": []any{map[string]any{"member": refTo(probed().String())}},
	}
}

// ways are the requests that may show an observation of a patient, by name.
func ways(id, patient, version string) map[string]request {
	batch, _ := json.Marshal(map[string]any{"resourceType": "Bundle", "type": "batch", "entry": []any{ // strings alone
		map[string]any{"request": map[string]any{"method": "GET", "url": "Observation/" + id}},
	}})
	return map[string]request{
		"a read":              read("Observation/" + id),
		"a read of a version": read("Observation/" + id + "/_history/" + version),
		"a history":           read("Observation/" + id + "/_history"),
		"a search by id":      read("Observation?_total=accurate&_id=" + id),
		"a search by patient": read("Observation?_total=accurate&patient=" + patient),
		"a posted search":     {method: http.MethodPost, path: "Observation/_search", body: "_id=" + id, form: true},
		"a search for what refers to the patient": read("Patient?_revinclude=Observation:subject&_id=" + patient),
		"everything of the patient":               read("Patient/" + patient + "/$everything"),
		"a batch":                                 {method: http.MethodPost, body: string(batch)},
		"a transaction":                           {method: http.MethodPost, body: string(bytes.Replace(batch, []byte(`"batch"`), []byte(`"transaction"`), 1))},
	}
}

// shown names the ways by which a caller is shown an observation, and how many there were.
func (s *stage) shown(ctx context.Context, who tutela.Principal, id, patient, version string) (by []string, of int) {
	all := ways(id, patient, version)
	for name, q := range all {
		if s.marked(s.ask(ctx, who, q)) {
			by = append(by, name)
		}
	}
	slices.Sort(by)
	return by, len(all)
}

// open makes sure that a caller is shown an observation by every way: that it is not shown later
// proves something then.
func (s *stage) open(ctx context.Context, who tutela.Principal, id, patient, version string) error {
	if by, of := s.shown(ctx, who, id, patient, version); len(by) != of {
		return fmt.Errorf("a %s who may see an observation is shown it by %d of %d ways, so that a refusal would prove nothing", who.Roles[0], len(by), of)
	}
	return nil
}
