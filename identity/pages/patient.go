package pages

import (
	"net/http"
	"strings"

	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/internal/errs"
)

// patientBody is what the choice of a patient draws.
type patientBody struct {
	oauth.PickView
	Search   bool     // a name can be searched for
	Hidden   []hidden // what the search repeats of the address
	Name     string
	Patients []PatientChoice
}

type hidden struct{ Name, Value string }

// nameParam carries the name that is searched for, beside what the application asked.
const nameParam = "patient_name"

// PickPatient implements oauth.Pages. Staff look for a patient by name: nobody is shown who was
// not asked for.
func (a Authorize) PickPatient(w http.ResponseWriter, r *http.Request, q oauth.PickView) {
	v := a.pages.ask(w, r, q.Form)
	b := patientBody{PickView: q, Name: strings.TrimSpace(r.URL.Query().Get(nameParam))}
	if err := v.findPatients(&b); err != nil {
		v.fail(err)
		return
	}
	answer(v, "patient", http.StatusOK, page[patientBody]{Title: "Choose a patient", Body: b})
}

// findPatients fills in whom the session's bearer may choose.
func (v *visit) findPatients(b *patientBody) error {
	if err := person(v); err != nil {
		return err
	}
	if v.user.Patient != "" {
		b.Patients = []PatientChoice{{ID: v.user.Patient, Name: "Your own record"}}
		return nil
	}
	if v.pages.patients == nil || v.r.Method != http.MethodGet {
		return nil
	}
	b.Search = true
	for name, values := range v.r.URL.Query() {
		if name != nameParam && len(values) > 0 {
			b.Hidden = append(b.Hidden, hidden{name, values[0]})
		}
	}
	if b.Name == "" {
		return nil
	}
	var err error
	b.Patients, err = v.pages.patients(v.r.Context(), v.by(), b.Name)
	if errs.Is(err, errs.Denied) {
		return nil // whoever may see no patient is shown none
	}
	return err
}
