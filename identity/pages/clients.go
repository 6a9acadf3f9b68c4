package pages

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// clientKind is how an application proves itself, as an administrator chooses it.
type clientKind struct {
	Name, Label, Hint string
	Held              bool
}

const (
	kindPublic  = "public"
	kindSecret  = "secret"
	kindKeys    = "keys"
	kindService = "service"
)

func clientKinds(held string) []clientKind {
	list := []clientKind{
		{Name: kindPublic, Label: "Not at all: it runs on people's devices", Hint: "In a browser, on a phone, on a command line; PKCE protects its logins."},
		{Name: kindKeys, Label: "By a key, for people who sign in", Hint: "Its server signs with a private key that never leaves it."},
		{Name: kindSecret, Label: "By a secret, for people who sign in", Hint: "Its server keeps a secret that is shown once."},
		{Name: kindService, Label: "By a key, on its own", Hint: "A service without people (SMART Backend Services) with system/ scopes, or a directory (SCIM) with the scope scim."},
	}
	for i := range list {
		list[i].Held = list[i].Name == held
	}
	return list
}

// clientForm is what is typed into an application's page.
type clientForm struct {
	ID, Name, Kind                string
	Redirects, PostLogout, Scopes string
	Groups                        string
	JWKS, JWKSURL, Launch, Logout string
	FirstParty                    bool
}

func formOf(c identity.Client) clientForm {
	return clientForm{
		ID: c.ID, Name: c.Name, Kind: kindOf(c), Redirects: strings.Join(c.RedirectURIs, "\n"), PostLogout: strings.Join(c.PostLogoutRedirectURIs, "\n"),
		Scopes: strings.Join(c.Scopes, " "), JWKS: string(c.JWKS), JWKSURL: c.JWKSURL, Launch: c.LaunchURI, Logout: c.BackchannelLogoutURI, FirstParty: c.FirstParty, Groups: groupLines(c.Groups),
	}
}

func kindOf(c identity.Client) string {
	switch {
	case c.Grants(identity.GrantCredentials):
		return kindService
	case c.Public:
		return kindPublic
	case c.UsesKeys():
		return kindKeys
	default:
		return kindSecret
	}
}

// readClient reads the form of an application.
func (v *visit) readClient() clientForm {
	text := func(name string) string { return strings.TrimSpace(v.value(name)) }
	return clientForm{
		ID: v.r.PathValue("id"), Name: text("name"), Kind: v.value("kind"), Redirects: text("redirects"), PostLogout: text("postlogout"), Scopes: text("scopes"),
		JWKS: text("jwks"), JWKSURL: text("jwksurl"), Launch: text("launch"), Logout: text("logout"), FirstParty: v.value("firstparty") == "yes", Groups: text("groups"),
	}
}

// client gives what the form registers; identity judges it.
func (f clientForm) client() (identity.Client, problem) {
	c := identity.Client{
		ID: f.ID, Name: f.Name, Public: f.Kind == kindPublic, RedirectURIs: lines(f.Redirects), PostLogoutRedirectURIs: lines(f.PostLogout),
		Scopes: strings.Fields(f.Scopes), JWKSURL: f.JWKSURL, LaunchURI: f.Launch, BackchannelLogoutURI: f.Logout, FirstParty: f.FirstParty,
		Groups:     readGroups(f.Groups),
		GrantTypes: []string{identity.GrantCode, identity.GrantRefresh},
	}
	if f.Kind == kindService {
		c.GrantTypes = []string{identity.GrantCredentials}
	}
	if f.JWKS != "" {
		if !json.Valid([]byte(f.JWKS)) {
			return c, problem{"jwks", "The JWK set is no JSON."}
		}
		c.JWKS = json.RawMessage(f.JWKS)
	}
	switch {
	case kindOf(c) != f.Kind && f.Kind == kindKeys:
		return c, problem{"jwksurl", "Give its keys, by address or by value."}
	case kindOf(c) != f.Kind && f.Kind == kindSecret:
		return c, problem{"jwks", "A client with a secret has no keys."}
	case kindOf(c) != f.Kind:
		return c, problem{"kinds", "Choose how it proves itself."}
	}
	return c, problem{}
}

// readGroups reads what a directory's groups give, one a line: the group's name alone, which is the
// role's too, or the group's and the role's.
func readGroups(text string) []identity.GroupRole {
	var list []identity.GroupRole
	for _, line := range lines(text) {
		group, role, mapped := strings.Cut(line, "=")
		g := identity.GroupRole{Group: strings.TrimSpace(group), Role: strings.TrimSpace(role)}
		if !mapped {
			g.Role = g.Group
		}
		list = append(list, g)
	}
	return list
}

func groupLines(list []identity.GroupRole) string {
	var text []string
	for _, g := range list {
		text = append(text, g.Group+" = "+g.Role)
	}
	return strings.Join(text, "\n")
}

// clientsBody is what the list of applications draws.
type clientsBody struct{ Clients []clientRow }

type clientRow struct {
	identity.Client
	Kind string
}

// clients lists the applications.
func clients(v *visit) error {
	list, err := v.pages.identity.Clients(v.r.Context())
	if err != nil {
		return err
	}
	var b clientsBody
	for _, c := range list {
		b.Clients = append(b.Clients, clientRow{c, kindWord(kindOf(c))})
	}
	return draw(v, "clients", page[clientsBody]{Title: "Applications", Place: "clients", Me: v.me(), Token: v.token(), Notice: notice(v.r.URL.Query().Get("done")), Body: b})
}

func kindWord(kind string) string {
	return map[string]string{kindPublic: "on devices", kindSecret: "with a secret", kindKeys: "with a key", kindService: "service"}[kind]
}

// clientBody is what an application's page draws.
type clientBody struct {
	Form   clientForm
	Action string
	Kinds  []clientKind
	Secret string
}

func (v *visit) drawClient(status int, b clientBody, wrong problem) error {
	title := "Register an application"
	b.Action, b.Kinds = "/admin/clients", clientKinds(b.Form.Kind)
	if b.Form.ID != "" {
		title, b.Action = b.Form.Name, "/admin/clients/"+b.Form.ID
	}
	return render(v, "client", status, page[clientBody]{Title: title, Place: "clients", Me: v.me(), Token: v.token(),
		Notice: notice(v.r.URL.Query().Get("done")), Problem: wrong, Body: b})
}

func newClient(v *visit) error {
	return v.drawClient(http.StatusOK, clientBody{Form: clientForm{Kind: kindPublic, Scopes: "openid fhirUser launch/patient patient/*.rs"}}, problem{})
}

// client shows one application.
func client(v *visit) error {
	c, err := v.pages.identity.Client(v.r.Context(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.drawClient(http.StatusOK, clientBody{Form: formOf(c)}, problem{})
}

// registerClient makes an application and shows its secret, where it has one, this once.
func registerClient(v *visit) error {
	f := v.readClient()
	c, wrong := f.client()
	if wrong.Text != "" {
		return v.drawClient(http.StatusUnprocessableEntity, clientBody{Form: f}, wrong)
	}
	made, secret, err := v.pages.identity.RegisterClient(v.r.Context(), v.by(), c)
	if err != nil {
		return v.clientAgain(f, err)
	}
	if secret == "" {
		v.redirect("/admin/clients/" + made.ID + "?done=saved")
		return nil
	}
	return v.drawClient(http.StatusCreated, clientBody{Form: formOf(made), Secret: secret}, problem{})
}

// updateClient changes what an application is registered with.
func updateClient(v *visit) error {
	f := v.readClient()
	c, wrong := f.client()
	if wrong.Text != "" {
		return v.drawClient(http.StatusUnprocessableEntity, clientBody{Form: f}, wrong)
	}
	if _, err := v.pages.identity.UpdateClient(v.r.Context(), v.by(), c); err != nil {
		return v.clientAgain(f, err)
	}
	v.redirect("/admin/clients/" + f.ID + "?done=saved")
	return nil
}

func (v *visit) clientAgain(f clientForm, err error) error {
	status, wrong, err := amiss(fieldOf(err), err)
	if err != nil {
		return err
	}
	return v.drawClient(status, clientBody{Form: f}, wrong)
}

// fieldOf guesses from an answer's words which field it is about.
func fieldOf(err error) string {
	text := errs.Public(err)
	for _, w := range []struct{ word, field string }{
		{"group", "groups"}, {"role", "groups"}, {"scope", "scopes"}, {"redirect URI", "redirects"}, {"key", "jwks"}, {"name", "name"}, {"address", "redirects"},
	} {
		if strings.Contains(text, w.word) {
			return w.field
		}
	}
	return ""
}

// removeClient removes an application; what it was given ends.
func removeClient(v *visit) error {
	if err := v.pages.identity.DeleteClient(v.r.Context(), v.by(), v.r.PathValue("id")); err != nil {
		return err
	}
	v.redirect("/admin/clients?done=dropped")
	return nil
}
