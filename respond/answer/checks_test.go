package answer_test

import (
	"context"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/answer"
)

type binder = func(context.Context, tutela.Principal) (tutela.Principal, error)

func TestCheckOfAnswersSeesWhetherTheyHold(t *testing.T) {
	each(t, policy("read", "do: lock"), func(t *testing.T, h *house) {
		nobody := func(_ context.Context, p tutela.Principal) (tutela.Principal, error) { return p, nil }
		seen := testkit.Sabotage(t, "respond.answers-work")
		for _, c := range []struct {
			name  string
			s     *answer.Service
			bound binder
			want  tutela.Verdict
			says  string
		}{
			{"as it is", h.Answers, h.Identity.Bound, tutela.Pass, "held"},
			{"nobody is held", h.Answers, nobody, tutela.Fail, "lock on an account did not hold"},
			{"another service is asked", h.Answering("other", h.config), h.Identity.Bound, tutela.Fail, "did not hold"},
			{"everybody is held for ever", h.Answers, everybody, tutela.Fail, "held before it was given"},
			{"healed", h.Answers, h.Identity.Bound, tutela.Pass, "held"},
		} {
			if c.name == "another service is asked" {
				h.Answers.Hold(t.Context(), tutela.Principal{}, "", "") // what is in force is known, and no word of a change comes
			}
			seen.Expect(c.s.Checks(c.bound)[0].Try(t.Context()), c.want, c.says)
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
