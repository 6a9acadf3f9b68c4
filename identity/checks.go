package identity

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
)

// CheckConfig says what this plane's checks work with.
type CheckConfig struct {
	// Base is how users reach the running server, and TLS trusts the authority of its certificate.
	Base string
	TLS  *tls.Config
	// Dormant is how long a person of the staff may stay away before the account counts as dormant.
	// Zero means 90 days.
	Dormant time.Duration
	// TryOut says that services get tokens of a day here (docs/decisions/0006).
	TryOut bool
	// KeySet fetches the key set that a client publishes; nil: it cannot be fetched.
	KeySet func(ctx context.Context, address string) ([]byte, error)
	// Neighbours are the other tenants of this process; nil: there are none.
	Neighbours func() []Neighbour
}

// checkedFor is how long the evidence of these checks counts.
const checkedFor = 24 * time.Hour

// dormantAfter is how long an account may lie unused where nobody says otherwise.
const dormantAfter = 90 * 24 * time.Hour

// Checks are what this plane can show of itself by trying, on accounts that it makes for the try
// and removes after it, and by looking at the accounts, tokens and clients that there are.
func (s *Service) Checks(c CheckConfig) []tutela.Check {
	c.Dormant = cmp.Or(c.Dormant, dormantAfter)
	probe := prober{base: c.Base, tls: c.TLS}
	hipaa := func(section string) string { return "45 CFR 164." + section }
	list := []tutela.Check{{
		ID: "identity.second-factor", Title: "A password alone lets nobody in",
		Controls: []string{"P06", hipaa("312(d)")}, Try: factorCheck{s, probe}.try,
	}, {
		ID: "identity.revoked-token", Title: "A token that was revoked, or has expired, is worth nothing",
		Controls: []string{"P05", "P07", hipaa("308(a)(3)(ii)(C)"), hipaa("312(a)(2)(iii)")}, Try: newReplayCheck(s, probe).try,
	}, {
		ID: "identity.lockout", Title: "Guessing is stopped, and tells nobody which accounts exist",
		Controls: []string{"P07", hipaa("308(a)(5)(ii)(C)"), hipaa("312(d)")}, Try: newGuessCheck(s).try,
	}, {
		ID: "identity.default-credentials", Title: "No account has a password that comes with a product",
		Controls: []string{"P06", hipaa("308(a)(5)(ii)(D)")}, Try: defaultsCheck{s}.try,
	}, {
		ID: "identity.dormant-accounts", Title: "Nobody of the staff keeps an account that lies unused",
		Controls: []string{"P08", hipaa("308(a)(3)(ii)(C)"), hipaa("308(a)(4)(ii)(C)")}, Try: dormantCheck{s, c.Dormant}.try,
	}, {
		ID: "identity.separate-administration", Title: "Who administers does so with an account for nothing else",
		Controls: []string{"P06", "P08", hipaa("308(a)(4)(ii)(B)")}, Try: newSeparationCheck(s).try,
	}, {
		ID: "identity.token-lifetime", Title: "A token lives an hour at most, a service's five minutes",
		Controls: []string{"P05", "P07", hipaa("312(a)(2)(iii)")}, Try: newLifetimeCheck(s, c.TryOut).try,
	}, {
		ID: "identity.client-keys", Title: "Applications prove themselves by keys that are strong",
		Controls: []string{"P05", "P10", hipaa("312(d)")}, Try: newKeysCheck(s, c.KeySet).try,
	}, {
		ID: "identity.guessable-passwords", Title: "Nobody can choose a password that is guessed first",
		Controls: []string{"P06", hipaa("308(a)(5)(ii)(D)"), "21 CFR 11.300(b)"}, Try: newPasswordCheck(s).try,
	}, {
		ID: "identity.stolen-tokens", Title: "A code or refresh token that comes twice ends all that came of it",
		Controls: []string{"P05", "P07", hipaa("312(d)")}, Try: newStolenCheck(s).try,
	}, {
		ID: "identity.idle-session", Title: "A session that lies idle counts no more",
		Controls: []string{"P07", hipaa("312(a)(2)(iii)")}, Try: newIdleCheck(s).try,
	}, {
		ID: "identity.session-cookies", Title: "The cookies of a login are nobody else's",
		Controls: []string{"P07", hipaa("312(d)"), hipaa("312(e)(1)")}, Try: cookieCheck{s, probe}.try,
	}, {
		ID: "identity.self-promotion", Title: "Nobody gives himself what only an administrator may",
		Controls: []string{"P08", "P09", hipaa("308(a)(3)(ii)(A)"), hipaa("308(a)(4)(ii)(B)")}, Try: newPromotionCheck(s).try,
	}, {
		ID: "access.across-tenants", Title: "A token of one tenant is worth nothing in another",
		Controls: []string{"P11", "P10", hipaa("312(a)(1)")}, Try: newTenantCheck(s, probe, c.Neighbours).try,
	}}
	for i := range list {
		list[i].Fresh = checkedFor
	}
	return list
}

// seen is evidence of a verdict.
func seen(on string, v tutela.Verdict, format string, args ...any) tutela.Evidence {
	return tutela.Evidence{On: on, Verdict: v, Observed: fmt.Sprintf(format, args...)}
}

// unseen is evidence of nothing: the check could not look.
func unseen(on string, err error) tutela.Evidence {
	return seen(on, tutela.CouldNotCheck, "%v", err)
}

// verdictOf passes what was observed unless something is wrong, which it names first.
func verdictOf(on string, wrong []string, format string, args ...any) tutela.Evidence {
	if len(wrong) > 0 {
		return seen(on, tutela.Fail, "%s", strings.Join(wrong, "; "))
	}
	return seen(on, tutela.Pass, format, args...)
}

// some names up to three of a list, by ids: a username says who works or is treated here.
func some[T any](list []T, id func(T) string) string {
	var names []string
	for _, v := range list[:min(len(list), 3)] {
		names = append(names, id(v))
	}
	slices.Sort(names)
	text := strings.Join(names, ", ")
	if n := len(list) - len(names); n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func userID(a account) string { return string(a.ID) }
