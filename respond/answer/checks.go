package answer

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// Checks are what this package can show of itself by trying. bound gives a caller as whoever proves callers holds
// him: identity does.
func (s *Service) Checks(bound func(context.Context, tutela.Principal) (tutela.Principal, error)) []tutela.Check {
	return []tutela.Check{{
		ID: "respond.answers-work", Title: "Answers to findings hold whom they are for, and let him go when they are undone",
		Controls: []string{"W05", "45 CFR 164.308(a)(6)(ii)"}, Fresh: 24 * time.Hour,
		Try: func(ctx context.Context) tutela.Evidence { return s.tryAll(ctx, bound) },
	}}
}

// trialAddress is one for documentation (RFC 5737).
const trialAddress = "198.51.100.9"

// trial is one kind of answer, tried on somebody invented.
type trial struct {
	kind   Kind
	target Target
	held   func(context.Context) (bool, error)
}

// tryAll gives each kind of answer to an invented account, client or address, sees that it holds, undoes it, and sees
// that it holds no more.
func (s *Service) tryAll(ctx context.Context, bound func(context.Context, tutela.Principal) (tutela.Principal, error)) tutela.Evidence {
	name := stagedPrefix + "-" + strings.ToLower(rand.Text())
	e := tutela.Evidence{On: "answers to a finding about " + name}
	var wrong []string
	for _, t := range s.trials(name, bound) {
		said, err := s.tryOne(ctx, name, t)
		if err != nil {
			e.Observed = err.Error()
			return e
		}
		if said != "" {
			wrong = append(wrong, said)
		}
	}
	if len(wrong) > 0 {
		e.Verdict, e.Observed = tutela.Fail, strings.Join(wrong, "; ")
		return e
	}
	e.Verdict, e.Observed = tutela.Pass, "step-up, lock, narrowing, quarantine, throttle and block held, and no longer when they were undone"
	return e
}

func (s *Service) trials(name string, bound func(context.Context, tutela.Principal) (tutela.Principal, error)) []trial {
	p := tutela.Principal{ID: tutela.UserID(name), Kind: tutela.ActorPerson, Username: name, Roles: []string{"billing"}, Client: name}
	refused := func(ctx context.Context) (bool, error) {
		got, err := bound(requested(ctx), p)
		if errs.Is(err, errs.Unauthenticated) {
			return true, nil
		}
		return err == nil && !slices.Contains(got.Roles, "billing"), err
	}
	slow := func(ctx context.Context) (bool, error) { return s.Slow(ctx, p.ID, p.Client), nil }
	stranger := func(ctx context.Context) (bool, error) {
		barred, slow := s.Stranger(ctx, trialAddress)
		return barred || slow, nil
	}
	account, client, address := Target{On: Account, ID: name}, Target{On: Client, ID: name}, Target{On: Address, ID: trialAddress}
	return []trial{
		{StepUp, account, refused}, {Lock, account, refused}, {Narrow, Target{On: Account, ID: name, Role: "billing"}, refused},
		{Quarantine, client, refused}, {Throttle, account, slow}, {Throttle, client, slow}, {Throttle, address, stranger}, {Block, address, stranger},
	}
}

// requested is the context of a request that came from nowhere.
func requested(ctx context.Context) context.Context {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
	r.RemoteAddr = stagedPrefix
	return httpx.WithRequestID(httptest.NewRecorder(), r).Context()
}

// tryOne says what is wrong with one kind.
func (s *Service) tryOne(ctx context.Context, name string, t trial) (wrong string, err error) {
	now := s.now()
	a := Answer{
		ID: identify(s.cfg.People.Alias, name, t.kind, t.target), Kind: t.kind, Target: t.target, State: Active,
		Finding: name, Rule: stagedPrefix, Title: "Tried by a check", Given: now, Until: now.Add(time.Minute), Policy: stagedPrefix,
	}
	if held, err := t.held(ctx); err != nil || held {
		return fmt.Sprintf("%s on an %s held before it was given", t.kind, t.target.On), err
	}
	if err := s.commit(ctx, a, s.entry(a)); err != nil {
		return "", fmt.Errorf("give %s: %w", t.kind, err)
	}
	held, err := t.held(ctx)
	by := tutela.Actor{ID: stagedPrefix, Kind: tutela.ActorSystem, Name: "tutela assess"}
	if _, failed := s.Undo(context.WithoutCancel(ctx), tutela.Principal{ID: by.ID}, tutela.Entry{Actor: by}, a.ID); failed != nil {
		return "", fmt.Errorf("undo %s: %w", t.kind, failed)
	}
	if err != nil || !held {
		return fmt.Sprintf("%s on an %s did not hold", t.kind, t.target.On), err
	}
	if held, err = t.held(ctx); err != nil || held {
		return fmt.Sprintf("%s on an %s held after it was undone", t.kind, t.target.On), err
	}
	return "", nil
}
