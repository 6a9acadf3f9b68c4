package vendor

import (
	"context"
	"fmt"
	"time"

	"github.com/tutela-health/tutela/assure/register"
)

// renewal is how long before its end an agreement is to be renewed.
const renewal = 60 * 24 * time.Hour

// Duties are the assessments to come, the agreements that end within 60 days or that are missing, and what vendors are to put
// right. The owner is to see to each.
func (s *Service) Duties(ctx context.Context) ([]register.Duty, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kind, State: register.State(Open)})
	if err != nil {
		return nil, err
	}
	now := s.cfg.Clock()
	var list []register.Duty
	for _, it := range items {
		k, err := s.kept(it)
		if err != nil {
			return nil, err
		}
		add := func(what string, due time.Time, do string) {
			list = append(list, register.Duty{Kind: kind, ID: k.ID, What: what, Title: k.Name, Owner: k.Owner, Name: k.OwnerName, Due: due, Do: do})
		}
		ends := k.Agreement.Ends
		switch {
		case k.Bare && ends.IsZero(): // it never had one: that is due since it was written down
			add("make an agreement: it gets health data", k.At, "tutela vendors set "+k.ID)
		case k.Agreement.Kind != None && !ends.IsZero() && !now.Before(ends.Add(-renewal)):
			add("renew the agreement", ends, "tutela vendors set "+k.ID)
		}
		add("assess the vendor", k.Due(), "tutela vendors assess "+k.ID)
		for _, a := range k.Actions {
			if a.Open() {
				add("have the vendor put right: "+a.What, a.Until, fmt.Sprintf("tutela vendors act %s %d", k.ID, a.Number))
			}
		}
	}
	return list, nil
}
