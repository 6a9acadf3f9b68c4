package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/replay"
	"github.com/tutela-health/tutela/internal/clock"
)

type policyDiffCmd struct {
	target
	Path   []string      `arg:"" type:"path" help:"A policy folder; or files, which stand for those of the same names among the ones in force."`
	Since  time.Duration `default:"24h" help:"How far back to take requests from."`
	Format string        `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (policyDiffCmd) Help() string {
	return `Example: tutela policy diff policies --since 24h --data tutela-data
         tutela policy diff policies/office.cedar --as admin --data tutela-data

Takes the requests of that time from the ledger and asks them again, under the policies in force and under
these. Exit code 1: something would be newly allowed or shown. The ledger does not hold what was in records:
labels and consents are taken as they are now, and by the privacy officer alone; who treats whom, clearances
and a request's own resource are taken as they are now too. Of a search and of a refused request without a
resource it is said whether anything of the type becomes possible. On a stopped system it asks the store.`
}

// Run compares.
func (cmd policyDiffCmd) Run(ctx context.Context, c console) error {
	files, whole, err := cmd.files()
	if err != nil {
		return err
	}
	since := clock.System().Add(-cmd.Since).UTC()
	var body []byte
	if _, err = cmd.running(); errors.Is(err, errStopped) {
		body, err = cmd.stopped(ctx, c, files, whole, since)
	} else if err == nil {
		body, err = cmd.asked(ctx, files, whole, since)
	}
	if err != nil {
		return err
	}
	var report replay.Report
	if err := json.Unmarshal(body, &report); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(append(body, '\n'))
	} else {
		err = printDiff(c, report)
	}
	if err == nil && report.Opens() {
		return errFound
	}
	return err
}

// files reads what is to be compared with; whole says that it is all that there is.
func (cmd policyDiffCmd) files() (files access.Files, whole bool, err error) {
	paths := cmd.Path
	if info, err := os.Stat(paths[0]); err == nil && info.IsDir() {
		if len(paths) > 1 {
			return nil, false, usage("name one folder, or files")
		}
		whole = true
		if paths, err = filepath.Glob(filepath.Join(paths[0], "*")); err != nil {
			return nil, false, usage("%v", err)
		}
	}
	files = access.Files{}
	for _, path := range paths {
		name := filepath.Base(path)
		if !access.PolicyFile(name) {
			if whole {
				continue
			}
			return nil, false, usage("%s is no policy file: *.cedar, schema.cedarschema or classes.json", name)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, false, fmt.Errorf("read policies: %w", err)
		}
		files[name] = string(text)
	}
	return files, whole, nil
}

// asked asks the running server.
func (cmd policyDiffCmd) asked(ctx context.Context, files access.Files, whole bool, since time.Time) ([]byte, error) {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return nil, err
	}
	return client.json(ctx, http.MethodPost, "/api/v1/policy/diff", map[string]any{"files": files, "whole": whole, "since": since})
}

// stopped asks a store that no server runs on, which leaves its own entry.
func (cmd policyDiffCmd) stopped(ctx context.Context, c console, files access.Files, whole bool, since time.Time) (body []byte, err error) {
	s, err := cmd.open(ctx, c, "policy")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	other, err := s.candidate(files, whole)
	if err != nil {
		return nil, usage("%v", err)
	}
	e := tutela.Entry{
		Actor: systemActor("policy"), Action: tutela.ActionPolicyDiff, Outcome: tutela.OutcomeSuccess, PolicyVersion: s.access.Version(),
		Subject: &tutela.Subject{Kind: "policies", ID: other.Version(), Detail: "requests since " + since.Format(time.RFC3339) + ", with labels and consents"},
	}
	if _, err := s.audit.Append(ctx, e, nil); err != nil {
		return nil, err
	}
	report, err := s.fhir().Replay(ctx, s.identity.CallerByID, other, since, true)
	if err != nil {
		return nil, err
	}
	return json.Marshal(report)
}

// candidate are the policies to compare with.
func (s *system) candidate(files access.Files, whole bool) (*access.Policies, error) {
	if whole {
		return access.LoadPolicies(files)
	}
	return s.access.Policies().With(files)
}

// printDiff prints what would be different, and how well that is known.
func printDiff(c console, r replay.Report) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if len(r.Groups) > 0 {
		fmt.Fprintln(w, "CHANGE\tROLES\tACTION\tTYPE\tPATIENTS\tREQUESTS\tPOLICIES\tELEMENTS\tENTRIES")
	}
	for _, g := range r.Groups {
		change := string(g.Change)
		if g.Possible {
			change += " (possible)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", change, strings.Join(g.Roles, " "), g.Action, g.Type, g.Standing, g.Requests,
			strings.Join(g.Policies, " "), strings.Join(g.Elements, " "), places(g.Examples))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	more := ""
	if r.Limited {
		more = ", and there were more"
	}
	_, err := fmt.Fprintf(c.out, `%d requests since %s asked again%s: %s in force, compared with %s
approximated: labels and consents as of now for %d requests, not looked at for %d; resources gone for %d; accounts gone for %d;
by type and standing alone for %d (searches, refusals). Relationships and clearances are those of now.
`, r.Requests, r.Since.Format(time.RFC3339), more, r.Version, r.Other, r.Counts.Now, r.Counts.Labels, r.Counts.Gone, r.Counts.Accounts, r.Counts.Possible)
	return err
}

// places names entries by their place in the ledger, or by their id while they have none.
func places(list []replay.Example) string {
	var out []string
	for _, e := range list {
		if e.Leaf < 0 {
			out = append(out, e.ID)
		} else {
			out = append(out, fmt.Sprint(e.Leaf))
		}
	}
	return strings.Join(out, " ")
}
