package pages

import (
	"context"
	"net/http"
	"time"

	"github.com/tutela-health/tutela"
)

const recordsPage = "/account/records"

// Records is what a patient's own page asks of the planes. Every call is decided for who asks, and is in the
// ledger before it answers.
type Records interface {
	// Looked gives the newest accesses that reached the caller's own records.
	Looked(ctx context.Context, by tutela.Principal) ([]Look, error)
	// Requests gives the rights that the caller has exercised.
	Requests(ctx context.Context, by tutela.Principal) ([]RightsRequest, error)
	// Ask exercises one.
	Ask(ctx context.Context, by tutela.Principal, ask RightsAsk) error
	// Copy gives a copy of the caller's records: as a document, or as a FHIR Bundle.
	Copy(ctx context.Context, by tutela.Principal, document bool) ([]byte, error)
}

// Look is one access to the visitor's records.
type Look struct {
	Time      time.Time
	Who       string
	Roles     []string
	Did, What string
	Emergency bool
}

// RightsRequest is a right that was exercised.
type RightsRequest struct {
	Kind, Law, State, Detail, Reason string
	Opened, Due                      time.Time // Due is zero where there is no such time
	Overdue                          bool
}

// RightsAsk is what somebody asks for.
type RightsAsk struct{ Kind, Law, Detail string }

// recordsBody is what the page of a patient's own records draws.
type recordsBody struct {
	Looks    []Look
	Requests []RightsRequest
	Form     RightsAsk
	Kinds    []choice
	Laws     []choice
}

// choice is one value of a list.
type choice struct{ Value, Label string }

func rightsKinds() []choice {
	return []choice{
		{"access", "See everything that is kept about me"}, {"portability", "Have my records for another service"}, {"rectification", "Have something corrected"},
		{"restriction", "Have my records kept and not used"}, {"erasure", "Have my records erased"}, {"accounting", "Know to whom they were given"},
	}
}

func rightsLaws() []choice {
	return []choice{{"gdpr", "European Union (GDPR)"}, {"hipaa", "United States (HIPAA)"}, {"ccpa", "California (CCPA)"}}
}

// records shows a patient who looked at his records, takes requests, and hands them out.
func records(v *visit) error { return v.drawRecords(http.StatusOK, RightsAsk{}, problem{}) }

func (v *visit) drawRecords(status int, form RightsAsk, wrong problem) error {
	b := recordsBody{Form: form, Kinds: rightsKinds(), Laws: rightsLaws()}
	var err error
	if b.Looks, err = v.pages.desk.Looked(v.r.Context(), v.by()); err != nil {
		return err
	}
	if b.Requests, err = v.pages.desk.Requests(v.r.Context(), v.by()); err != nil {
		return err
	}
	return render(v, "records", status, page[recordsBody]{Title: "Your records", Place: "records", Me: v.me(), Token: v.token(),
		Notice: notice(v.r.URL.Query().Get("done")), Problem: wrong, Body: b})
}

// askRight takes a request in.
func askRight(v *visit) error {
	ask := RightsAsk{Kind: v.value("kind"), Law: v.value("law"), Detail: v.value("detail")}
	if err := v.pages.desk.Ask(v.r.Context(), v.by(), ask); err != nil {
		status, wrong, err := amiss("detail", err)
		if err != nil {
			return err
		}
		return v.drawRecords(status, ask, wrong)
	}
	v.redirect(recordsPage + "?done=asked")
	return nil
}

// copyRecords hands the records out. It comes by a form: nothing that a browser fetches ahead takes them out.
func copyRecords(v *visit) error {
	document := v.value("as") == "document"
	kind, name := "application/fhir+json", "records.json"
	if document {
		kind, name = "text/html; charset=utf-8", "records.html"
	}
	text, err := v.pages.desk.Copy(v.r.Context(), v.by(), document)
	if err != nil {
		return err
	}
	head := v.w.Header()
	head.Set("Content-Type", kind)
	head.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = v.w.Write(text) // the peer may be gone
	return nil
}
