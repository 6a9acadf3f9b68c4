package server

import (
	"context"
	"net/http"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/privacy/handout"
	"github.com/tutela-health/tutela/privacy/rights"
)

// accounting is a patient's disclosures with what it takes to check them alone.
type accounting struct {
	Patient string        `json:"patient"`
	From    time.Time     `json:"from"`
	Keys    []string      `json:"keys"` // the ledger's verifier keys (C2SP signed-note)
	Lines   []rights.Line `json:"lines"`
}

// disclosures answers to whom a patient's data was disclosed. What an agency asked to withhold is for the
// officer alone.
func (s *Server) disclosures(ctx context.Context, c *call) (any, error) {
	v := c.request.URL.Query()
	a := rights.Accounts{All: v.Get("all") == "true", Withheld: !c.self()}
	if err := between(v.Get("from"), v.Get("to"), &a.From, &a.To); err != nil {
		return nil, err
	}
	lines, err := s.cfg.API.Rights.Disclosures(ctx, c.about, a)
	if err != nil {
		return nil, err
	}
	keys, err := s.cfg.Audit.VerifierKeys(ctx)
	return accounting{Patient: "Patient/" + string(c.about), From: a.From, Keys: keys, Lines: lines}, err
}

// between reads the two ends of a time.
func between(from, to string, into, until *time.Time) (err error) {
	for text, at := range map[string]*time.Time{from: into, to: until} {
		if text == "" {
			continue
		}
		if *at, err = time.Parse(time.RFC3339, text); err != nil {
			return errs.New(errs.Invalid, "from and to are times of RFC 3339, as in 2026-11-22T10:00:00Z")
		}
	}
	return nil
}

// disclosed names the entry of a disclosure.
type disclosed struct {
	Entry string `json:"entry"`
}

// disclose writes down what left by other means.
func (s *Server) disclose(ctx context.Context, c *call) (any, error) {
	var said struct {
		Date      time.Time     `json:"date"`
		Recipient string        `json:"recipient"`
		Address   string        `json:"address"`
		What      string        `json:"what"`
		Purpose   string        `json:"purpose"`
		Ground    rights.Ground `json:"ground"`
		Withheld  time.Time     `json:"withheld_until"`
		Oral      bool          `json:"oral"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	id, err := s.cfg.API.Rights.Disclose(ctx, c.entry, c.about, rights.Disclosure{
		Date: said.Date, Recipient: said.Recipient, Address: said.Address, What: said.What, Purpose: said.Purpose, Ground: said.Ground,
		Withheld: said.Withheld, Oral: said.Oral,
	})
	c.written = err == nil
	return disclosed{id}, err
}

// patientAccesses answers who looked at a patient's data.
func (s *Server) patientAccesses(ctx context.Context, c *call) (any, error) {
	v := c.request.URL.Query()
	var from, to time.Time
	if err := between(v.Get("from"), v.Get("to"), &from, &to); err != nil {
		return nil, err
	}
	return s.cfg.API.Rights.Looks(ctx, c.about, from, to)
}

// exportPatient gives the copy of all that concerns a patient, as a FHIR Bundle or as a document for people.
// Every page of it is decided, and in the ledger, by the FHIR API.
func (s *Server) exportPatient(w http.ResponseWriter, r *http.Request) {
	purpose := tutela.Purpose(r.URL.Query().Get("purpose"))
	format := r.URL.Query().Get("format")
	if format != "" && format != "bundle" && format != "html" || purpose != "" && purpose != tutela.PurposeLegal && purpose != tutela.PurposePatient {
		err := errs.New(errs.Invalid, "format is bundle or html, purpose %s or %s", tutela.PurposePatient, tutela.PurposeLegal)
		_, err = s.recorded(r.Context(), s.newCall(r, tutela.ActionPatientExport), nil, err)
		s.refuse(w, r, err)
		return
	}
	h, err := s.handout(r.Context(), httpx.Principal(r.Context()), tutela.PatientID(r.PathValue("id")), purpose)
	var body []byte
	kind, name := "application/fhir+json", "records.json"
	switch {
	case err != nil:
	case format == "html":
		kind, name = "text/html; charset=utf-8", "records.html"
		body, err = h.HTML()
	default:
		body, err = h.Bundle()
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(body)
}

// handout gathers the copy for a caller.
func (s *Server) handout(ctx context.Context, caller tutela.Principal, patient tutela.PatientID, purpose tutela.Purpose) (*handout.Handout, error) {
	list, whole, err := s.cfg.FHIR.Copy(ctx, caller, patient, purpose)
	if err != nil {
		return nil, err
	}
	h := &handout.Handout{Patient: patient, Made: s.cfg.Clock().UTC(), By: caller.Username, Whole: whole}
	for _, res := range list {
		h.Entries = append(h.Entries, handout.Entry(res))
	}
	return h, nil
}
