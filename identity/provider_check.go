package identity

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/internal/errs"
)

// checkProvider holds a configuration to what can work and to what may be. No rule makes an
// administrator, or who watches over one: who governs the outside provider would govern here.
func (s *Service) checkProvider(p Provider) error {
	switch {
	case strings.TrimSpace(p.Name) == "" || len(p.Name) > 60:
		return errs.New(errs.Unprocessable, "give the provider a name of at most 60 characters")
	case p.ClientID == "" || len(p.ClientID) > maxWord:
		return errs.New(errs.Unprocessable, "the client id is what the provider calls this system")
	case !fileName(p.SecretFile):
		return errs.New(errs.Unprocessable, "the secret's file is a name in the folder of secrets, without a path")
	case len(p.Rules) > maxRules:
		return errs.New(errs.Unprocessable, "more than %d rules for roles", maxRules)
	case p.Create && (p.RolesClaim == "" || len(p.Rules) == 0):
		return errs.New(errs.Unprocessable, "to make accounts, name the claim of roles and give at least one rule for it")
	}
	if err := checkIssuer(p.Issuer); err != nil {
		return err
	}
	if err := s.checkRules(p.Rules); err != nil {
		return err
	}
	return checkWords(p)
}

// checkIssuer accepts https, and http on a loopback address, which only a try-out system then talks
// to (OpenID Connect Discovery 1.0, 3: no query or fragment).
func checkIssuer(issuer string) error {
	u, err := plainURI(issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.ForceQuery || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u)) {
		return errs.New(errs.Unprocessable, "the issuer is an https address without query or fragment, exactly as the provider writes it")
	}
	return nil
}

// Mappable reports whether a rule may give a role.
func (s *Service) Mappable(role string) bool { return !slices.Contains(s.above, role) }

func (s *Service) checkRules(rules []RoleRule) error {
	for _, r := range rules {
		if !s.Mappable(r.Role) {
			return errs.New(errs.Unprocessable, "no rule gives the role %q: who has it is invited by an administrator", r.Role)
		}
		if err := s.CheckRoles([]string{r.Role}); err != nil {
			return err
		}
		if r.Value == "" || len(r.Value) > maxWord {
			return errs.New(errs.Unprocessable, "a rule has a value of the claim and a role")
		}
	}
	return nil
}

// checkWords holds lists to words that can stand in a request.
func checkWords(p Provider) error {
	for _, list := range [][]string{p.Scopes, p.ACR, p.AMR, p.Domains, {p.RolesClaim}, {p.ClientID}} {
		for _, w := range list {
			if len(w) > maxWord || strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '"' || r == '\\' }) {
				return errs.New(errs.Unprocessable, "the client id, scopes, acr, amr, domains and claims are words without spaces or quotes")
			}
		}
	}
	for _, d := range p.Domains {
		if u, err := url.Parse("https://" + d); err != nil || u.Host != d || d != strings.ToLower(d) || !strings.Contains(d, ".") || strings.ContainsAny(d, "@*:") {
			return errs.New(errs.Unprocessable, "a domain is written like clinic.example, in small letters")
		}
	}
	return nil
}

// fileName accepts the plain name of a file, or none.
func fileName(name string) bool {
	return name == "" || len(name) <= 100 && filepath.IsLocal(name) && !strings.ContainsAny(name, "/\\\x00") && !strings.HasPrefix(name, ".")
}

// rolesBy are the roles that a provider's rules give for the values of the claim, in order.
func (s *Service) rolesBy(p Provider, values []string) []string {
	var roles []string
	for _, r := range p.Rules {
		if s.Mappable(r.Role) && slices.Contains(values, r.Value) && !slices.Contains(roles, r.Role) {
			roles = append(roles, r.Role)
		}
	}
	slices.Sort(roles)
	return roles
}

// strong reports whether the provider said, by a value that is configured, that it saw two factors.
func (p Provider) strong(acr string, amr []string) bool {
	return acr != "" && slices.Contains(p.ACR, acr) || slices.ContainsFunc(amr, func(m string) bool { return slices.Contains(p.AMR, m) })
}

// admits reports whether a verified address is of a domain that may sign in.
func (p Provider) admits(email string, verified bool) bool {
	if len(p.Domains) == 0 {
		return true
	}
	_, domain, ok := strings.Cut(strings.ToLower(email), "@")
	return ok && verified && !strings.Contains(domain, "@") && slices.Contains(p.Domains, domain)
}
