package identity

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Ended is a session that was ended, with the clients that had something of it.
type Ended struct {
	Session Session
	Clients []Client
}

// OnEnded has f called after sessions were ended on this node. It belongs to the assembly, before
// the Service is used. f must be quick.
func (s *Service) OnEnded(f func(context.Context, Ended)) { s.ended = f }

// ending gives, before sessions end, what is to be told after.
func (s *Service) ending(ctx context.Context, sessions ...Session) ([]Ended, error) {
	if s.ended == nil {
		return nil, nil
	}
	var list []Ended
	for _, session := range sessions {
		clients, err := s.sessionClients(ctx, session)
		if err != nil {
			return nil, err
		}
		if len(clients) > 0 {
			list = append(list, Ended{session, clients})
		}
	}
	return list, nil
}

// tell reports what has ended.
func (s *Service) tell(ctx context.Context, list []Ended) {
	for _, e := range list {
		s.ended(ctx, e)
	}
}

// sessionsBut lists an account's sessions for ending, one excepted.
func (s *Service) sessionsBut(ctx context.Context, user tutela.UserID, keep string) ([]Session, error) {
	items, err := listItems[sessionRecord](ctx, s, itemSession, string(user))
	var list []Session
	for _, it := range items {
		if it.Value.ID != keep {
			list = append(list, it.Value.Session)
		}
	}
	return list, err
}

// sessionClients lists the registered clients that have something of a session.
func (s *Service) sessionClients(ctx context.Context, session Session) ([]Client, error) {
	families, err := s.familiesOf(ctx, session.User)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var list []Client
	for _, f := range families {
		id := f.Value.Client
		if f.Value.Session != session.ID || seen[id] {
			continue
		}
		seen[id] = true
		c, err := s.Client(ctx, id)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		if err == nil {
			list = append(list, c)
		}
	}
	return list, nil
}
