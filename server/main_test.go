package server_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/dossier/binder"
	"github.com/tutela-health/tutela/assure/duty"
	"github.com/tutela-health/tutela/assure/policy"
	"github.com/tutela-health/tutela/assure/remedy"
	"github.com/tutela-health/tutela/assure/review"
	"github.com/tutela-health/tutela/assure/risk"
	"github.com/tutela-health/tutela/assure/training"
	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/privacy/erasure"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/trial"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// secret is what opens the try-out of a site.
const secret = "the secret of dev.json"

// site is a rigged system behind a server of the test's own.
type site struct {
	api server.API
	*rig.Rig
	server *server.Server
}

// risks keeps them for a site.
func risks(r *rig.Rig, now clock.Clock, b *control.Board) *risk.Service {
	return risk.New(risk.Config{
		Register: r.Register, Clock: now, Board: func() *control.Board { return b }, Person: r.Identity.PersonNamed, Checks: func() []tutela.Check { return nil },
		Vendors: func(context.Context) (map[string]string, error) { return nil, nil }, Gaps: func(context.Context) (map[string]bool, error) { return nil, nil },
	})
}

func reviews(r *rig.Rig, now clock.Clock, b *control.Board) *review.Service {
	return review.New(review.Config{
		Register: r.Register, Ledger: r.Audit, Accounts: r.Identity, Users: r.Identity.Users, Person: r.Identity.PersonNamed, Clock: now, Tried: b.Tried, Regulations: b.Regulations,
	})
}

// vendors keeps them for a site.
func vendors(t *testing.T, r *rig.Rig, now clock.Clock) *vendor.Service {
	t.Helper()
	seal := binder.New(binder.Config{Audit: r.Audit, Clock: now, Tenant: "rig"}).State
	s, err := vendor.New(vendor.Config{Register: r.Register, Clock: now, Person: r.Identity.PersonNamed, Seal: seal})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newSite assembles a server over a new system; change says what is special about it.
func newSite(t *testing.T, change func(*server.Config)) *site {
	t.Helper()
	return newRigged(t, rig.Config{}, change)
}

// newRigged is newSite over a system that differs.
func newRigged(t *testing.T, system rig.Config, change func(*server.Config)) *site {
	t.Helper()
	s := &site{Rig: rig.Open(t, system)}
	log, now := slog.New(slog.DiscardHandler), system.Clock
	if now == nil {
		now = clock.System
	}
	check := tutela.Check{ID: "test", Title: "A test", Controls: []string{"P12"}, Fresh: time.Hour,
		Try: func(context.Context) tutela.Evidence { return tutela.Evidence{On: "here", Verdict: tutela.Fail} }}
	board := s.Board(t, now, check)
	learns := training.New(training.Config{
		Register: s.Register, Clock: now, Users: s.Identity.Users, Seal: binder.New(binder.Config{Audit: s.Audit, Clock: now, Tenant: "rig"}).State,
		Scan: func(ctx context.Context, files map[string]string) ([]supply.Finding, error) {
			return trial.Look(ctx, now, files)
		},
	})
	tells := policy.New(policy.Config{
		Register: s.Register, Clock: now, Board: func() *control.Board { return board }, Checks: func() []tutela.Check { return []tutela.Check{check} },
		Users: s.Identity.Users, Person: s.Identity.PersonNamed,
	})
	c := server.Config{
		Hosts: []string{rig.Host, "::1"}, Identity: s.Identity, Access: s.Access, Audit: s.Audit, Clock: now, Log: log,
		FHIR:   fhir.New(fhir.Config{Records: s.Records, Access: s.Access, Audit: s.Audit, Clock: now, Log: log, Base: rig.Base}),
		TryOut: &server.TryOut{Secret: secret},
		API: server.API{
			Findings: s.Findings, Answers: s.Answers, Alerts: s.Alerts, Trackers: s.Trackers, Export: s.Export, Recovery: s.Recovery, Supply: s.Supply, KeyProvider: s.KeyProvider, MoveKeys: s.MoveKeys,
			Emergencies: s.Emergencies, Incidents: s.Incidents, Breaches: s.Breaches, Rights: s.Rights, Backups: s.Backups, Bucket: s.Records.Bucket, Keys: s.DB.WrappedKeys, Provider: "local", RebuildIndex: s.Records.Rebuild,
			Erasures: erasures(s.Rig), Generations: s.DB.Generations, OldKeys: s.Ring.Outdated, RotateKeys: s.Ring.Rotate, RotateIndex: s.Records.RotateIndex, AgreeToDestroy: s.DB.AgreeToDestroy,
			IndexState: func(ctx context.Context) (server.IndexState, error) {
				st, err := s.Records.IndexState(ctx)
				return server.IndexState(st), err
			},
			Assess: assure.New(s.Audit, clock.System, check).Run, Controls: func() *control.Board { return board },
			Risks:    risks(s.Rig, now, board),
			Training: learns, Policies: tells,
			Gaps: remedy.New(remedy.Config{
				Register: s.Register, Clock: now, Board: func() *control.Board { return board }, Checks: func() []tutela.Check { return []tutela.Check{check} }, Person: s.Identity.PersonNamed,
				Risks: risks(s.Rig, now, board).Left,
			}),
			Vendors:  vendors(t, s.Rig, now),
			Reviews:  reviews(s.Rig, now, board),
			Duties:   duty.New(duty.Config{Register: s.Register, Clock: now, Sources: []duty.Source{reviews(s.Rig, now, board).Duties, tells.Duties, learns.Duties}}),
			Packages: binder.New(binder.Config{Audit: s.Audit, Clock: now, Tenant: "rig", Sources: func(context.Context) ([]binder.Source, error) { return nil, nil }}),
		},
	}
	if change != nil {
		change(&c)
	}
	s.api, s.server = c.API, server.New(c)
	s.Handler = s.server.Handler()
	t.Cleanup(func() {
		if err := s.server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("close server: %v", err)
		}
	})
	return s
}

// unmounted is the FHIR API of a rig, for a server of the test's own.
func unmounted(r *rig.Rig) *fhir.Handler {
	return fhir.New(fhir.Config{Records: r.Records, Access: r.Access, Audit: r.Audit, Clock: clock.System, Log: quiet(), Base: rig.Base})
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// send serves one request as it is, from a peer of the test's choice.
func (s *site) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
	return w
}

// request makes a request to the site, without a token.
func request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Host = rig.Host
	return r
}

// entries gives what the ledger holds of an action.
func (s *site) entries(t *testing.T, action tutela.Action) []tutela.Entry {
	t.Helper()
	list := []tutela.Entry{}
	err := s.Audit.Search(t.Context(), audit.Query{Action: action}, func(o audit.Opened) error {
		list = append(list, o.Entry)
		return nil
	})
	if err != nil {
		t.Fatalf("search ledger: %v", err)
	}
	return list
}

// sequence brings everything into the tree.
func (s *site) sequence(t *testing.T) {
	t.Helper()
	for n := int64(1); n > 0; {
		var err error
		if n, err = s.Audit.Sequence(t.Context()); err != nil {
			t.Fatalf("sequence: %v", err)
		}
	}
}

func expect(t *testing.T, a rig.Answer, status int) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d: %s", a.Status, status, a.Body)
	}
}

func decode[T any](t *testing.T, body []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("decode: %v: %s", err, body)
	}
	return v
}

// roles are those whose tokens a test uses most.
const (
	admin   = string(access.RoleAdmin)
	auditor = string(access.RoleAuditor)
)

// erasures is the service over a rigged system.
func erasures(r *rig.Rig) *erasure.Service {
	return erasure.New(erasure.Config{DB: r.DB, Audit: r.Audit, Records: r.Records, Access: r.Access, Keys: r.Ring, Clock: clock.System, Node: "test"})
}
