package secrets

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	leaks "github.com/zricethezav/gitleaks/v8/config"

	"github.com/tutela-health/tutela/supply"
)

// edition changes with what this package's own rules find.
const edition = 3

// editions names the rules: gitleaks' by their text, and ours.
func editions() string {
	sum := sha256.Sum256([]byte(leaks.DefaultConfig))
	return fmt.Sprintf("%d-%x", edition, sum[:6])
}

// gitleaks reads gitleaks' rules out of its library: its rules and allow lists alone, since its own
// detector logs what it finds and is made for a command (docs/decisions/0010).
func gitleaks() (leaks.Config, error) {
	var file leaks.ViperConfig
	if err := toml.Unmarshal([]byte(leaks.DefaultConfig), &file); err != nil {
		return leaks.Config{}, fmt.Errorf("read gitleaks' rules: %w", err)
	}
	c, err := file.Translate()
	if err != nil {
		return leaks.Config{}, fmt.Errorf("read gitleaks' rules: %w", err)
	}
	return c, nil
}

// replaced are rules of gitleaks whose work rules of ours do with a closer look at the value.
func replaced(id string) bool { return id == "private-key" || id == "pkcs12-file" }

// borrow makes patterns of gitleaks' rules.
func borrow(c leaks.Config) []pattern {
	var list []pattern
	for _, r := range c.GetOrderedRules() {
		if r.Regex == nil || r.SkipReport || replaced(r.RuleID) {
			continue
		}
		list = append(list, pattern{
			rule:     borrowed(r),
			keywords: r.Keywords,
			regex:    r.Regex,
			group:    r.SecretGroup,
			entropy:  r.Entropy,
			path:     r.Path,
			allow:    slices.Concat(c.Allowlists, r.Allowlists),
			rank:     rankOf(r),
			guard:    guardOf(r),
			brief:    r.RuleID == "jwt",
		})
	}
	return list
}

// rankOf sees from a pattern whether it is a token's own form, or any random value beside a name.
func rankOf(r leaks.Rule) rank {
	switch {
	case r.RuleID == generic:
		return byGuess
	case strings.Contains(r.Regex.String(), `\|\|`), // all ways to assign, as gitleaks writes them
		r.Path != nil: // a form of this sort of file
		return byName
	}
	return byToken
}

// guardOf asks more of values that only a name makes suspicious: names of types and functions have
// digits too.
func guardOf(r leaks.Rule) func(string) bool {
	if rankOf(r) == byGuess {
		return random
	}
	return nil
}

// generic is gitleaks' rule for values beside a name that sounds secret.
const generic = "generic-api-key"

func borrowed(r leaks.Rule) *supply.Rule {
	severity := supply.High
	if r.RuleID == generic {
		severity = supply.Medium
	}
	return &supply.Rule{
		ID:       prefix + r.RuleID,
		Name:     strings.ReplaceAll(r.RuleID, "-", " "),
		Help:     strings.TrimSuffix(r.Description, ".") + ". " + remedy,
		Severity: severity,
		CWE:      []string{"CWE-798"},
		OWASP:    []string{"A07:2021"},
		URL:      "https://github.com/gitleaks/gitleaks",
	}
}
