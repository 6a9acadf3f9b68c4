package pages

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
)

// Desk is what the pages about emergency access and about the ledger ask of the planes that keep them.
// Every call is decided for who asks and is in the ledger before it answers, a refusal too
// (errs.Denied). What is not there is errs.NotFound.
type Desk interface {
	Records
	Reports

	// Offers says what an account may do, so that pages lead there. It decides nothing.
	Offers(ctx context.Context, by tutela.Principal) Offers
	// Running gives the emergencies that are open to the caller's session, and how long a new one lasts.
	Running(ctx context.Context, by tutela.Principal) ([]Emergency, time.Duration, error)
	// Break opens one. errs.Unauthenticated: the second factor must be proved anew.
	Break(ctx context.Context, by tutela.Principal, ask EmergencyAsk) error
	// End ends one of the caller's own.
	End(ctx context.Context, by tutela.Principal, id string) error
	// Cases gives all emergencies, those whose review is open first.
	Cases(ctx context.Context, by tutela.Principal) ([]EmergencyCase, error)
	// Case gives one, with the entries about it and of every access under it.
	Case(ctx context.Context, by tutela.Principal, id string) (EmergencyCase, []tutela.Entry, error)
	// Review closes a case with a verdict and a note.
	Review(ctx context.Context, by tutela.Principal, id, verdict, note string) error
	// Revoke ends anybody's emergency; its review stays open.
	Revoke(ctx context.Context, by tutela.Principal, id string) error
	// Accesses gives the newest entries that answer a question, without their personal parts.
	Accesses(ctx context.Context, by tutela.Principal, q AccessQuery) ([]tutela.Entry, error)
}

// Offers are the pages that lead somewhere for an account.
type Offers struct {
	Console  bool // for staff
	Break    bool // the glass, in an emergency
	Review   bool // emergencies
	Accesses bool // of everybody
	Records  bool // of the account's own
	Report   bool // that something is wrong
}

// Emergency is access that is open.
type Emergency struct {
	ID      string
	Patient string // Patient/ID
	Opened  time.Time
	Until   time.Time
}

// EmergencyAsk is what somebody says who breaks the glass.
type EmergencyAsk struct {
	Patient string // its id
	Reason  string
	Purpose tutela.Purpose
}

// EmergencyCase is an emergency as its reviewer sees it.
type EmergencyCase struct {
	Emergency
	By       string // username
	Reason   string
	Accesses int  // that really reached the patient
	Open     bool // it counts yet

	Reviewed time.Time // zero while the review is open
	Reviewer string
	Verdict  string
	Note     string
}

// AccessQuery is a question to the ledger: to whose data, by whom, or which entry. Empty is any.
type AccessQuery struct {
	Patient tutela.PatientID
	Actor   tutela.UserID
	Entry   string // its id
	From    time.Time
	To      time.Time
}

// offers are those of the account that visits.
func (v *visit) offers() Offers {
	if v.pages.desk == nil {
		return Offers{}
	}
	return v.pages.desk.Offers(v.r.Context(), v.by())
}
