package identity

import (
	"context"

	"github.com/tutela-health/tutela"
)

// Staff names the Practitioner resources of the people who have an account, those who left among them.
func (s *Service) Staff(ctx context.Context) ([]tutela.Ref, error) {
	users, err := s.Users(ctx)
	if err != nil {
		return nil, err
	}
	var list []tutela.Ref
	for _, u := range users {
		if u.Kind == tutela.ActorPerson && u.FHIRUser.Type == "Practitioner" && u.FHIRUser.ID != "" {
			list = append(list, u.FHIRUser)
		}
	}
	return list, nil
}
