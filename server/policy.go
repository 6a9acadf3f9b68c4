package server

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
)

// explainable are the actions on a resource that is there.
func explainable(a tutela.Action) bool {
	switch a { //nolint:exhaustive // all others are on no resource that is there
	case tutela.ActionRead, tutela.ActionVRead, tutela.ActionHistory, tutela.ActionSearch, tutela.ActionUpdate, tutela.ActionDelete:
		return true
	}
	return false
}

// explainPolicy says what an account may with a resource as both are now, and why. It shows nothing of
// the resource but what decisions turn on.
func (s *Server) explainPolicy(ctx context.Context, c *call) (any, error) {
	var asked struct {
		As       string        `json:"as"`
		Resource string        `json:"resource"`
		Action   tutela.Action `json:"action"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if asked.Action == "" {
		asked.Action = tutela.ActionRead
	}
	typ, id, ok := strings.Cut(asked.Resource, "/")
	if !ok || !explainable(asked.Action) {
		return nil, errs.New(errs.Invalid, "the resource is written as Observation/123, and the action is read, vread, history-instance, search-type, update or delete")
	}
	c.section, c.patient = explanationAsked(asked.As, asked.Resource), tutela.BucketGeneral
	u, err := s.cfg.Identity.User(ctx, asked.As)
	if err != nil {
		return nil, err
	}
	out, err := s.cfg.FHIR.Explain(ctx, s.cfg.Identity.CallerOf(u), tutela.Ref{Type: typ, ID: id}, asked.Action)
	if err != nil {
		return nil, err
	}
	c.entry.Type = typ
	c.concerns(out.Patients)
	return out, nil
}

// concerns has the entry name whom the call was about. Of one patient, what was asked lies under that
// patient's key.
func (c *call) concerns(patients []tutela.Bucket) {
	for _, p := range patients {
		c.entry.Patients = append(c.entry.Patients, tutela.Touched{Patient: p})
	}
	if len(patients) == 1 {
		c.patient = patients[0]
	}
}

// explanationAsked is the personal part of an entry: about whose access to what was asked.
func explanationAsked(as, resource string) []byte {
	b, err := json.Marshal(map[string]string{"query": resource, "as": as})
	if err != nil {
		return nil
	}
	return b
}

// longestReplay bounds how far back requests are asked again.
const longestReplay = 31 * 24 * time.Hour

// diffPolicies says what other policies would have decided on the requests of late. Labels and consents
// are for the privacy officer: policies that somebody writes to ask for one would tell it.
func (s *Server) diffPolicies(ctx context.Context, c *call) (any, error) {
	var asked struct {
		Files access.Files `json:"files"`
		Whole bool         `json:"whole"`
		Since time.Time    `json:"since"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	now := s.cfg.Clock()
	if asked.Since.IsZero() || asked.Since.After(now) || now.Sub(asked.Since) > longestReplay {
		return nil, errs.New(errs.Invalid, "since is a time of the last 31 days")
	}
	other, err := candidate(s.cfg.Access.Policies(), asked.Files, asked.Whole)
	if err != nil {
		return nil, err
	}
	deep := slices.Contains(c.caller.Roles, string(access.RolePrivacy))
	c.entry.Subject = &tutela.Subject{Kind: "policies", ID: other.Version(), Detail: "requests since " + asked.Since.UTC().Format(time.RFC3339)}
	if deep {
		c.entry.Subject.Detail += ", with labels and consents"
	}
	return s.cfg.FHIR.Replay(ctx, s.cfg.Identity.CallerByID, other, asked.Since, deep)
}

// candidate are the policies to compare with: files in the place of those in force, or whole policies.
func candidate(in *access.Policies, files access.Files, whole bool) (*access.Policies, error) {
	for name := range files {
		if !access.PolicyFile(name) {
			return nil, errs.New(errs.Invalid, "policies are files named *.cedar, schema.cedarschema and classes.json")
		}
	}
	var other *access.Policies
	var err error
	switch {
	case len(files) == 0:
		return nil, errs.New(errs.Invalid, "no policy file was sent")
	case whole:
		other, err = access.LoadPolicies(files)
	case in == nil:
		return nil, errs.New(errs.Unprocessable, "no policy is in force to compare with")
	default:
		other, err = in.With(files)
	}
	if err != nil {
		return nil, errs.New(errs.Unprocessable, "%s", err.Error())
	}
	return other, nil
}
