package server

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/privacy/rights"
)

// about decides on an action on the caller's own patient, carries it out, and makes its entry durable.
func (d desk) about(ctx context.Context, by tutela.Principal, action tutela.Action, f func(*call) error) error {
	if d.s.cfg.API.Rights == nil || !access.Self(by, by.Patient) {
		return d.do(ctx, by, action, ofPatients)
	}
	c := d.s.callOf(ctx, by, action)
	d.s.aboutPatient(c, by.Patient)
	_, err := d.s.run(ctx, c, func(access.Grant) ([]byte, error) { return nil, f(c) })
	return err
}

// ofPatients refuses everybody else.
func ofPatients(*call) error { return errs.New(errs.Denied, "this page is for patients alone") }

// Looked implements pages.Records.
func (d desk) Looked(ctx context.Context, by tutela.Principal) (list []pages.Look, err error) {
	err = d.about(ctx, by, tutela.ActionPatientAccesses, func(c *call) error {
		looks, err := d.s.cfg.API.Rights.Looks(ctx, c.about, time.Time{}, time.Time{})
		for _, l := range looks {
			list = append(list, pages.Look{Time: l.Time, Who: l.Who, Roles: l.Roles, Did: string(l.Action), What: l.What, Emergency: l.Emergency})
		}
		return err
	})
	return list, err
}

// Requests implements pages.Records.
func (d desk) Requests(ctx context.Context, by tutela.Principal) (list []pages.RightsRequest, err error) {
	err = d.about(ctx, by, tutela.ActionRightsRead, func(c *call) error {
		requests, err := d.s.cfg.API.Rights.RequestsOf(ctx, c.about)
		for _, r := range requests {
			list = append(list, pages.RightsRequest{
				Kind: string(r.Kind), Law: string(r.Regulation), State: string(r.State), Detail: r.Detail, Reason: r.Reason,
				Opened: r.Opened, Due: r.Due, Overdue: r.Overdue(d.s.cfg.Clock()),
			})
		}
		return err
	})
	return list, err
}

// Ask implements pages.Records.
func (d desk) Ask(ctx context.Context, by tutela.Principal, ask pages.RightsAsk) error {
	return d.about(ctx, by, tutela.ActionRightsAsk, func(c *call) error {
		_, err := d.s.cfg.API.Rights.Open(ctx, c.entry, rights.Ask{
			Patient: c.about, Kind: rights.Kind(ask.Kind), Regulation: rights.Regulation(ask.Law), Detail: ask.Detail, By: by,
		})
		c.written = err == nil
		return err
	})
}

// Copy implements pages.Records. The page is the patient himself and no application: what he may see is what
// policies let him, and no scope makes it less.
func (d desk) Copy(ctx context.Context, by tutela.Principal, document bool) ([]byte, error) {
	if !access.Self(by, by.Patient) {
		return nil, d.do(ctx, by, tutela.ActionPatientExport, ofPatients)
	}
	by.Scopes = ofPerson()
	h, err := d.s.handout(ctx, by, by.Patient, "")
	if err != nil {
		return nil, err
	}
	if document {
		return h.HTML()
	}
	return h.Bundle()
}
