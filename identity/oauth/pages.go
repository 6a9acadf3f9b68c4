package oauth

import (
	"net/http"

	"github.com/tutela-health/tutela"
)

// Pages draws what a person sees of an authorization. Implementations MUST answer the request
// whole, MUST send every form by POST to the view's Action with its Request in the field
// "request", and MUST allow FormTarget, where there is one, in the page's form-action.
type Pages interface {
	// Login proves a person and comes back to returnTo, a path of this server. Where a session
	// lives, it MUST ask for a fresh proof all the same: it is called when the old is not enough.
	Login(w http.ResponseWriter, r *http.Request, returnTo string)
	// Consent asks whether the client may have the scopes. Its form sends "decision", allow or
	// deny, and a "scope" for each scope that stays ticked.
	Consent(w http.ResponseWriter, r *http.Request, v ConsentView)
	// PickPatient asks whose chart the client shall see. Its form sends the id as "patient",
	// or "decision" deny. It MUST offer only patients that the account may see.
	PickPatient(w http.ResponseWriter, r *http.Request, v PickView)
	// Logout asks whether to end the session. Its form sends "decision", allow or deny.
	Logout(w http.ResponseWriter, r *http.Request, v LogoutView)
	// LoggedOut says that the session has ended.
	LoggedOut(w http.ResponseWriter, r *http.Request)
	// Error says what is wrong with a request that must not be sent back to where it came from.
	Error(w http.ResponseWriter, r *http.Request, v ErrorView)
}

// Form is what every form of an authorization needs.
type Form struct {
	Action     string // where it posts to, a path of this server
	Request    string // sealed; the value of the hidden field "request"
	FormTarget string // origin or scheme to which the answer leads, for form-action; empty when it stays here
}

// ClientView is what a person is told of a client.
type ClientView struct {
	ID   string
	Name string
	Host string // of the address that the answer goes to
}

// ConsentView is a question for consent.
type ConsentView struct {
	Form
	Client  ClientView
	User    string // username
	Patient tutela.PatientID
	Scopes  []ScopeView
}

// ScopeView is one scope of a question. Resource is set for scopes on FHIR resources.
type ScopeView struct {
	Scope    string // value of the field "scope"
	Required bool   // cannot be unticked: openid
	Resource *tutela.Scope
}

// PickView is a question for a patient.
type PickView struct {
	Form
	Client ClientView
	User   tutela.UserID
}

// LogoutView is a question whether to end the session. Client is zero when nobody is named.
type LogoutView struct {
	Form
	Client ClientView
}

// ErrorView is an error that a person reads.
type ErrorView struct {
	Status int
	Code   string // of RFC 6749, 4.1.2.1
	Text   string
}
