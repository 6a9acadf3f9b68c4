package alert

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/trail"
	"github.com/tutela-health/tutela/store"
)

// stagedPrefix begins the names of accounts that checks invent: nobody is told of them.
const stagedPrefix = "tutela-assess"

// raise tells of a finding, once for each entry of the ledger that does.
func (s *Service) raise(ctx context.Context, told trail.Finding) error {
	f, err := s.cfg.Findings.Find(ctx, tutela.Principal{}, told.ID)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding %s: %w", told.ID, err)
	}
	r := s.cfg.Plan.route(f)
	if r == nil || f.State != finding.Open || strings.HasPrefix(string(f.Actor), stagedPrefix) {
		return nil
	}
	a, err := s.find(ctx, hashOf(s.cfg.Alias, "finding", f.ID))
	switch {
	case errs.Is(err, errs.NotFound):
		return s.open(ctx, f, r)
	case err != nil:
		return err
	case !told.Raised || a.Risk >= f.Risk:
		return nil // it was told
	}
	return s.again(ctx, a, f, r)
}

// open opens an alert.
func (s *Service) open(ctx context.Context, f finding.Finding, r *Route) error {
	a := Alert{
		ID: hashOf(s.cfg.Alias, "finding", f.ID), Finding: f.ID, Rule: f.Rule, Title: title(f.Title), Level: f.Level, Risk: f.Risk,
		State: Open, Opened: s.now(), Account: f.Actor, Escalate: r.Escalate,
	}
	return s.tell(ctx, a, noteOf(a, f, Opened), r.To)
}

// again tells that an alert has become riskier. Whoever had seen it is told anew.
func (s *Service) again(ctx context.Context, a Alert, f finding.Finding, r *Route) error {
	a.Risk, a.Level = f.Risk, f.Level
	return s.tell(ctx, a, noteOf(a, f, Raised), r.To)
}

func noteOf(a Alert, f finding.Finding, of Sort) Note {
	return Note{Alert: a.ID, Finding: a.Finding, Sort: of, Title: a.Title, Level: a.Level, Risk: a.Risk, Touched: f.Touched, Hits: f.Hits}
}

// tell writes an alert with a note for everybody who is to hear of it, in one transaction with the ledger's entry.
// What was written before is not written again.
func (s *Service) tell(ctx context.Context, a Alert, n Note, to []string) error {
	channels := s.cfg.Plan.channels(to, s.now())
	n.At = s.now()
	a.Told += len(channels)
	claim, err := s.alertClaim(ctx, a)
	if err != nil {
		return err
	}
	op := store.Op{Claims: []store.Claim{claim}}
	if err := s.post(ctx, &op, n, channels, fmt.Sprint(n.Sort, a.Risk, a.Steps)); err != nil {
		return err
	}
	e := tutela.Entry{
		Time: n.At, Actor: actor(), Action: tutela.ActionAlertRaise, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "alert", ID: a.ID, Detail: fmt.Sprintf("%s, %s, risk %d, finding %s, to %s", n.Sort, a.Level, a.Risk, a.Finding, strings.Join(channels, " "))},
	}
	if op.Entries, err = s.cfg.Audit.Encode(ctx, e, nil, nil); err != nil {
		return err
	}
	return s.written(s.cfg.DB.Commit(ctx, op))
}

// written takes a lost race for what it is: another node was first.
func (s *Service) written(err error) error {
	if errs.Is(err, errs.Conflict) {
		return nil
	}
	return err
}

// post adds to an op a note for each channel. which tells notes of one alert apart.
func (s *Service) post(ctx context.Context, op *store.Op, n Note, channels []string, which string) error {
	n.Link = strings.TrimSuffix(s.cfg.Plan.Console, "/")
	for _, c := range channels {
		n.ID = hashOf(s.cfg.Alias, "note", n.Alert, which, c)
		claim, err := s.noteClaim(ctx, posted{Note: n, Channel: c, state: noteWaits, due: n.At, written: n.At})
		if err != nil {
			return err
		}
		op.Claims = append(op.Claims, claim)
	}
	return nil
}

// escalate tells those who come next of alerts that nobody has acknowledged.
func (s *Service) escalate(ctx context.Context) error {
	list, err := s.alerts(ctx, ` WHERE state = ? AND due > 0 AND due <= ? ORDER BY due LIMIT 200`, alertOpen, s.now().UnixMilli())
	if err != nil {
		return err
	}
	for _, a := range list {
		step := a.Escalate[a.Steps]
		a.Steps++
		n := Note{Alert: a.ID, Finding: a.Finding, Sort: Escalated, Title: a.Title, Level: a.Level, Risk: a.Risk, Lines: []string{
			fmt.Sprintf("Nobody has acknowledged it for %s.", s.now().Sub(a.Opened).Round(time.Second)),
		}}
		if err := s.tell(ctx, a, n, step.To); err != nil {
			return err
		}
	}
	return nil
}

// sumUp writes the day's digest when its time has come, once.
func (s *Service) sumUp(ctx context.Context) error {
	p := s.cfg.Plan
	if len(p.Digest.To) == 0 {
		return nil
	}
	at, day := p.digestBefore(s.now())
	if s.now().Sub(at) > 12*time.Hour {
		return nil // the node slept over it: tomorrow's tells of it
	}
	id := hashOf(s.cfg.Alias, "digest", day)
	channels := p.channels(p.Digest.To, s.now())
	if len(channels) == 0 {
		return nil
	}
	first := hashOf(s.cfg.Alias, "note", "", id, channels[0])
	if list, err := s.notes(ctx, ` WHERE id = ?`, decoded(first)); err != nil || len(list) > 0 {
		return err
	}
	n, err := s.Summary(ctx, at)
	if err != nil {
		return err
	}
	var op store.Op
	if err := s.post(ctx, &op, n, channels, id); err != nil {
		return err
	}
	e := tutela.Entry{Time: s.now(), Actor: actor(), Action: tutela.ActionAlertRaise, Outcome: tutela.OutcomeSuccess, Subject: &tutela.Subject{Kind: "digest", ID: day}}
	if op.Entries, err = s.cfg.Audit.Encode(ctx, e, nil, nil); err != nil {
		return err
	}
	return s.written(s.cfg.DB.Commit(ctx, op))
}

// digestBefore is the last time at or before a moment when a digest is due, and its date.
func (p *Plan) digestBefore(now time.Time) (at time.Time, day string) {
	clock, _ := time.Parse("15:04", p.Digest.At) // Parse has seen to it
	local := now.In(p.zone)
	y, m, d := local.Date()
	at = time.Date(y, m, d, clock.Hour(), clock.Minute(), 0, 0, p.zone)
	if at.After(now) {
		at = time.Date(y, m, d-1, clock.Hour(), clock.Minute(), 0, 0, p.zone)
	}
	return at, at.Format(time.DateOnly)
}

// Summary tells of the day before a moment: how many alerts were opened, by level, and what nobody has acknowledged.
func (s *Service) Summary(ctx context.Context, until time.Time) (Note, error) {
	local := until.In(s.cfg.Plan.zone)
	from := local.AddDate(0, 0, -1)
	list, err := s.alerts(ctx, ` WHERE opened > ? AND opened <= ? ORDER BY opened`, from.UnixMilli(), until.UnixMilli())
	if err != nil {
		return Note{}, err
	}
	var open int
	if _, err := s.cfg.DB.QueryRow(ctx, `SELECT count(*) FROM alerts WHERE state = ?`, []any{alertOpen}, &open); err != nil {
		return Note{}, err
	}
	n := Note{Sort: Summed, Level: finding.Informational, At: s.now(), Title: fmt.Sprintf("%d alerts from %s to %s, %d open in all",
		len(list), from.Format("2006-01-02 15:04"), local.Format("2006-01-02 15:04 MST"), open)}
	n.Lines = byLevel(list)
	return n, nil
}

// byLevel counts alerts by level and title, the worst first.
func byLevel(list []Alert) []string {
	var lines []string
	for _, l := range []finding.Level{finding.Critical, finding.High, finding.Medium, finding.Low, finding.Informational} {
		titles, order := map[string]int{}, []string{}
		for _, a := range list {
			if a.Level != l {
				continue
			}
			if titles[a.Title]++; titles[a.Title] == 1 {
				order = append(order, a.Title)
			}
		}
		for i, t := range order {
			if i == maxLines {
				lines = append(lines, fmt.Sprintf("%s: and %d more kinds", l, len(order)-i))
				break
			}
			lines = append(lines, fmt.Sprintf("%s: %d times %s", l, titles[t], t))
		}
	}
	return lines
}

// maxLines is how many titles of one level a digest names.
const maxLines = 10
