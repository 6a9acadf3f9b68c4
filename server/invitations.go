package server

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
)

// listedInvitation is an open invitation as an administrator's program sees it; nobody is told its
// link a second time.
type listedInvitation struct {
	ID       string    `json:"id"`
	Username string    `json:"username"`
	Roles    []string  `json:"roles"`
	Reset    bool      `json:"reset"` // the account is there; its credentials are made anew
	By       string    `json:"by"`    // id of who invited
	Expires  time.Time `json:"expires"`
}

// invitations lists those that nobody has taken up.
func (s *Server) invitations(ctx context.Context, c *call) (any, error) {
	all, err := s.cfg.Identity.Invitations(ctx, c.caller)
	if err != nil {
		return nil, err
	}
	list := make([]listedInvitation, len(all))
	for i, inv := range all {
		list[i] = listedInvitation{
			ID: inv.ID, Username: inv.Username, Roles: append([]string{}, inv.Roles...), Reset: inv.Reset, By: string(inv.By), Expires: inv.Expires,
		}
	}
	return list, nil
}

// withdrawn says which invitation counts no more.
type withdrawn struct {
	Withdrawn string `json:"withdrawn"`
}

// withdrawInvitation has an open invitation count no more.
func (s *Server) withdrawInvitation(ctx context.Context, c *call) (any, error) {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "invitation", ID: id}
	return withdrawn{id}, s.cfg.Identity.WithdrawInvitation(ctx, c.caller, id)
}
