package fhir

import (
	"context"
	"net/http"
	"time"

	"github.com/tutela-health/tutela"
)

// Checks are what the API can show of itself by trying: that nobody gets at what is not his. Each invents
// patients and callers, asks as they would, and deletes the patients again. The callers are nobody's
// accounts; every request of theirs is decided, and in the ledger, like any other.
func (h *Handler) Checks() []tutela.Check { return h.checks(h.unguarded()) }

// checks are Checks that ask an API.
func (h *Handler) checks(api http.Handler) []tutela.Check {
	on := func(play func(context.Context, *stage) (wrong []string, told string, err error)) func(context.Context) tutela.Evidence {
		return func(ctx context.Context) tutela.Evidence { return h.played(ctx, api, play) }
	}
	list := []tutela.Check{{
		ID: "access.across-patients", Title: "Who treats one patient reaches no other",
		Controls: []string{"P09", "45 CFR 164.312(a)(1)", "45 CFR 164.308(a)(4)(ii)(B)"}, Try: on(acrossPatients),
	}, {
		ID: "access.through-includes", Title: "Nothing is included in an answer that a read would not show",
		Controls: []string{"P09", "45 CFR 164.312(a)(1)"}, Try: on(throughIncludes),
	}, {
		ID: "access.masked-element", Title: "What is hidden from a role cannot be found out by searching",
		Controls: []string{"P09", "45 CFR 164.502(b)", "45 CFR 164.514(d)"}, Try: on(maskedElement),
	}, {
		ID: "access.withdrawn-consent", Title: "A consent that was withdrawn opens nothing",
		Controls: []string{"P09", "45 CFR 164.508(b)(5)", "45 CFR 164.522(a)"}, Try: on(withdrawnConsent),
	}, {
		ID: "privacy.deidentified", Title: "Researchers and developers see nobody whom they could know",
		Controls: []string{"P18", "P09", "45 CFR 164.514(a)", "45 CFR 164.514(b)(2)", "GDPR 25"}, Try: on(seesNobody),
	}}
	for i := range list {
		list[i].Fresh = 24 * time.Hour
	}
	return list
}

// unguarded is the API for callers who need no token to be known.
func (h *Handler) unguarded() http.Handler {
	mux := http.NewServeMux()
	h.Routes(mux, playedPrefix, func(next http.Handler) http.Handler { return next })
	return mux
}
