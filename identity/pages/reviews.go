package pages

import (
	"net/http"
)

const reviewsPage = "/emergency/reviews"

// reviewsBody is what the list of emergencies draws for their reviewer.
type reviewsBody struct {
	Waiting, Closed []EmergencyCase
}

// reviews lists every emergency, those whose review is open first.
func reviews(v *visit) error {
	cases, err := v.pages.desk.Cases(v.r.Context(), v.by())
	if err != nil {
		return err
	}
	var b reviewsBody
	for _, c := range cases {
		if c.Reviewed.IsZero() {
			b.Waiting = append(b.Waiting, c)
		} else {
			b.Closed = append(b.Closed, c)
		}
	}
	return draw(v, "reviews", page[reviewsBody]{Title: "Emergency accesses", Place: "reviews", Me: v.me(), Token: v.token(), Body: b})
}

// reviewBody is what one emergency draws.
type reviewBody struct {
	Case    EmergencyCase
	Entries []entryRow
	Verdict string // as it was chosen
	Note    string
}

// review shows an emergency with what was done under it, and asks for a finding.
func review(v *visit) error { return v.drawReview(http.StatusOK, reviewBody{}, problem{}) }

func (v *visit) drawReview(status int, b reviewBody, wrong problem) error {
	found, entries, err := v.pages.desk.Case(v.r.Context(), v.by(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	b.Case, b.Entries = found, entryRows(entries)
	return render(v, "review", status, page[reviewBody]{Title: "Review of an emergency", Place: "reviews", Me: v.me(), Token: v.token(),
		Notice: notice(v.r.URL.Query().Get("done")), Problem: wrong, Body: b})
}

// closeReview closes the case with a finding. What is still open ends by it.
func closeReview(v *visit) error {
	b := reviewBody{Verdict: v.value("verdict"), Note: v.value("note")}
	if b.Verdict == "" {
		return v.drawReview(http.StatusUnprocessableEntity, b, problem{"verdict", "Say whether the access was justified."})
	}
	id := v.r.PathValue("id")
	return v.judged(b, v.pages.desk.Review(v.r.Context(), v.by(), id, b.Verdict, b.Note), "reviewed")
}

// revokeEmergency ends an emergency before its time.
func revokeEmergency(v *visit) error {
	return v.judged(reviewBody{}, v.pages.desk.Revoke(v.r.Context(), v.by(), v.r.PathValue("id")), "revoked")
}

// judged goes back to the case, with what was done or what was wrong.
func (v *visit) judged(b reviewBody, err error, done string) error {
	if err != nil {
		status, wrong, err := amiss("note", err)
		if err != nil {
			return err
		}
		return v.drawReview(status, b, wrong)
	}
	v.redirect(reviewsPage + "/" + v.r.PathValue("id") + "?done=" + done)
	return nil
}
