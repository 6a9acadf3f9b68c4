package pages

import (
	"net/http"
	"strings"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/federation"
	"github.com/tutela-health/tutela/internal/errs"
)

// providerForm is what is typed into a provider's page.
type providerForm struct {
	ID, Name, Issuer, ClientID, SecretFile string
	Scopes, RolesClaim, Rules              string
	ACR, AMR, Domains                      string
	Create, Disabled                       bool
}

func formOfProvider(p identity.Provider) providerForm {
	f := providerForm{
		ID: p.ID, Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, SecretFile: p.SecretFile, Scopes: strings.Join(p.Scopes, " "), RolesClaim: p.RolesClaim,
		ACR: strings.Join(p.ACR, " "), AMR: strings.Join(p.AMR, " "), Domains: strings.Join(p.Domains, " "), Create: p.Create, Disabled: p.Disabled,
	}
	for _, r := range p.Rules {
		f.Rules += r.Role + " = " + r.Value + "\n"
	}
	return f
}

// readProvider reads the form of a provider.
func (v *visit) readProvider() providerForm {
	text := func(name string) string { return strings.TrimSpace(v.value(name)) }
	return providerForm{
		ID: v.r.PathValue("id"), Name: text("name"), Issuer: text("issuer"), ClientID: text("clientid"), SecretFile: text("secretfile"), Scopes: text("scopes"),
		RolesClaim: text("rolesclaim"), Rules: text("rules"), ACR: text("acr"), AMR: text("amr"), Domains: text("domains"),
		Create: v.value("create") == "yes", Disabled: v.value("disabled") == "yes",
	}
}

// provider gives what the form configures; identity judges it. The role stands before the value,
// which may hold anything: a distinguished name has equals signs.
func (f providerForm) provider() (identity.Provider, problem) {
	p := identity.Provider{
		ID: f.ID, Name: f.Name, Issuer: f.Issuer, ClientID: f.ClientID, SecretFile: f.SecretFile, Scopes: strings.Fields(f.Scopes), RolesClaim: f.RolesClaim,
		ACR: strings.Fields(f.ACR), AMR: strings.Fields(f.AMR), Domains: strings.Fields(strings.ToLower(f.Domains)), Create: f.Create, Disabled: f.Disabled,
	}
	for _, l := range lines(f.Rules) {
		role, value, ok := strings.Cut(l, "=")
		if !ok {
			return p, problem{"rules", "Write a rule as: role = value."}
		}
		p.Rules = append(p.Rules, identity.RoleRule{Role: strings.TrimSpace(role), Value: strings.TrimSpace(value)})
	}
	return p, problem{}
}

// providersBody is what the list of providers draws.
type providersBody struct{ Providers []identity.Provider }

// providers lists the outside providers.
func providers(v *visit) error {
	list, err := v.pages.identity.Providers(v.r.Context())
	if err != nil {
		return err
	}
	return draw(v, "providers", page[providersBody]{Title: "Outside providers", Place: "providers", Me: v.me(), Token: v.token(),
		Notice: notice(v.r.URL.Query().Get("done")), Body: providersBody{list}})
}

// providerBody is what a provider's page draws.
type providerBody struct {
	Form     providerForm
	Action   string
	Callback string
	Keys     string
	Roles    []Role
}

func (v *visit) drawProvider(status int, f providerForm, wrong problem) error {
	title := "Configure a provider"
	b := providerBody{Form: f, Action: "/admin/providers", Keys: v.pages.base + "/oauth2/jwks"}
	if f.ID != "" {
		title, b.Action, b.Callback = f.Name, "/admin/providers/"+f.ID, v.pages.base+federation.CallbackPath(f.ID)
	}
	for _, r := range v.pages.roles {
		if v.pages.identity.Mappable(r.Name) {
			b.Roles = append(b.Roles, r)
		}
	}
	return render(v, "provider", status, page[providerBody]{Title: title, Place: "providers", Me: v.me(), Token: v.token(),
		Notice: notice(v.r.URL.Query().Get("done")), Problem: wrong, Body: b})
}

func newProvider(v *visit) error {
	return v.drawProvider(http.StatusOK, providerForm{Scopes: "profile email"}, problem{})
}

// provider shows one provider.
func provider(v *visit) error {
	p, err := v.pages.identity.Provider(v.r.Context(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.drawProvider(http.StatusOK, formOfProvider(p), problem{})
}

// addProvider configures a provider and shows what to register there.
func addProvider(v *visit) error {
	f := v.readProvider()
	p, wrong := f.provider()
	if wrong.Text != "" {
		return v.drawProvider(http.StatusUnprocessableEntity, f, wrong)
	}
	made, err := v.pages.identity.AddProvider(v.r.Context(), v.by(), p)
	if err != nil {
		return v.providerAgain(f, err)
	}
	v.redirect("/admin/providers/" + made.ID + "?done=provider")
	return nil
}

// updateProvider changes how a provider is used.
func updateProvider(v *visit) error {
	f := v.readProvider()
	p, wrong := f.provider()
	if wrong.Text != "" {
		return v.drawProvider(http.StatusUnprocessableEntity, f, wrong)
	}
	if err := v.pages.identity.UpdateProvider(v.r.Context(), v.by(), p); err != nil {
		return v.providerAgain(f, err)
	}
	v.redirect("/admin/providers/" + f.ID + "?done=provider")
	return nil
}

func (v *visit) providerAgain(f providerForm, err error) error {
	status, wrong, err := amiss(providerField(err), err)
	if err != nil {
		return err
	}
	return v.drawProvider(status, f, wrong)
}

// providerField guesses from an answer's words which field it is about.
func providerField(err error) string {
	text := errs.Public(err)
	for _, w := range []struct{ word, field string }{
		{"issuer", "issuer"}, {"client id", "clientid"}, {"secret's file", "secretfile"}, {"rule", "rules"}, {"role", "rules"}, {"a domain", "domains"}, {"name", "name"},
	} {
		if strings.Contains(text, w.word) {
			return w.field
		}
	}
	return ""
}

// tryProvider asks the provider for its metadata and shows whether that is good.
func tryProvider(v *visit) error {
	id := v.r.PathValue("id")
	if v.pages.outside == nil {
		return errs.New(errs.Unsupported, "outside providers are not set up here")
	}
	err := v.pages.outside.Try(v.r.Context(), id)
	if errs.Is(err, errs.Unavailable) {
		v.log(err)
		p, found := v.pages.identity.Provider(v.r.Context(), id)
		if found != nil {
			return found
		}
		return v.drawProvider(http.StatusOK, formOfProvider(p), problem{Text: sentence(errs.Public(err))})
	}
	if err != nil {
		return err
	}
	v.redirect("/admin/providers/" + id + "?done=answers")
	return nil
}

// removeProvider forgets a provider, with every account's link to it.
func removeProvider(v *visit) error {
	if err := v.pages.identity.RemoveProvider(v.r.Context(), v.by(), v.r.PathValue("id")); err != nil {
		return err
	}
	v.redirect("/admin/providers?done=gone")
	return nil
}
