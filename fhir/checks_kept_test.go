package fhir_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

// breach is what a test puts before the API, and what the check then has to say.
type breach struct {
	say    string
	before func(http.Handler) http.Handler
}

// sabotaged holds a check to passing on a sound API, failing on each breach one, passing again, and saying that it could not
// check where nobody may anything.
func sabotaged(t *testing.T, r *rig.Rig, seen *testkit.Witness, id string, all ...breach) {
	t.Helper()
	shipped, err := access.Shipped()
	must(t, err)
	try := func(p *access.Policies, before func(http.Handler) http.Handler) tutela.Evidence {
		return tried(t, r, p, consent.OptOut, before, id)[id]
	}
	seen.Expect(try(shipped, untouched), tutela.Pass)
	for _, b := range all {
		seen.Expect(try(shipped, b.before), tutela.Fail, b.say)
		seen.Expect(try(shipped, untouched), tutela.Pass)
	}
	seen.Expect(try(nil, untouched), tutela.CouldNotCheck)
}

// changing changes requests that a test picks on their way.
func changing(picks func(*http.Request) bool, change func(*http.Request)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if picks(r) {
				change(r)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// answering changes answers to requests that a test picks.
func answering(picks func(*http.Request) bool, change func(status int, body string) (int, string)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got := httptest.NewRecorder()
			next.ServeHTTP(got, r)
			status, body := got.Code, got.Body.String()
			if picks(r) {
				status, body = change(status, body)
			}
			maps.Copy(w.Header(), got.Header())
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
}

// rewritten changes the body of a request.
func rewritten(old, now string) func(*http.Request) {
	return func(r *http.Request) {
		text, _ := io.ReadAll(r.Body) // it is in memory
		text = bytes.ReplaceAll(text, []byte(old), []byte(now))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	}
}

func by(method string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method }
}

// of picks what a role asks.
func of(role access.Role, also func(*http.Request) bool) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return slices.Contains(httpx.Principal(r.Context()).Roles, string(role)) && also(r)
	}
}

func always(*http.Request) bool { return true }

func TestRecordsThatAreNotKeptAsWrittenAreFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		old := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/_history/") }
		rounded := func(status int, body string) (int, string) { return status, strings.ReplaceAll(body, "5.10", "5.1") }
		sabotaged(t, r, testkit.Sabotage(t, "records.kept-as-written"), "records.kept-as-written",
			breach{"what was written is not what is read (200)", answering(by(http.MethodGet), rounded)},
			breach{"the version before an amendment is not what it was (200)", answering(old, rounded)},
			breach{"what was written again is not what is read", changing(by(http.MethodPut), rewritten("0.0070", "7"))})
	})
}

func TestLostUpdatesAreFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		sabotaged(t, r, testkit.Sabotage(t, "records.no-lost-update"), "records.no-lost-update",
			breach{"overwrites what it has not seen", changing(always, func(r *http.Request) { r.Header.Del("If-Match") })})
	})
}

func TestTransactionsByHalvesAreFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		sabotaged(t, r, testkit.Sabotage(t, "records.whole-transactions"), "records.whole-transactions",
			breach{"left the other part behind", changing(by(http.MethodPost), rewritten(`"transaction"`, `"batch"`))})
	})
}

func TestAnIndexThatLagsBehindIsFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		sabotaged(t, r, testkit.Sabotage(t, "records.index-follows"), "records.index-follows",
			breach{"what he is no longer called", remembering()},
			breach{"what was just written is not found", answering(asked("family"), func(status int, body string) (int, string) { return status, "{}" })})
	})
}

// remembering answers a search as it was answered before.
func remembering() func(http.Handler) http.Handler {
	kept := map[string]string{}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.RawQuery == "" || strings.Contains(r.URL.RawQuery, "_count") {
				next.ServeHTTP(w, r)
				return
			}
			if kept[r.URL.String()] == "" {
				got := httptest.NewRecorder()
				next.ServeHTTP(got, r)
				kept[r.URL.String()] = got.Body.String()
			}
			_, _ = io.WriteString(w, kept[r.URL.String()])
		})
	}
}

func TestAStatementThatIsNotSoIsFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		missing := func(r *http.Request) bool {
			return strings.Contains(r.URL.RawQuery, "missing=true") && strings.Contains(r.URL.Path, "Immunization")
		}
		told := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/metadata") }
		sabotaged(t, r, testkit.Sabotage(t, "records.conformance-told"), "records.conformance-told",
			breach{"Immunization cannot be searched", answering(missing, func(int, string) (int, string) { return http.StatusBadRequest, "{}" })},
			breach{"is of FHIR 5", answering(told, func(status int, body string) (int, string) {
				return status, strings.ReplaceAll(body, `"4.0.1"`, `"5.0.0"`)
			})},
			breach{"cannot be read", answering(told, func(int, string) (int, string) { return http.StatusNotFound, "" })})
	})
}

func TestUnsoundInputThatIsTakenIsFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		lax := changing(by(http.MethodPut), rewritten(`"status":"registered","status":"final"`, `"status":"final"`))
		sabotaged(t, r, testkit.Sabotage(t, "protect.refused-input"), "protect.refused-input",
			breach{"an element twice is answered 200", lax})
	})
}

func TestSearchesThatAreCommandsAreFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		injected := func(r *http.Request) bool { return strings.Contains(r.URL.Query().Get("family"), "OR") }
		sabotaged(t, r, testkit.Sabotage(t, "protect.inert-searches"), "protect.inert-searches",
			breach{"finds a patient", changing(injected, func(r *http.Request) {
				q := r.URL.Query()
				q.Del("family")
				r.URL.RawQuery = q.Encode()
			})},
			breach{"is answered 500", answering(func(r *http.Request) bool { return strings.Contains(r.URL.Query().Get("identifier"), "DROP") },
				func(int, string) (int, string) { return http.StatusInternalServerError, "" })})
	})
}

func TestAccessesThatTheLedgerDoesNotTellOfAreFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		reads := func(r *http.Request) bool { return r.Method == http.MethodGet && r.URL.RawQuery == "" }
		searches := func(r *http.Request) bool { return r.Method == http.MethodGet && r.URL.RawQuery != "" }
		sabotaged(t, r, testkit.Sabotage(t, "watch.access-recorded"), "watch.access-recorded",
			breach{"does not tell of a read", as(reads, nil)}, breach{"does not tell of a search", as(searches, nil)},
			breach{"does not tell of a read that was refused", func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if httpx.Principal(r.Context()).Kind == tutela.ActorPerson && strings.HasSuffix(r.URL.Path, "untreated") {
						http.NotFound(w, r)
						return
					}
					next.ServeHTTP(w, r)
				})
			}})
	})
}

// granting has a caller whom a test picks hold other scopes than he does.
func granting(picks func(*http.Request) bool, scopes ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if picks(r) {
				p := httpx.Principal(r.Context())
				p.Scopes = scopes
				r = r.WithContext(httpx.WithPrincipal(r.Context(), p))
			}
			next.ServeHTTP(w, r)
		})
	}
}

func TestScopesThatHoldNothingBackAreFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		narrow := func(r *http.Request) bool {
			return slices.Contains(httpx.Principal(r.Context()).Scopes, "system/Observation.r")
		}
		none := func(r *http.Request) bool { return len(httpx.Principal(r.Context()).Scopes) == 0 }
		sabotaged(t, r, testkit.Sabotage(t, "access.scopes-hold"), "access.scopes-hold",
			breach{"one by one searches (200)", granting(narrow, "system/Observation.rs")},
			breach{"one by one writes (200)", granting(narrow, "system/Observation.ru")},
			breach{"a token with the scopes []", granting(none, "system/*.rs")})
	})
}

func TestPatientsWhoSeeOthersAreFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		searches := func(r *http.Request) bool { return r.URL.Query().Has("patient") }
		sabotaged(t, r, testkit.Sabotage(t, "access.own-chart-only"), "access.own-chart-only",
			breach{"another's record by a search by patient", as(of(access.RolePatient, searches), nil)},
			breach{"overwrites what was measured", as(of(access.RolePatient, by(http.MethodPut)), nil)})
	})
}

func TestOfficesThatSeeChartsAreFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		everything := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "$everything") }
		sabotaged(t, r, testkit.Sabotage(t, "access.offices-see-no-chart"), "access.offices-see-no-chart",
			breach{"the role admin is shown a patient's record by everything of the patient", as(of(access.RoleAdmin, everything), nil)})
	})
}

func TestReadersWhoWriteAreFound(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		sabotaged(t, r, testkit.Sabotage(t, "access.readers-write-nothing"), "access.readers-write-nothing",
			breach{"the role billing may PUT", as(of(access.RoleBilling, by(http.MethodPut)), nil)},
			breach{"the role researcher may POST", as(of(access.RoleResearcher, by(http.MethodPost)), nil)})
	})
}
