package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/changelog"
	"github.com/tutela-health/tutela/supply/evidence"
)

// maxRecorded is how many entries of an action are asked for: the newest.
const maxRecorded = 10_000

// recordedEntry is an entry of the ledger as a search shows it, with its general section.
type recordedEntry struct {
	Entry    tutela.Entry `json:"entry"`
	Personal []struct {
		Body json.RawMessage `json:"body"`
	} `json:"personal"`
}

// recorded asks the ledger what it has of a repository.
func (cl *client) recorded(ctx context.Context, address string) (r changelog.Recorded, err error) {
	name := attest.Repository(address)
	err = cl.eachRecorded(ctx, tutela.ActionPipelineReport, func(e recordedEntry, body []byte) {
		var said evidence.Said
		if json.Unmarshal(body, &said) != nil || said.Repository != name || said.Commit == "" {
			return
		}
		if said.Predicate == attest.TypeTestResult {
			r.Gates = append(r.Gates, changelog.GateResult{
				Commit: said.Commit, At: e.Entry.Time, Pipeline: said.Pipeline, Result: said.Result, Reasons: said.Reasons, URL: said.URL, Entry: e.Entry.ID,
			})
		}
		for _, w := range said.Waivers {
			r.Waivers = append(r.Waivers, changelog.Used{
				Commit: said.Commit, Rule: w.Rule, Reason: w.Reason, Owner: w.Owner, Approver: w.Approver, Expires: w.Expires, Findings: w.Findings, Entry: e.Entry.ID,
			})
		}
	})
	if err != nil {
		return r, err
	}
	err = cl.eachRecorded(ctx, tutela.ActionPipelineApprove, func(e recordedEntry, body []byte) {
		var said struct{ Repository, Commit, Note string }
		if json.Unmarshal(body, &said) == nil && said.Repository == name {
			r.Approvals = append(r.Approvals, changelog.Answer{
				Commit: said.Commit, At: e.Entry.Time, Who: e.Entry.Actor.Name, Roles: e.Entry.Actor.Roles, Note: said.Note, Entry: e.Entry.ID,
			})
		}
	})
	return r, err
}

// eachRecorded calls f for each entry of an action that succeeded, with what it says.
func (cl *client) eachRecorded(ctx context.Context, action tutela.Action, f func(recordedEntry, []byte)) error {
	q := url.Values{"action": {string(action)}, "outcome": {string(tutela.OutcomeSuccess)}, "personal": {"true"}, "limit": {fmt.Sprint(maxRecorded)}}
	body, err := cl.json(ctx, http.MethodGet, "/api/v1/ledger/entries?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	var list []recordedEntry
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode entries: %w", err)
	}
	for _, e := range list {
		for _, p := range e.Personal {
			f(e, p.Body)
		}
	}
	return nil
}
