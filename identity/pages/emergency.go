package pages

import (
	"net/http"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

const emergencyPage = "/emergency"

// timeToFill is how old the proof of a second factor may be where the form is shown: breaking the glass
// wants one of five minutes at most.
const timeToFill = 3 * time.Minute

// emergencyBody is what the page of emergency access draws.
type emergencyBody struct {
	Running []Emergency
	Minutes int
	Proved  bool // lately enough to fill the form in and send it
	Form    EmergencyAsk
}

// emergency shows a person's open emergencies, and asks who and why for another one.
func emergency(v *visit) error { return v.drawEmergency(http.StatusOK, EmergencyAsk{}, problem{}) }

func (v *visit) drawEmergency(status int, form EmergencyAsk, wrong problem) error {
	running, life, err := v.pages.desk.Running(v.r.Context(), v.by())
	if err != nil {
		return err
	}
	b := emergencyBody{Running: running, Minutes: int(life / time.Minute), Form: form}
	b.Proved = form != EmergencyAsk{} || v.pages.identity.Recent(v.session, timeToFill) // nobody types it twice
	return render(v, "emergency", status, page[emergencyBody]{Title: "Emergency access", Place: "emergency", Me: v.me(), Token: v.token(),
		Notice: notice(v.r.URL.Query().Get("done")), Problem: wrong, Body: b})
}

// breakGlass opens one patient to the session for minutes. Whether there is such a patient makes no
// difference to what is shown.
func breakGlass(v *visit) error {
	ask := EmergencyAsk{
		Patient: strings.TrimPrefix(strings.TrimSpace(v.value("patient")), "Patient/"), Reason: v.value("reason"), Purpose: tutela.Purpose(v.value("purpose")),
	}
	switch {
	case !isID(ask.Patient):
		return v.drawEmergency(http.StatusUnprocessableEntity, ask, problem{"patient", "Give the patient's id, as in 123."})
	case ask.Purpose != tutela.PurposeEmergency:
		return v.drawEmergency(http.StatusUnprocessableEntity, ask, problem{"purpose", "Emergency access is for emergency treatment alone: say that it is."})
	}
	err := v.pages.desk.Break(v.r.Context(), v.by(), ask)
	if errs.Is(err, errs.Unauthenticated) { // the proof has become too old since the form was sent
		v.redirect(withReturn("/account/verify", emergencyPage))
		return nil
	}
	if err != nil {
		status, wrong, err := amiss("reason", err)
		if err != nil {
			return err
		}
		return v.drawEmergency(status, ask, wrong)
	}
	v.redirect(emergencyPage + "?done=broken")
	return nil
}

// endEmergency ends one of the person's own.
func endEmergency(v *visit) error {
	if err := v.pages.desk.End(v.r.Context(), v.by(), v.value("emergency")); err != nil {
		return err
	}
	v.redirect(emergencyPage + "?done=unbroken")
	return nil
}
