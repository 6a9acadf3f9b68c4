package fhir

import (
	"context"
	"net/http"
	"slices"
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
	list := slices.Concat(closed(on), kept(on))
	for i := range list {
		list[i].Fresh = 24 * time.Hour
	}
	return list
}

// playing makes a check of a play.
type playing = func(func(context.Context, *stage) (wrong []string, told string, err error)) func(context.Context) tutela.Evidence

// closed: what is not for a caller.
func closed(on playing) []tutela.Check {
	return []tutela.Check{{
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
	}, {
		ID: "access.scopes-hold", Title: "A token reaches what its scope says, and nothing beyond",
		Controls: []string{"P09", "P05", "45 CFR 164.312(a)(1)", "45 CFR 164.502(b)"}, Try: on(scopesHold),
	}, {
		ID: "access.own-chart-only", Title: "A patient sees himself, and nobody else",
		Controls: []string{"P09", "P15", "45 CFR 164.312(a)(1)", "GDPR 15"}, Try: on(ownChartOnly),
	}, {
		ID: "access.offices-see-no-chart", Title: "Who runs the house sees no patient's record",
		Controls: []string{"P09", "P08", "45 CFR 164.308(a)(4)(ii)(B)", "45 CFR 164.502(b)"}, Try: on(officesSeeNoChart),
	}, {
		ID: "access.readers-write-nothing", Title: "Who may only look changes nothing",
		Controls: []string{"P09", "45 CFR 164.312(c)(1)", "21 CFR 11.10(g)"}, Try: on(readersWriteNothing),
	}}
}

// kept: what becomes of what is written.
func kept(on playing) []tutela.Check {
	return []tutela.Check{{
		ID: "records.kept-as-written", Title: "What was written is read back as it was, before an amendment and after it",
		Controls: []string{"P01", "P12", "45 CFR 164.312(c)(1)", "21 CFR 11.10(b)", "21 CFR 11.10(e)"}, Try: on(keptAsWritten),
	}, {
		ID: "records.no-lost-update", Title: "Nobody overwrites what he has not seen",
		Controls: []string{"P01", "45 CFR 164.312(c)(1)"}, Try: on(noLostUpdate),
	}, {
		ID: "records.whole-transactions", Title: "A transaction is done whole or not at all",
		Controls: []string{"P01", "45 CFR 164.312(c)(1)"}, Try: on(wholeTransactions),
	}, {
		ID: "records.index-follows", Title: "A search finds what is there now, and nothing else",
		Controls: []string{"P01", "45 CFR 164.312(c)(1)"}, Try: on(indexFollows),
	}, {
		ID: "records.conformance-told", Title: "The capability statement says what is so",
		Controls: []string{"P01"}, Try: on(conformanceTold),
	}, {
		ID: "protect.refused-input", Title: "What is no sound resource is refused, and changes nothing",
		Controls: []string{"P14", "45 CFR 164.312(c)(1)"}, Try: on(refusedInput),
	}, {
		ID: "protect.inert-searches", Title: "A search is no command to a database or a browser",
		Controls: []string{"P14", "45 CFR 164.312(a)(1)"}, Try: on(inertSearches),
	}, {
		ID: "watch.access-recorded", Title: "No record is read, and no reading refused, without an entry",
		Controls: []string{"P12", "45 CFR 164.312(b)", "45 CFR 164.308(a)(1)(ii)(D)"}, Try: on(recorded),
	}}
}

// unguarded is the API for callers who need no token to be known.
func (h *Handler) unguarded() http.Handler {
	mux := http.NewServeMux()
	h.Routes(mux, playedPrefix, func(next http.Handler) http.Handler { return next })
	return mux
}
