package siem_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/siem"
)

func TestCheckOfExportSeesATargetThatIsBehind(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		g := testkit.StartTarget(t, nil)
		s := h.export(t, "n", fmt.Sprintf("{kind: https, url: '%s', private: true, from: beginning, ca_file: ca}", g.URL), map[string][]byte{"ca": g.PEM()})
		seen := testkit.Sabotage(t, "respond.siem-current")
		try := func(want tutela.Verdict) {
			t.Helper()
			seen.Expect(s.Checks()[0].Try(t.Context()), want)
		}
		try(tutela.Pass)
		g.Answer(http.StatusForbidden)
		h.lives(t, 1)
		try(tutela.Fail)
		g.Answer(0)
		h.Advance(time.Hour)
		try(tutela.Pass)
	})
	if e := mustNew(t).Checks()[0].Try(t.Context()); e.Verdict != tutela.NotApplicable {
		t.Errorf("without a target: %s", e.Verdict)
	}
}

func mustNew(t *testing.T) *siem.Service {
	t.Helper()
	s, err := siem.New(siem.Config{})
	must(t, err)
	return s
}
