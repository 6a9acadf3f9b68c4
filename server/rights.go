package server

import (
	"context"
	"net/http"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/privacy/rights"
	"github.com/tutela-health/tutela/r4"
)

// exercise mounts a call by which a patient's rights are exercised: decided on how the patient stands to
// the caller.
func (s *Server) exercise(mux *router, pattern string, action tutela.Action, f callFunc) {
	s.callAs(mux, pattern, action, s.concerns, f)
}

// concerns has a call be about the patient in its address.
func (s *Server) concerns(c *call) error {
	id, err := patientIn(c)
	if err == nil {
		s.aboutPatient(c, id)
	}
	return err
}

// patientIn is the patient in a call's address; errs.Invalid for what is no FHIR id.
func patientIn(c *call) (tutela.PatientID, error) {
	id := c.request.PathValue("id")
	if !r4.ValidID(id) {
		return "", errs.New(errs.Invalid, "a FHIR id has 1 to 64 letters, digits, '-' and '.'")
	}
	return tutela.PatientID(id), nil
}

func (s *Server) aboutPatient(c *call, id tutela.PatientID) {
	c.about = id
	c.entry.Type = "Patient"
	c.entry.Patients = []tutela.Touched{{Patient: s.cfg.API.Bucket(id)}}
	c.section, c.patient = patientAsked(string(id)), tutela.BucketGeneral
}

// self reports whether a patient calls about himself.
func (c *call) self() bool { return access.Self(c.caller, c.about) }

// restricted is what is restricted of a patient.
type restricted struct {
	Since    time.Time        `json:"since"`
	Purposes []tutela.Purpose `json:"purposes"`
}

// rightsRequest is a request as a list shows it.
type rightsRequest struct {
	rights.Request

	DaysLeft *int `json:"days_left,omitempty"`
	Overdue  bool `json:"overdue"`
}

func (s *Server) requestOf(r rights.Request) rightsRequest {
	now := s.cfg.Clock()
	out := rightsRequest{Request: r, Overdue: r.Overdue(now)}
	if left, ok := r.DaysLeft(now); ok {
		out.DaysLeft = &left
	}
	return out
}

func (s *Server) requestsOf(list []rights.Request) []rightsRequest {
	out := make([]rightsRequest, len(list))
	for i, r := range list {
		out[i] = s.requestOf(r)
	}
	return out
}

// patientRequests are a patient's requests, and what is restricted of him.
type patientRequests struct {
	Restricted *restricted     `json:"restricted,omitempty"`
	Requests   []rightsRequest `json:"requests"`
}

func (s *Server) ownRequests(ctx context.Context, c *call) (any, error) {
	list, err := s.cfg.API.Rights.RequestsOf(ctx, c.about)
	if err != nil {
		return nil, err
	}
	out := patientRequests{Requests: s.requestsOf(list)}
	held, err := s.cfg.API.Rights.Of(ctx, c.about)
	if held != nil {
		out.Restricted = &restricted{held.Since, append([]tutela.Purpose{}, held.Purposes...)}
	}
	return out, err
}

// askRight takes a request in.
func (s *Server) askRight(ctx context.Context, c *call) (any, error) {
	var said struct {
		Kind       rights.Kind       `json:"kind"`
		Regulation rights.Regulation `json:"regulation"`
		Detail     string            `json:"detail"`
		Purposes   []tutela.Purpose  `json:"purposes"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	r, err := s.cfg.API.Rights.Open(ctx, c.entry, rights.Ask{
		Patient: c.about, Kind: said.Kind, Regulation: said.Regulation, Detail: said.Detail, Purposes: said.Purposes, By: c.caller,
	})
	c.written = err == nil
	return s.requestOf(r), err
}

// allRequests lists everybody's, the soonest due first.
func (s *Server) allRequests(ctx context.Context, c *call) (any, error) {
	list, err := s.cfg.API.Rights.Requests(ctx, c.request.URL.Query().Get("closed") == "true")
	return s.requestsOf(list), err
}

// decided is what is said with a step of a request.
type decided struct {
	Reason  string `json:"reason"`
	Erasure string `json:"erasure"`
}

// requestStep mounts a step of a request.
func (s *Server) requestStep(mux *router, name string, step func(context.Context, *call, string, decided) (rights.Request, error)) {
	s.call(mux, "POST /api/v1/requests/{id}/"+name, tutela.ActionRightsDecide, func(ctx context.Context, c *call) (any, error) {
		var said decided
		if err := c.decode(&said); err != nil {
			return nil, err
		}
		r, err := step(ctx, c, c.request.PathValue("id"), said)
		c.written = err == nil
		return s.requestOf(r), err
	})
}

// notifyRecipient writes down that a recipient was told.
func (s *Server) notifyRecipient(ctx context.Context, c *call) (any, error) {
	var said struct {
		Recipient string `json:"recipient"`
		How       string `json:"how"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	r, err := s.cfg.API.Rights.Notify(ctx, c.caller, c.entry, c.request.PathValue("id"), rights.Notice{Recipient: said.Recipient, How: said.How})
	c.written = err == nil
	return s.requestOf(r), err
}

// recipients are those who are yet to be told.
type recipients struct {
	Recipients []string `json:"recipients"`
}

func (s *Server) recipients(ctx context.Context, c *call) (any, error) {
	list, err := s.cfg.API.Rights.Recipients(ctx, c.request.PathValue("id"))
	return recipients{append([]string{}, list...)}, err
}

// restrict has a patient's records kept and not used, and lift ends that.
func (s *Server) restrict(ctx context.Context, c *call) (any, error) {
	var said struct {
		Purposes []tutela.Purpose `json:"purposes"`
		Reason   string           `json:"reason"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	if err := s.cfg.API.Rights.Restrict(ctx, c.entry, c.about, said.Purposes, said.Reason); err != nil {
		return nil, err
	}
	c.written = true
	return s.restriction(ctx, c)
}

func (s *Server) lift(ctx context.Context, c *call) (any, error) {
	var said struct {
		Reason string `json:"reason"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	if err := s.cfg.API.Rights.Lift(ctx, c.entry, c.about, said.Reason); err != nil {
		return nil, err
	}
	c.written = true
	return s.restriction(ctx, c)
}

// restrictionNow is what holds after a change.
type restrictionNow struct {
	Restricted *restricted `json:"restricted,omitempty"`
}

func (s *Server) restriction(ctx context.Context, c *call) (any, error) {
	held, err := s.cfg.API.Rights.Of(ctx, c.about)
	if err != nil || held == nil {
		return restrictionNow{}, err
	}
	return restrictionNow{&restricted{held.Since, append([]tutela.Purpose{}, held.Purposes...)}}, nil
}

// rightsRoutes are those of patients' rights.
func (s *Server) rightsRoutes(mux *router) {
	if s.cfg.API.Rights == nil {
		return
	}
	r := s.cfg.API.Rights
	s.exercise(mux, "GET /api/v1/patients/{id}/requests", tutela.ActionRightsRead, s.ownRequests)
	s.exercise(mux, "POST /api/v1/patients/{id}/requests", tutela.ActionRightsAsk, s.askRight)
	s.exercise(mux, "POST /api/v1/patients/{id}/restriction", tutela.ActionPatientRestrict, s.restrict)
	s.exercise(mux, "POST /api/v1/patients/{id}/restriction/lift", tutela.ActionPatientRestrict, s.lift)
	s.exercise(mux, "GET /api/v1/patients/{id}/disclosures", tutela.ActionPatientDisclosures, s.disclosures)
	s.exercise(mux, "POST /api/v1/patients/{id}/disclosures", tutela.ActionPatientDisclose, s.disclose)
	s.exercise(mux, "GET /api/v1/patients/{id}/accesses", tutela.ActionPatientAccesses, s.patientAccesses)
	mux.actions["GET /api/v1/patients/{id}/export"] = tutela.ActionPatientExport
	mux.Handle("GET /api/v1/patients/{id}/export", s.guarded(http.HandlerFunc(s.exportPatient)))
	s.call(mux, "GET /api/v1/requests", tutela.ActionRightsList, s.allRequests)
	s.requestStep(mux, "extend", func(ctx context.Context, c *call, id string, d decided) (rights.Request, error) {
		return r.Extend(ctx, c.caller, c.entry, id, d.Reason)
	})
	s.requestStep(mux, "grant", func(ctx context.Context, c *call, id string, d decided) (rights.Request, error) {
		return r.Grant(ctx, c.caller, c.entry, id, d.Reason)
	})
	s.requestStep(mux, "refuse", func(ctx context.Context, c *call, id string, d decided) (rights.Request, error) {
		return r.Refuse(ctx, c.caller, c.entry, id, d.Reason)
	})
	s.requestStep(mux, "fulfil", func(ctx context.Context, c *call, id string, d decided) (rights.Request, error) {
		return r.Fulfil(ctx, c.caller, c.entry, id, d.Reason, d.Erasure)
	})
	s.call(mux, "POST /api/v1/requests/{id}/notices", tutela.ActionRightsDecide, s.notifyRecipient)
	s.call(mux, "GET /api/v1/requests/{id}/recipients", tutela.ActionRightsList, s.recipients)
}
