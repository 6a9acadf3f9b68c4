package detect

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
)

// Checks are what this plane can show of itself by trying.
func (s *Service) Checks() []tutela.Check {
	law := "45 CFR 164.308(a)(1)(ii)(D)" // information system activity review
	return []tutela.Check{
		{
			ID: "watch.brute-force-found", Title: "Somebody who guesses at an account is found within seconds",
			Controls: []string{"W02", "W04", law}, Fresh: 24 * time.Hour, Try: func(ctx context.Context) tutela.Evidence { return s.plant(ctx, guesses) },
		},
		{
			ID: "watch.snoop-found", Title: "A look at a relative's chart that nobody treats is found within seconds",
			Controls: []string{"W04", law}, Fresh: 24 * time.Hour, Try: func(ctx context.Context) tutela.Evidence { return s.plant(ctx, snoop) },
		},
		{
			ID: "watch.keeps-up", Title: "Detection is alive and not behind the ledger",
			Controls: []string{"W02", law}, Fresh: time.Hour, Try: s.keepsUp,
		},
		{
			ID: "watch.ledger-whole", Title: "No entry that detection came across was changed or taken out",
			Controls: []string{"W02", "45 CFR 164.312(b)"}, Fresh: 24 * time.Hour, Try: s.undamaged,
		},
		{
			ID: "watch.rules-in-force", Title: "Every rule of detection is in force",
			Controls: []string{"W02"}, Fresh: 24 * time.Hour, Try: s.inForce,
		},
	}
}

// stagedPrefix begins the names of accounts that checks invent. What they do teaches no model.
const stagedPrefix = "tutela-assess-"

// staged reports whether an event is a check's.
func staged(ev *event.Event) bool { return strings.HasPrefix(string(ev.Actor.ID), stagedPrefix) }

// guesses are failed logins to an account, from an address for documentation (RFC 5737).
func guesses(actor tutela.Actor, _ tutela.Bucket) []tutela.Entry {
	list := make([]tutela.Entry, 15)
	for i := range list {
		list[i] = tutela.Entry{Actor: actor, Address: "198.51.100.7", Action: tutela.ActionAuthenticate, Outcome: tutela.OutcomeDenied, Status: 401}
	}
	return list
}

// snoop is a look at the chart of somebody of the same household.
func snoop(actor tutela.Actor, patient tutela.Bucket) []tutela.Entry {
	return []tutela.Entry{{
		Actor: actor, Address: "198.51.100.7", Action: tutela.ActionRead, Type: "Observation", Outcome: tutela.OutcomeSuccess, Status: 200,
		Purpose: tutela.PurposeTreatment, Patients: []tutela.Touched{{Patient: patient, Counts: map[string]int{"Observation": 1}, Flags: []string{"household"}}},
	}}
}

// within is how long a planted misuse may stay unfound. Detection promises two seconds; the rest is for
// a machine that has other work.
const within = 10 * time.Second

// plant writes what an invented account does to an invented patient into the ledger, waits until it is
// found, and judges what was found as expected.
func (s *Service) plant(ctx context.Context, what func(tutela.Actor, tutela.Bucket) []tutela.Entry) tutela.Evidence {
	name := stagedPrefix + strings.ToLower(rand.Text())
	actor := tutela.Actor{ID: tutela.UserID(name), Kind: tutela.ActorPerson, Name: name, Roles: []string{"nurse"}}
	e := tutela.Evidence{On: "the ledger, as " + name}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails: it ends the process instead
	began := s.cfg.Clock()
	for _, entry := range what(actor, tutela.Bucket(binary.BigEndian.Uint64(random[:])|2)) {
		if _, err := s.cfg.Audit.Append(ctx, entry, nil); err != nil {
			e.Observed = err.Error()
			return e
		}
	}
	found, err := s.await(ctx, actor.ID)
	took := s.cfg.Clock().Sub(began).Round(time.Millisecond)
	switch {
	case err != nil:
		e.Observed = err.Error()
	case len(found) == 0:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("nothing was found in %s", took)
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("found in %s: %s, risk %d", took, found[0].Title, found[0].Risk)
		if err := s.unplant(ctx, found); err != nil {
			e.Verdict, e.Observed = tutela.CouldNotCheck, err.Error()
		}
	}
	return e
}

// await waits until there are findings about an account.
func (s *Service) await(ctx context.Context, actor tutela.UserID) ([]finding.Finding, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for last := time.Now().Add(within); ; {
		if err := s.alone(ctx); err != nil {
			return nil, err
		}
		page, err := s.List(ctx, tutela.Principal{}, Filter{Actor: string(actor), State: finding.Open})
		if err != nil || len(page.Findings) > 0 || time.Now().After(last) {
			return page.Findings, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// alone does what a running system does by itself, where none is running.
func (s *Service) alone(ctx context.Context) error {
	if s.running.Load() {
		return nil
	}
	if _, err := s.cfg.Audit.Sequence(ctx); err != nil && !errs.Is(err, errs.Conflict) {
		return err
	}
	if err := s.Work(ctx); err != nil && !errs.Is(err, errs.Conflict) {
		return err
	}
	return nil
}

// unplant closes what a check gave rise to.
func (s *Service) unplant(ctx context.Context, found []finding.Finding) error {
	by := tutela.Actor{ID: "tutela-assess", Kind: tutela.ActorSystem, Name: "tutela assess"}
	for _, f := range found {
		base := tutela.Entry{Actor: by, Action: tutela.ActionFindingFeedback}
		if _, err := s.Judge(ctx, tutela.Principal{ID: by.ID, Kind: by.Kind}, base, f.ID, finding.Expected, "planted by a check"); err != nil {
			return fmt.Errorf("close a planted finding: %w", err)
		}
	}
	return nil
}

// late is how old an entry may be that was not watched, and a sign of life.
const late = time.Minute

// keepsUp looks when detection last wrote how far it is, and how old what it has not seen is.
func (s *Service) keepsUp(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the place of detection in the ledger"}
	if err := s.alone(ctx); err != nil {
		e.Observed = err.Error()
		return e
	}
	p, err := s.readProgress(ctx)
	if err != nil {
		e.Observed = err.Error()
		return e
	}
	var oldest tutela.Entry
	_, err = s.cfg.Audit.Follow(ctx, audit.Cursor(p.Places[ledger{}.Name()]), func(o audit.Opened) error {
		oldest = o.Entry
		return errEnough
	})
	now := s.now()
	quiet, age := now.Sub(p.at), now.Sub(oldest.Time)
	switch {
	case err != nil && oldest.ID == "":
		e.Verdict, e.Observed = tutela.Fail, "what comes next in the ledger cannot be read: "+err.Error()
	case p.revision == 0 || quiet > late:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("no sign of life since %s", p.at.Format(time.RFC3339))
	case oldest.ID != "" && age > late:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("an entry of %s is not watched yet", oldest.Time.UTC().Format(time.RFC3339))
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("wrote its place %s ago; nothing older waits", quiet.Round(time.Second))
	}
	return e
}

// undamaged looks for findings that tell of a damaged ledger and were not judged.
func (s *Service) undamaged(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "open findings"}
	page, err := s.List(ctx, tutela.Principal{}, Filter{Rule: RuleDamaged, State: finding.Open})
	switch {
	case err != nil:
		e.Observed = err.Error()
	case len(page.Findings) > 0:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("finding %s: %s", page.Findings[0].ID, strings.Join(page.Findings[0].Reasons, "; "))
	default:
		e.Verdict, e.Observed = tutela.Pass, "every entry that was followed opens and is in its place"
	}
	return e
}

// inForce looks for rules that were refused.
func (s *Service) inForce(context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the rules of detection", Verdict: tutela.NotApplicable, Observed: "there are none"}
	if s.cfg.Rules == nil {
		return e
	}
	n, refused := s.cfg.Rules()
	switch {
	case len(refused) > 0:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("%d are not in force, the first: %s", len(refused), refused[0])
	case n == 0:
		e.Verdict, e.Observed = tutela.Fail, "no rule is in force"
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d rules are in force", n)
	}
	return e
}
