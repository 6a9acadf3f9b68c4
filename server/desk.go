package server

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/emergency"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/console"
	"github.com/tutela-health/tutela/identity/pages"
)

// desk carries out for people's pages what the API does for their applications: decided and written down
// alike.
type desk struct{ s *Server }

// do decides on an action, carries it out, and makes its entry durable.
func (d desk) do(ctx context.Context, by tutela.Principal, action tutela.Action, f func(*call) error) error {
	c := d.s.callOf(ctx, by, action)
	_, err := d.s.run(ctx, c, func(access.Grant) ([]byte, error) { return nil, f(c) })
	return err
}

// permits reports what a decision on an action would be.
func (d desk) permits(ctx context.Context, by tutela.Principal, action tutela.Action) bool {
	_, err := d.s.cfg.Access.Authorize(ctx, by, access.Request{Action: action})
	return err == nil
}

// Offers implements pages.Desk.
func (d desk) Offers(ctx context.Context, by tutela.Principal) pages.Offers {
	return pages.Offers{
		Console:  d.s.cfg.Console != nil && console.Staff(by),
		Break:    d.permits(ctx, by, tutela.ActionBreakGlassOpen),
		Review:   d.permits(ctx, by, tutela.ActionBreakGlassList),
		Accesses: d.permits(ctx, by, tutela.ActionAuditSearch),
		Report:   d.s.cfg.API.Incidents != nil && d.permits(ctx, by, tutela.ActionIncidentReport),
		Records:  d.s.cfg.API.Rights != nil && access.Self(by, by.Patient),
	}
}

// Running implements pages.Desk. That somebody looks at what he opened himself is no entry, as on the
// page of his sessions; that somebody looks who may not break the glass is.
func (d desk) Running(ctx context.Context, by tutela.Principal) ([]pages.Emergency, time.Duration, error) {
	if !d.permits(ctx, by, tutela.ActionBreakGlassOpen) {
		return nil, 0, d.do(ctx, by, tutela.ActionBreakGlassOpen, func(*call) error { return nil })
	}
	open, err := d.s.cfg.API.Emergencies.Mine(ctx, by)
	list := make([]pages.Emergency, len(open))
	for i, a := range open {
		list[i] = pages.Emergency{ID: a.ID, Patient: a.Patient.String(), Opened: a.Opened, Until: a.Until}
	}
	return list, d.s.cfg.API.Emergencies.Life(), err
}

// Break implements pages.Desk.
func (d desk) Break(ctx context.Context, by tutela.Principal, ask pages.EmergencyAsk) error {
	return d.do(ctx, by, tutela.ActionBreakGlassOpen, func(c *call) error {
		_, err := d.s.cfg.API.Emergencies.Break(ctx, by, c.entry, emergency.Ask{
			Patient: tutela.Ref{Type: "Patient", ID: ask.Patient}, Reason: ask.Reason, Purpose: ask.Purpose,
		})
		c.written = err == nil
		return err
	})
}

// End implements pages.Desk.
func (d desk) End(ctx context.Context, by tutela.Principal, id string) error {
	return d.do(ctx, by, tutela.ActionBreakGlassEnd, func(c *call) error {
		err := d.s.cfg.API.Emergencies.End(ctx, by, c.entry, id)
		c.written = err == nil
		return err
	})
}

// Cases implements pages.Desk.
func (d desk) Cases(ctx context.Context, by tutela.Principal) ([]pages.EmergencyCase, error) {
	var list []pages.EmergencyCase
	err := d.do(ctx, by, tutela.ActionBreakGlassList, func(*call) error {
		cases, err := d.s.cfg.API.Emergencies.Cases(ctx)
		for i := range cases {
			list = append(list, d.caseOf(&cases[i]))
		}
		return err
	})
	return list, err
}

// Case implements pages.Desk.
func (d desk) Case(ctx context.Context, by tutela.Principal, id string) (one pages.EmergencyCase, entries []tutela.Entry, err error) {
	err = d.do(ctx, by, tutela.ActionBreakGlassList, func(c *call) error {
		k, found, err := d.s.cfg.API.Emergencies.Case(ctx, id)
		if err == nil {
			one, entries = d.caseOf(&k), found
			c.entry.Subject = &tutela.Subject{Kind: "break-glass", ID: k.ID}
		}
		return err
	})
	return one, entries, err
}

// caseOf is an emergency as the pages draw it: by its patient's pseudonym where the key was destroyed.
func (d desk) caseOf(k *emergency.Case) pages.EmergencyCase {
	c := pages.EmergencyCase{
		Emergency: pages.Emergency{ID: k.ID, Patient: k.Ref, Opened: k.Opened, Until: k.Until}, By: k.Who.Name, Reason: k.Reason,
		Accesses: k.Accesses, Open: d.s.cfg.Clock().Before(k.Until),
		Reviewed: k.Reviewed, Reviewer: k.Reviewer.Name, Verdict: string(k.Verdict), Note: k.Note,
	}
	if c.Patient == "" {
		c.Patient = audit.Pseudonym(k.Patient)
	}
	return c
}

// Review implements pages.Desk.
func (d desk) Review(ctx context.Context, by tutela.Principal, id, verdict, note string) error {
	return d.do(ctx, by, tutela.ActionBreakGlassReview, func(c *call) error {
		err := d.s.cfg.API.Emergencies.Review(ctx, by, c.entry, id, emergency.Verdict(verdict), note)
		c.written = err == nil
		return err
	})
}

// Revoke implements pages.Desk.
func (d desk) Revoke(ctx context.Context, by tutela.Principal, id string) error {
	return d.do(ctx, by, tutela.ActionBreakGlassRevoke, func(c *call) error {
		err := d.s.cfg.API.Emergencies.Revoke(ctx, c.entry, id)
		c.written = err == nil
		return err
	})
}

// Accesses implements pages.Desk.
func (d desk) Accesses(ctx context.Context, by tutela.Principal, asked pages.AccessQuery) (entries []tutela.Entry, err error) {
	err = d.do(ctx, by, tutela.ActionAuditSearch, func(c *call) error {
		q := audit.Query{ID: asked.Entry, Actor: asked.Actor, From: asked.From, To: asked.To, Newest: true, Limit: defaultEntries}
		if asked.Patient != "" {
			b := d.s.cfg.API.Bucket(asked.Patient)
			q.Patient = &b
			c.section, c.patient = patientAsked(string(asked.Patient)), tutela.BucketGeneral
		}
		return d.s.cfg.Audit.Search(ctx, q, func(o audit.Opened) error {
			entries = append(entries, o.Entry)
			return nil
		})
	})
	return entries, err
}
