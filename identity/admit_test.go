package identity

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// requestFrom is the context of a request from an address.
func requestFrom(ctx context.Context, address string) context.Context {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/login", nil)
	r.RemoteAddr = address + ":1"
	return httpx.WithRequestID(httptest.NewRecorder(), r).Context()
}

// Who may not call from an address does not sign in from there either: no session begins, and what is
// said is what a wrong code says.
func TestNobodySignsInFromWhereHeMayNotCall(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		ann, _ := nurse(t, w, s, by, "ann")
		s.admit = func(_ string, roles []string, address string) bool {
			return !slices.Contains(roles, "nurse") || address == "10.0.0.1"
		}
		inside, outside := requestFrom(t.Context(), "10.0.0.1"), requestFrom(t.Context(), "192.0.2.1")
		before, err := s.Sessions(t.Context(), ann.ID)
		must(t, err)
		a, err := ann.begin(outside, s)
		must(t, err)
		_, wrong := s.FinishTOTP(outside, a.ID, "000000")
		_, strayed := s.FinishTOTP(outside, a.ID, ann.code(w))
		refused(t, "right from elsewhere", strayed, errs.Unauthenticated)
		if errs.Public(wrong) != errs.Public(strayed) {
			t.Errorf("told apart: %q and %q", errs.Public(wrong), errs.Public(strayed))
		}
		after, err := s.Sessions(t.Context(), ann.ID)
		must(t, err)
		if len(after) != len(before) {
			t.Errorf("%d sessions began", len(after)-len(before))
		}
		if list := w.entries(t, tutela.ActionNetwork); len(list) != 1 || list[0].Address != "192.0.2.1" || list[0].Actor.ID != ann.ID {
			t.Errorf("the ledger has %+v", list)
		}
		a, err = ann.begin(inside, s)
		must(t, err)
		_, err = s.FinishTOTP(inside, a.ID, ann.code(w))
		must(t, err)
	})
}
