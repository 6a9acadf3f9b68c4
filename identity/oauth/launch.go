package oauth

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// launchRequest is what an EHR says as it starts an application for its person.
type launchRequest struct {
	Client    string `json:"client_id"`
	Patient   string `json:"patient"`
	Encounter string `json:"encounter"`
	Banner    bool   `json:"need_patient_banner"`
}

// launchAnswer is what the EHR hands to the application; URL is the whole address to open.
type launchAnswer struct {
	Launch string `json:"launch"`
	URL    string `json:"url,omitempty"`
}

// launch keeps what the EHR has open (SMART App Launch 2.2, "EHR Launch"). Only an application of
// this organisation may say it: another could pick a context that its person did not.
func (s *Server) launch(w http.ResponseWriter, r *http.Request) {
	p, err := s.identity.Authenticate(r.Context(), r.Header.Get("Authorization"))
	if isNobody(err) {
		s.refuseBearer(w, http.StatusUnauthorized, codeInvalidToken)
		return
	}
	p.Address = httpx.Peer(r)
	var out launchAnswer
	if err == nil {
		out, err = s.startLaunch(w, r, p)
	}
	if errs.Is(err, errs.Denied) {
		s.refuseBearer(w, http.StatusForbidden, codeInsufficientScope)
		return
	}
	if err != nil {
		s.refuse(w, r, protocol(err, codeInvalidRequest))
		return
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Server) startLaunch(w http.ResponseWriter, r *http.Request, p tutela.Principal) (launchAnswer, error) {
	body, err := httpx.Body(w, r, maxParams)
	if err != nil {
		return launchAnswer{}, err
	}
	var ask launchRequest
	if json.Unmarshal(body, &ask) != nil || ask.Patient != "" && !isID(ask.Patient) || ask.Encounter != "" && !isID(ask.Encounter) {
		return launchAnswer{}, badRequest(codeInvalidRequest, `send {"client_id": …, "patient": ID, "encounter": ID, "need_patient_banner": true or false}`)
	}
	ehr, err := s.identity.Client(r.Context(), p.Client)
	if errs.Is(err, errs.NotFound) || err == nil && !ehr.FirstParty {
		return launchAnswer{}, errs.New(errs.Denied, "only an application of this organisation launches others")
	}
	if err != nil {
		return launchAnswer{}, err
	}
	text, err := s.identity.StartLaunch(r.Context(), p, identity.Launch{
		Client: ask.Client, Patient: tutela.PatientID(ask.Patient), Encounter: ask.Encounter, Banner: ask.Banner,
	})
	if err != nil {
		return launchAnswer{}, err
	}
	c, err := s.identity.Client(r.Context(), ask.Client)
	out := launchAnswer{Launch: text}
	if c.LaunchURI != "" {
		out.URL = withQuery(c.LaunchURI, url.Values{"iss": {s.cfg.FHIR}, "launch": {text}})
	}
	return out, err
}
