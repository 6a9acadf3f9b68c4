package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
)

// gone is a key provider that does not answer.
type gone struct{ keys.Provider }

func (gone) Unwrap(context.Context, int, []byte, []byte) ([]byte, error) {
	return nil, errs.New(errs.Unavailable, "sealed")
}

// TestAnOutageOfTheKeyProviderIsClearAndPasses: within its time nothing is felt; after it reads, writes and
// readiness are 503 and say why; and all is as before when the provider answers.
func TestAnOutageOfTheKeyProviderIsClearAndPasses(t *testing.T) {
	for engine, database := range map[string]string{"sqlite": "", "postgres": testkit.Postgres(t)} {
		t.Run(engine, func(t *testing.T) {
			l := moveIn(t, t.TempDir(), "alpha", database)
			s, err := openSystem(t.Context(), l.conf, "", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			srv, err := s.assemble(nil)
			if err != nil {
				t.Fatal(err)
			}
			ask := func(method, path, body string) (int, string) {
				r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
				r.Host = "alpha.test"
				r.Header.Set("Authorization", "Bearer "+l.token)
				r.Header.Set("Content-Type", "application/fhir+json")
				w := httptest.NewRecorder()
				srv.Handler().ServeHTTP(w, r)
				return w.Code, w.Body.String()
			}
			want := func(when string, status int) {
				t.Helper()
				for _, c := range [][3]string{
					{"GET", "/fhir/r4/Patient/1", ""}, {"GET", "/fhir/r4/Organization", ""},
					{"PUT", "/fhir/r4/Organization/1", `{"resourceType":"Organization","id":"1","name":"` + when + `"}`}, {"GET", "/readyz", ""},
				} {
					got, said := ask(c[0], c[1], c[2])
					if status == http.StatusOK && got == http.StatusNoContent {
						got = http.StatusOK
					}
					if got != status || status == http.StatusServiceUnavailable && strings.Contains(said, "internal") {
						t.Errorf("%s: %s %s is %d, want %d: %s", when, c[0], c[1], got, status, said)
					}
				}
			}
			provider := s.provider.Get()
			want("before", http.StatusOK)
			s.provider.Set(gone{provider})
			if s.ring.Probe(t.Context(), time.Hour) == nil {
				t.Fatal("the provider answers")
			}
			want("within its time", http.StatusOK)
			_ = s.ring.Probe(t.Context(), 0)
			want("after its time", http.StatusServiceUnavailable)
			s.provider.Set(provider)
			if err := s.ring.Probe(t.Context(), time.Hour); err != nil {
				t.Fatal(err)
			}
			want("again", http.StatusOK)
			if err := s.close(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.inside(t, func(s *system) error {
				v, err := s.verify(t.Context(), audit.VerifyOptions{Deep: true})
				if len(v.Problems) > 0 {
					t.Errorf("the ledger has problems: %v", v.Problems)
				}
				return err
			})
		})
	}
}
