package answer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Filter says which answers a list holds. Its zero value holds all.
type Filter struct {
	State   State
	Finding string
	Limit   int // 0 means 200; at most 1000
}

// The sizes of a list.
const (
	defaultList = 200
	maxAnswers  = 1000
)

// List gives answers, the newest first. Nobody sees what is about himself, and a check's own are nobody's. The
// caller has decided that by may look.
func (s *Service) List(ctx context.Context, by tutela.Principal, f Filter) ([]Answer, error) {
	limit := defaultList
	if f.Limit > 0 {
		limit = min(f.Limit, maxAnswers)
	}
	all, err := s.rows(ctx, ` ORDER BY given DESC, id LIMIT ?`, int64(maxAnswers))
	if err != nil {
		return nil, err
	}
	list, now := []Answer{}, s.now()
	for _, a := range all {
		a.State = a.at(now)
		shown := !a.about(by) && !strings.HasPrefix(a.Finding, stagedPrefix)
		if shown && (f.State == "" || a.State == f.State) && (f.Finding == "" || a.Finding == f.Finding) && len(list) < limit {
			list = append(list, a)
		}
	}
	return list, nil
}

// about reports whether an answer is about a caller's own account.
func (a Answer) about(by tutela.Principal) bool {
	return by.ID != "" && a.Target.On == Account && a.Target.ID == string(by.ID)
}

// Find gives an answer. What is about the caller himself is not there.
func (s *Service) Find(ctx context.Context, by tutela.Principal, id string) (Answer, error) {
	a, err := s.find(ctx, id)
	if err == nil && a.about(by) {
		err = notFound()
	}
	if err != nil {
		return Answer{}, err
	}
	a.State = a.at(s.now())
	return a, nil
}

// Undo takes an answer back at once, on every node. Sessions that a revocation ended stay ended: their owner
// signs in again, which nothing keeps him from. base is the entry, of a caller of whom it was decided that he may.
func (s *Service) Undo(ctx context.Context, by tutela.Principal, base tutela.Entry, id string) (Answer, error) {
	a, err := s.Find(ctx, by, id)
	if err != nil {
		return Answer{}, err
	}
	if a.State != Active {
		return Answer{}, errs.New(errs.Conflict, "the answer is %s: there is nothing to undo", a.State)
	}
	a.State, a.Undone, a.By = Undone, s.now(), by.ID
	base.Time, base.Action, base.Outcome = a.Undone, tutela.ActionAnswerUndo, tutela.OutcomeSuccess
	base.Subject = &tutela.Subject{Kind: "answer", ID: a.ID, Detail: fmt.Sprintf("%s on %s, given %s", a.Kind, a.Target, a.Given.Format(time.RFC3339))}
	return a, s.commit(ctx, a, base)
}

// InForce counts the answers that hold somebody now, by kind.
func (s *Service) InForce(ctx context.Context) (map[Kind]int, error) {
	list, err := s.inForce(ctx, s.now())
	counts := map[Kind]int{}
	for _, a := range list {
		counts[a.Kind]++
	}
	return counts, err
}
