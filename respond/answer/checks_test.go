package answer_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/respond/answer"
)

type binder = func(context.Context, tutela.Principal) (tutela.Principal, error)

func TestCheckOfAnswersSeesWhetherTheyHold(t *testing.T) {
	each(t, policy("read", "do: lock"), func(t *testing.T, h *house) {
		nobody := func(_ context.Context, p tutela.Principal) (tutela.Principal, error) { return p, nil }
		for name, c := range map[string]struct {
			s     *answer.Service
			bound binder
			want  tutela.Verdict
			says  string
		}{
			"as it is":                   {h.Answers, h.Identity.Bound, tutela.Pass, "held"},
			"nobody is held":             {h.Answers, nobody, tutela.Fail, "lock on an account did not hold"},
			"another service is asked":   {h.Answering("other", h.config), h.Identity.Bound, tutela.Fail, "did not hold"},
			"everybody is held for ever": {h.Answers, everybody, tutela.Fail, "held before it was given"},
		} {
			if name == "another service is asked" {
				h.Answers.Hold(t.Context(), tutela.Principal{}, "", "") // what is in force is known, and no word of a change comes
			}
			e := c.s.Checks(c.bound)[0].Try(t.Context())
			if e.Verdict != c.want || !strings.Contains(e.Observed, c.says) {
				t.Errorf("%s: %s %s", name, e.Verdict, e.Observed)
			}
		}
		if list := h.answers(t); len(list) != 0 {
			t.Errorf("left behind: %+v", list)
		}
	})
}

func everybody(_ context.Context, p tutela.Principal) (tutela.Principal, error) {
	p.Roles = nil
	return p, nil
}
