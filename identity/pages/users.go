package pages

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// usersBody is what the list of accounts draws.
type usersBody struct {
	Users      []userRow
	Roles      []roleBox
	RolesWrong bool
	Form       userForm
	Link       *inviteLink
	Open       []identity.PendingInvitation
}

// userRow is an account as the list shows it.
type userRow struct {
	identity.User
	State string
}

// roleBox is a role to tick.
type roleBox struct {
	Role
	Held bool
}

// userForm is what was typed into an invitation.
type userForm struct {
	Username, Unit, FHIRUser string
	Roles                    []string
}

// inviteLink is a new invitation, in the only moment in which it is known.
type inviteLink struct {
	Username string
	URL      string
	Expires  time.Time
}

// users lists the accounts.
func users(v *visit) error { return v.drawUsers(http.StatusOK, usersBody{}, problem{}) }

func (v *visit) drawUsers(status int, b usersBody, wrong problem) error {
	list, err := v.pages.identity.Users(v.r.Context())
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b identity.User) int { return strings.Compare(a.Username, b.Username) })
	for _, u := range list {
		b.Users = append(b.Users, userRow{u, u.State()})
	}
	if b.Open, err = v.pages.identity.Invitations(v.r.Context(), v.by()); err != nil {
		return err
	}
	b.Roles, b.RolesWrong = boxes(v.pages.roles, b.Form.Roles), wrong.Field == "roles"
	return render(v, "users", status, page[usersBody]{Title: "People", Place: "users", Me: v.me(), Token: v.token(),
		Notice: notice(v.r.URL.Query().Get("done")), Problem: wrong, Body: b})
}

func boxes(all []Role, held []string) []roleBox {
	var list []roleBox
	for _, r := range all {
		list = append(list, roleBox{r, slices.Contains(held, r.Name)})
	}
	return list
}

// inviteUser invites a person and shows the link.
func inviteUser(v *visit) error {
	f := userForm{
		Username: strings.TrimSpace(v.value("username")), Unit: strings.TrimSpace(v.value("unit")),
		FHIRUser: strings.TrimSpace(v.value("fhiruser")), Roles: v.r.PostForm["role"],
	}
	if len(f.Roles) == 0 {
		return v.drawUsers(http.StatusUnprocessableEntity, usersBody{Form: f}, problem{"roles", "Choose at least one role."})
	}
	ref, err := parseRef(f.FHIRUser)
	if err != nil {
		return v.drawUsers(http.StatusUnprocessableEntity, usersBody{Form: f}, problem{"fhiruser", sentence(errs.Public(err))})
	}
	n := newUser(f, ref)
	inv, err := v.pages.identity.Invite(v.r.Context(), v.by(), n)
	if err != nil {
		status, wrong, err := amiss("username", err)
		if err != nil {
			return err
		}
		return v.drawUsers(status, usersBody{Form: f}, wrong)
	}
	return v.drawUsers(http.StatusCreated, usersBody{Link: v.link(f.Username, inv)}, problem{})
}

// withdrawInvitation has an open invitation count no more.
func withdrawInvitation(v *visit) error {
	if err := v.pages.identity.WithdrawInvitation(v.r.Context(), v.by(), v.value("invitation")); err != nil {
		return err
	}
	v.redirect("/admin/users?done=withdrawn")
	return nil
}

func (v *visit) link(username string, inv identity.Invitation) *inviteLink {
	return &inviteLink{Username: username, URL: InvitationURL(v.pages.base, inv.Token), Expires: inv.Expires}
}

// InvitationURL is the link that an invitation is given as.
func InvitationURL(base, token string) string { return base + "/invitation/" + token }

// newUser gives the account to be made. Its tokens carry what its roles may at most: access
// narrows them to that.
func newUser(f userForm, ref tutela.Ref) identity.NewUser {
	n := identity.NewUser{
		Username: f.Username, Kind: tutela.ActorPerson, Roles: f.Roles, Unit: f.Unit, FHIRUser: ref, Scopes: []string{"user/*.cruds"},
	}
	if ref.Type == "Patient" {
		n.Patient, n.Scopes = tutela.PatientID(ref.ID), []string{"patient/*.rs"}
	}
	return n
}

// parseRef reads a relative reference to a person's own resource, or none.
func parseRef(text string) (tutela.Ref, error) {
	if text == "" {
		return tutela.Ref{}, nil
	}
	typ, id, ok := strings.Cut(text, "/")
	if !ok || !slices.Contains([]string{"Practitioner", "Patient", "RelatedPerson", "Person"}, typ) || !isID(id) {
		return tutela.Ref{}, errs.New(errs.Unprocessable, "the own resource is written as Practitioner/123, Patient/123, RelatedPerson/123 or Person/123")
	}
	return tutela.Ref{Type: typ, ID: id}, nil
}

// isID reports whether a text is an id of FHIR R4 (2.24.0.1).
func isID(text string) bool {
	return len(text) > 0 && len(text) <= 64 && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
	})
}

// userBody is what an account's page draws for an administrator.
type userBody struct {
	User       userRow
	Sessions   int
	Roles      []roleBox
	RolesWrong bool
	Link       *inviteLink
	Outside    []linkRow

	Labels      []roleBox // for which the account is cleared, or is to be
	LabelsWrong bool
	Asked       []string // of them, those that wait for the privacy officer
}

// user shows one account.
func user(v *visit) error { return v.drawUser(http.StatusOK, userBody{}, problem{}) }

func (v *visit) drawUser(status int, b userBody, wrong problem) error {
	id := tutela.UserID(v.r.PathValue("id"))
	u, err := v.pages.identity.UserByID(v.r.Context(), id)
	if err != nil {
		return err
	}
	sessions, err := v.pages.identity.Sessions(v.r.Context(), id)
	if err != nil {
		return err
	}
	if b.Outside, err = v.linkRows(id); err != nil {
		return err
	}
	b.User, b.Sessions = userRow{u, u.State()}, len(sessions)
	b.Roles, b.RolesWrong = boxes(v.pages.roles, u.Roles), wrong.Field == "roles"
	b.Asked = u.Asked(v.pages.identity.Now())
	b.Labels, b.LabelsWrong = boxes(v.pages.labels, append(b.Asked, u.Clearances...)), wrong.Field == "labels"
	return render(v, "user", status, page[userBody]{Title: u.Username, Place: "users", Me: v.me(), Token: v.token(),
		Notice: notice(v.r.URL.Query().Get("done")), Problem: wrong, Body: b})
}

// changeUser carries out a deed of an administrator on an account and shows the account again.
func changeUser(done string, f func(*visit, tutela.UserID) error) func(*visit) error {
	return func(v *visit) error {
		id := tutela.UserID(v.r.PathValue("id"))
		if err := f(v, id); err != nil {
			status, wrong, err := amiss(map[string]string{"roles": "roles", "labels": "labels"}[done], err)
			if err != nil {
				return err
			}
			return v.drawUser(status, userBody{}, wrong)
		}
		v.redirect("/admin/users/" + string(id) + "?done=" + done)
		return nil
	}
}

func setRoles(v *visit, id tutela.UserID) error {
	if len(v.r.PostForm["role"]) == 0 {
		return errs.New(errs.Unprocessable, "choose at least one role, or disable the account")
	}
	return v.pages.identity.SetRoles(v.r.Context(), v.by(), id, v.r.PostForm["role"])
}

func askClearance(v *visit, id tutela.UserID) error {
	return v.pages.identity.AskClearance(v.r.Context(), v.by(), id, v.r.PostForm["label"])
}

func disableUser(v *visit, id tutela.UserID) error {
	return v.pages.identity.Disable(v.r.Context(), v.by(), id)
}

func enableUser(v *visit, id tutela.UserID) error {
	return v.pages.identity.Enable(v.r.Context(), v.by(), id)
}

func endUserSessions(v *visit, id tutela.UserID) error {
	return v.pages.identity.EndAllSessions(v.r.Context(), v.by(), id)
}

func unlinkUser(v *visit, id tutela.UserID) error {
	return v.pages.identity.Unlink(v.r.Context(), v.by(), id, v.value("provider"))
}

// newInvitation invites the owner of an account that has no credentials yet, and else takes them away.
func (v *visit) newInvitation(id tutela.UserID) (identity.Invitation, error) {
	u, err := v.pages.identity.UserByID(v.r.Context(), id)
	if err != nil {
		return identity.Invitation{}, err
	}
	if u.Waiting {
		return v.pages.identity.InviteOwner(v.r.Context(), v.by(), id)
	}
	return v.pages.identity.ResetCredentials(v.r.Context(), v.by(), id)
}

// resetUser shows the link by which a person makes credentials, the first or new ones.
func resetUser(v *visit) error {
	id := tutela.UserID(v.r.PathValue("id"))
	inv, err := v.newInvitation(id)
	if err != nil {
		status, wrong, err := amiss("", err)
		if err != nil {
			return err
		}
		return v.drawUser(status, userBody{}, wrong)
	}
	u, err := v.pages.identity.UserByID(v.r.Context(), id)
	if err != nil {
		return err
	}
	return v.drawUser(http.StatusOK, userBody{Link: v.link(u.Username, inv)}, problem{})
}
