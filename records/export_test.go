package records

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// TreatsInView asks whom a clinician treats in a view that was taken before something happened.
func (s *Store) TreatsInView(ctx context.Context, clinician tutela.Ref, happens func()) error {
	return s.snapshot(ctx, func(q store.Querier) error {
		if _, err := readIndexState(ctx, q); err != nil { // from here on the view is what it is
			return err
		}
		happens()
		_, err := s.tied(ctx, q, tieKey{tieTreats, s.clinician(clinician)})
		return err
	})
}

// ForgetTreats makes the next question for whom a clinician treats one to the database.
func (s *Store) ForgetTreats(clinician tutela.Ref) func() {
	k := tieKey{tieTreats, s.clinician(clinician)}
	return func() { s.ties.forget(k) }
}

// GatheredRead asks for a row as reads do that share a statement.
func GatheredRead(db betweener) func(context.Context, tutela.Locator) (bool, error) {
	g := &gatherer{db: db, lanes: 2}
	return func(ctx context.Context, l tutela.Locator) (bool, error) {
		_, found, err := g.current(ctx, l)
		return found, err
	}
}

// errEnough ends a job that was to take one step.
var errEnough = errors.New("one step is enough")

// BeginRebuild takes the first step of a rebuild that was asked for, as a node does that stops then.
func (s *Store) BeginRebuild(ctx context.Context) error {
	st, err := readIndexState(ctx, s.db)
	if err != nil {
		return err
	}
	job, err := s.db.StartJob(ctx, jobName(st), "stopped", rebuildTTL)
	if err != nil {
		return err
	}
	step, taken := s.rebuildStep(st, slog.New(slog.DiscardHandler)), false
	err = job.Run(ctx, func(ctx context.Context, tx *store.Tx, js store.JobState) (store.JobState, error) {
		if taken {
			return js, errEnough
		}
		taken = true
		return step(ctx, tx, js)
	})
	if !errors.Is(err, errEnough) {
		return fmt.Errorf("a rebuild ended within one step: %w", err)
	}
	return job.Close(ctx)
}

// RulesOfTheIndex is the version of the rules by which the newest layout tells what is sensitive.
func RulesOfTheIndex() int { return map[layout]int{layoutInPatient: 1}[layoutNow] }

// OrdinaryTerms are what the serving index key alone gives of a resource.
func (s *Store) OrdinaryTerms(t *testing.T, resource string) []int64 {
	t.Helper()
	number, _, err := s.IndexKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.TermsUnder(t, number, resource)
}

// TermsUnder are what one of the index's keys alone gives of a resource.
func (s *Store) TermsUnder(t *testing.T, key int64, resource string) []int64 {
	t.Helper()
	x, err := s.blind(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	res, err := r4.Parse([]byte(resource))
	if err != nil {
		t.Fatal(err)
	}
	return x.tokens(res)
}

// BelieveIndexKey has the store believe a state of the index of before, as one does who read it a moment ago.
func (s *Store) BelieveIndexKey(n int64) {
	s.Invalidate()
	_, _, epoch := s.index.get()
	made := making{layoutNow, n}
	s.index.set(indexState{version: n, slot: (n - 1) % 2, made: [2]making{made, made}}, epoch)
}

// FlagsByLabel are the flags that a resource's own labels give a patient.
func (s *Store) FlagsByLabel(res *r4.Resource) []string {
	k, out := s.kinOf(res), standing(0)
	if k.vip {
		out |= standsVIP
	}
	if k.employee {
		out |= standsCoWorker
	}
	return out.names()
}

// VerifyWithin begins a verification that holds no more terms than that at a time.
func (s *Store) VerifyWithin(room int64, problem func(where, what string)) *Verification {
	v := s.Verify(problem)
	v.room = room
	return v
}

// GroupsWithin are the numbers of terms that are compared at a time, of parts with that many terms that all differ.
func GroupsWithin(room int64, counts ...int64) (groups []int64) {
	var want, found [termParts]termSum
	for p, n := range counts {
		want[p].count, found[p].count = n, n+1
	}
	for _, some := range differing(&want, &found, room) {
		sum := int64(0)
		for _, p := range some {
			sum += counts[p]
		}
		groups = append(groups, sum)
	}
	return groups
}

// LookUp finds out who a person is, as an access by a caller with this context does.
func (s *Store) LookUp(ctx context.Context, ref tutela.Ref) { s.kinAt(ctx, s.db, s.Locate(ref)) }

// Walked gives the locators of current rows as a walk finds them, and Paged as they stand.
func (s *Store) Walked(ctx context.Context, step int) (list []int64, err error) {
	for w := newWalk(step); err == nil && !w.done; {
		var page []*row
		page, err = w.next(ctx, s.db)
		for _, r := range page {
			list = append(list, r.locator)
		}
	}
	return list, err
}

// Paged is what Walked ought to give.
func (s *Store) Paged(ctx context.Context) (list []int64, err error) {
	page, err := currentPage(ctx, s.db, math.MinInt64, math.MaxInt64)
	for _, r := range page {
		list = append(list, r.locator)
	}
	return list, err
}

// ReindexIn is Reindex by small batches.
func (s *Store) ReindexIn(ctx context.Context, room int) error {
	return s.reindexIn(ctx, room, func(int64) {})
}
