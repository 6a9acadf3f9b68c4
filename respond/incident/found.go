package incident

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
)

// stagedPrefix begins the names of accounts that checks invent, and addresses of what they stage.
const stagedPrefix = "tutela-assess"

// The most incidents that findings open in an hour. What comes after that joins one, so that a flood of findings
// hides no incident among a thousand.
const (
	maxHourly = 50
	flood     = "flood"
)

// takeUp opens an incident for a finding, or has it join the open one that is alike. A finding that was taken up
// already is not taken up again. at is when it was found.
func (s *Service) takeUp(ctx context.Context, id string, at time.Time) error {
	f, err := s.cfg.Findings.Find(ctx, tutela.Principal{}, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding %s: %w", id, err)
	}
	if f.State != finding.Open || f.Level.Severity() < s.cfg.Level.Severity() {
		return nil
	}
	if staged, err := s.staged(ctx, f); err != nil || staged {
		return err
	}
	alike := s.alike(f)
	for {
		in, found, err := s.openAlike(ctx, alike)
		if err != nil {
			return err
		}
		if found {
			return s.join(ctx, in, f)
		}
		if alike, err = s.capped(ctx, alike); err != nil {
			return err
		}
		if again, err := s.openFor(ctx, f, at, alike); err != nil || !again {
			return err
		}
	}
}

// alike is the keyed hash of what alike findings share: whose doing it may be; where nobody knows, rule and group.
func (s *Service) alike(f finding.Finding) int64 {
	if f.Actor != "" {
		return s.cfg.Alias("incident-actor", string(f.Actor))
	}
	return s.cfg.Alias("incident-group", fmt.Sprintf("%q %q", f.Rule, f.Group))
}

// capped is where a finding goes when too many incidents were opened lately.
func (s *Service) capped(ctx context.Context, alike int64) (int64, error) {
	n, err := s.foundSince(ctx, s.now().Add(-time.Hour))
	if err != nil || n < maxHourly {
		return alike, err
	}
	return s.cfg.Alias("incident-group", flood), nil
}

// staged reports whether a finding is a check's own.
func (s *Service) staged(ctx context.Context, f finding.Finding) (is bool, err error) {
	if strings.HasPrefix(string(f.Actor), stagedPrefix) {
		return true, nil
	}
	if len(f.Entries) == 0 {
		return false, nil
	}
	err = s.cfg.Audit.Search(ctx, audit.Query{ID: f.Entries[0], Limit: 1}, func(o audit.Opened) error {
		is = o.Entry.Address == stagedPrefix || strings.HasPrefix(string(o.Entry.Actor.ID), stagedPrefix)
		return nil
	})
	return is, err
}

// openFor opens an incident for a finding. Its id follows from the finding, so that a crash repeats none. again
// says that the alike one was opened in the meantime.
func (s *Service) openFor(ctx context.Context, f finding.Finding, at time.Time, alike int64) (again bool, err error) {
	id := s.identify("finding", f.ID)
	if _, err := s.find(ctx, id); !errs.Is(err, errs.NotFound) {
		return false, err
	}
	if alike == s.cfg.Alias("incident-group", flood) {
		if _, there, err := s.openAlike(ctx, alike); err != nil || there {
			return there, err
		}
	}
	in := Incident{
		ID: id, Title: f.Title, Kind: Other, Severity: f.Level, State: Open, Source: FromFinding, OpenedBy: machine(),
		Opened: s.now(), Discovered: at.UTC().Truncate(time.Millisecond), alike: alike,
	}
	in.take(f)
	err = s.commit(ctx, change{
		in: in, kind: Beginning, text: "opened for finding " + f.ID, entry: tutela.Entry{Actor: machine(), Action: tutela.ActionIncidentOpen},
		detail: fmt.Sprintf("%s, for finding %s", in.Severity, f.ID),
	})
	if err == nil {
		s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "an incident was opened", slog.String("incident", in.ID), slog.String("finding", f.ID))
	}
	return false, err
}

// join has a finding join an open incident.
func (s *Service) join(ctx context.Context, in Incident, f finding.Finding) error {
	if slices.Contains(in.Findings, f.ID) || len(in.Findings) >= maxFindings {
		return nil
	}
	if f.Level.Severity() > in.Severity.Severity() {
		in.Severity = f.Level
	}
	in.take(f)
	return s.commit(ctx, change{
		in: in, kind: Joining, text: fmt.Sprintf("finding %s joined: %s", f.ID, f.Title),
		entry: tutela.Entry{Actor: machine(), Action: tutela.ActionIncidentJoin}, detail: "finding " + f.ID,
	})
}

// take notes whose doing and whose charts a finding is about.
func (in *Incident) take(f finding.Finding) {
	in.Findings = append(slices.Clone(in.Findings), f.ID)
	if f.Actor != "" && !slices.Contains(in.About, f.Actor) && len(in.About) < maxAbout {
		in.About = append(slices.Clone(in.About), f.Actor)
	}
	in.touched(f.Patients)
	in.More = in.More || f.Touched > len(f.Patients)
}

// touched adds patients, by their pseudonyms.
func (in *Incident) touched(pseudonyms []string) {
	list := slices.Clone(in.Patients)
	for _, p := range pseudonyms {
		if slices.Contains(list, p) {
			continue
		}
		if len(list) == maxPatients {
			in.More = true
			break
		}
		list = append(list, p)
	}
	in.Patients = list
}
