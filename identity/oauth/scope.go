package oauth

import (
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
)

// splitScopes reads a scope parameter: words between spaces (RFC 6749, 3.3), each once.
func splitScopes(text string) []string {
	var list []string
	for s := range strings.FieldsSeq(text) {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// isSMART reports whether a scope asks for FHIR data or its context, so that aud must say where.
func isSMART(scope string) bool {
	_, resource := tutela.ParseScope(scope)
	return resource || strings.HasPrefix(scope, "launch") || scope == "fhirUser"
}

// needsPatient reports whether scopes mean something only with a patient in context.
func needsPatient(scopes []string) bool {
	return slices.ContainsFunc(scopes, func(text string) bool {
		s, ok := tutela.ParseScope(text)
		return text == "launch/patient" || ok && s.Context == "patient"
	})
}

// granted gives the most of what a person's application asked for that its registration and the
// account allow. What is not understood grants nothing.
func granted(asked []string, c identity.Client, u identity.User) []string {
	var list []string
	for _, text := range asked {
		s, resource := tutela.ParseScope(text)
		switch {
		case resource:
			list = append(list, narrowed(text, s, c.Scopes, u.Scopes)...)
		case !slices.Contains(c.Scopes, text):
		case text == "fhirUser" && u.FHIRUser.ID == "":
		case slices.Contains(identity.PlainScopes(), text):
			list = append(list, text)
		}
	}
	return withoutRepeats(list)
}

// grantedService is granted for a service, which asks for itself.
func grantedService(asked []string, c identity.Client) []string {
	var list []string
	for _, text := range asked {
		s, resource := tutela.ParseScope(text)
		switch {
		case resource && s.Context == "system":
			list = append(list, narrowed(text, s, c.Scopes, c.Scopes)...)
		case text == identity.ScopeSCIM && c.Provisions(), text == identity.ScopePipeline && c.Reports():
			list = append(list, text)
		}
	}
	return withoutRepeats(list)
}

// narrowed intersects a scope with each pair of a client's and an account's. When nothing is lost
// the words stay those that were asked for: an application may look for its v1 scope.
func narrowed(text string, asked tutela.Scope, client, account []string) []string {
	var list []tutela.Scope
	for _, c := range client {
		allowed, ok := tutela.ParseScope(c)
		if !ok || allowed.Context != asked.Context {
			continue
		}
		part, ok := asked.Intersect(allowed)
		if !ok {
			continue
		}
		for _, a := range account {
			may, ok := tutela.ParseScope(a)
			if !ok || !contains(may.Context, asked.Context) {
				continue
			}
			if both, ok := part.Intersect(may); ok {
				list = append(list, both)
			}
		}
	}
	if slices.Contains(list, asked) {
		return []string{text}
	}
	return texts(list)
}

// contains reports whether an account's context holds a token's: a user may reach one patient of
// all whom the user may reach.
func contains(account, token string) bool {
	return account == token || account == "user" && token == "patient"
}

// texts writes scopes without those that another covers.
func texts(list []tutela.Scope) []string {
	var out []string
	for i, s := range list {
		covered := slices.ContainsFunc(list[:i], func(o tutela.Scope) bool { return o.Covers(s) }) ||
			slices.ContainsFunc(list[i+1:], func(o tutela.Scope) bool { return o != s && o.Covers(s) })
		if !covered {
			out = append(out, s.String())
		}
	}
	return out
}

func withoutRepeats(list []string) []string { return splitScopes(strings.Join(list, " ")) }
