package server

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/incident"
)

// noIncidents refuses where nobody keeps incidents.
func noIncidents() error { return errs.New(errs.NotFound, "nobody takes reports here") }

// Report implements pages.Reports.
func (d desk) Report(ctx context.Context, by tutela.Principal, text, kind string) error {
	return d.do(ctx, by, tutela.ActionIncidentReport, func(c *call) error {
		if d.s.cfg.API.Incidents == nil {
			return noIncidents()
		}
		_, err := d.s.cfg.API.Incidents.Report(ctx, c.entry, incident.Report{Text: text, Kind: incident.Kind(kind)})
		c.written = err == nil
		return err
	})
}

// Reported implements pages.Reports.
func (d desk) Reported(ctx context.Context, by tutela.Principal) (list []pages.Told, err error) {
	err = d.do(ctx, by, tutela.ActionIncidentMine, func(*call) error {
		if d.s.cfg.API.Incidents == nil {
			return noIncidents()
		}
		told, err := d.s.cfg.API.Incidents.Mine(ctx, by)
		for _, t := range told {
			list = append(list, pages.Told{At: t.At, State: string(t.State)})
		}
		return err
	})
	return list, err
}
