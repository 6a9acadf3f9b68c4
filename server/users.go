package server

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/identity/roster"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// listedUser is an account as an administrator's program sees it.
type listedUser struct {
	ID        string    `json:"id"`
	Username  string    `json:"username"`
	Name      string    `json:"name,omitempty"`
	Email     string    `json:"email,omitempty"`
	Kind      string    `json:"kind"`
	Roles     []string  `json:"roles"`
	Cleared   []string  `json:"clearances,omitempty"`
	Unit      string    `json:"unit,omitempty"`
	State     string    `json:"state"`
	External  string    `json:"external_id,omitempty"`
	Directory string    `json:"directory,omitempty"` // the SCIM client that it belongs to
	Created   time.Time `json:"created"`
	LastLogin time.Time `json:"last_login,omitzero"`
	Ends      time.Time `json:"ends,omitzero"`
}

// users lists the accounts, by username.
func (s *Server) users(ctx context.Context, c *call) (any, error) {
	if err := s.cfg.Identity.MayAdminister(ctx, c.caller); err != nil {
		return nil, err
	}
	all, err := s.cfg.Identity.Users(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b identity.User) int { return strings.Compare(a.Username, b.Username) })
	list := make([]listedUser, len(all))
	for i, u := range all {
		list[i] = listedUser{
			ID: string(u.ID), Username: u.Username, Name: u.Name.String(), Email: u.Email, Kind: string(u.Kind), Roles: append([]string{}, u.Roles...),
			Cleared: u.Clearances, Unit: u.Unit, State: u.State(), External: u.External, Directory: u.Provisioner, Created: u.Created, LastLogin: u.LastLogin, Ends: u.Ends,
		}
	}
	return list, nil
}

// importRoster lays a roster beside the accounts, and with apply=true makes them follow it.
func (s *Server) importRoster(ctx context.Context, c *call) (any, error) {
	received := s.cfg.Clock()
	body, err := httpx.Body(nil, c.request, maxCallBody)
	if err != nil {
		return nil, err
	}
	if typ, _, _ := strings.Cut(c.request.Header.Get("Content-Type"), ";"); typ != "text/csv" {
		return nil, errs.New(errs.MediaType, "send a roster as text/csv")
	}
	options := identity.RosterOptions{Received: received}
	for name, option := range map[string]*bool{"apply": &options.Apply, "leavers": &options.Leavers, "force": &options.Force} {
		switch c.request.URL.Query().Get(name) {
		case "true":
			*option = true
		case "", "false":
		default:
			return nil, errs.New(errs.Invalid, "%s is true or false", name)
		}
	}
	return s.cfg.Identity.ImportRoster(ctx, c.caller, roster.Parse(body), options)
}

// invitationAnswer is an invitation, in the only moment in which it is known.
type invitationAnswer struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}

// inviteUser invites the owner of an account that nobody has taken up.
func (s *Server) inviteUser(ctx context.Context, c *call) (any, error) {
	id := tutela.UserID(c.request.PathValue("id"))
	c.entry.Subject = &tutela.Subject{Kind: "user", ID: string(id)}
	inv, err := s.cfg.Identity.InviteOwner(ctx, c.caller, id)
	if err != nil {
		return nil, err
	}
	return invitationAnswer{URL: pages.InvitationURL(s.cfg.API.Base, inv.Token), Expires: inv.Expires}, nil
}
