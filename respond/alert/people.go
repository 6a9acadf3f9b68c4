package alert

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// maxList is how many alerts a list holds at most.
const maxList = 500

// List gives alerts, the newest first: of a state, or all. Nobody sees what is about himself. The caller has decided
// that by may look.
func (s *Service) List(ctx context.Context, by tutela.Principal, state State) ([]Alert, error) {
	all, err := s.alerts(ctx, ` ORDER BY opened DESC, id LIMIT ?`, int64(maxList))
	if err != nil {
		return nil, err
	}
	list := []Alert{}
	for _, a := range all {
		if !a.about(by) && (state == "" || a.State == state) {
			list = append(list, a.shown())
		}
	}
	return list, nil
}

// about reports whether an alert is about the caller's own account, by its id or, as other systems tell it, its name.
func (a Alert) about(by tutela.Principal) bool {
	return a.Account != "" && (a.Account == by.ID || strings.EqualFold(string(a.Account), by.Username))
}

// Acknowledge says that somebody has seen an alert: nobody further is told. base is the entry, of a caller of whom it
// was decided that he may.
func (s *Service) Acknowledge(ctx context.Context, by tutela.Principal, base tutela.Entry, id string) (Alert, error) {
	a, err := s.find(ctx, id)
	if err == nil && a.about(by) {
		err = notFound()
	}
	if err != nil {
		return Alert{}, err
	}
	if a.State == Acknowledged {
		return a.shown(), errs.New(errs.Conflict, "somebody has acknowledged the alert already")
	}
	a.State, a.By, a.At = Acknowledged, by.ID, s.now()
	claim, err := s.alertClaim(ctx, a)
	if err != nil {
		return Alert{}, err
	}
	op := store.Op{Claims: []store.Claim{claim}}
	n := Note{Alert: a.ID, Finding: a.Finding, Sort: Acked, Title: a.Title, Level: a.Level, Risk: a.Risk, At: a.At}
	if err := s.post(ctx, &op, n, s.pagers(), "acknowledged"); err != nil {
		return Alert{}, err
	}
	base.Time, base.Outcome = a.At, tutela.OutcomeSuccess
	base.Subject = &tutela.Subject{Kind: "alert", ID: a.ID, Detail: fmt.Sprintf("after %s, finding %s", a.At.Sub(a.Opened).Round(time.Second), a.Finding)}
	if op.Entries, err = s.cfg.Audit.Encode(ctx, base, nil, nil); err != nil {
		return Alert{}, err
	}
	return a.shown(), s.cfg.DB.Commit(ctx, op)
}

// pagers are the channels that keep alerts of their own, which an acknowledgement ends.
func (s *Service) pagers() []string {
	var list []string
	for name, c := range s.cfg.Plan.Channels {
		if c.Form == PagerDuty {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// Tried is what came of a test alert in a channel.
type Tried struct {
	Channel string `json:"channel"`
	Form    Form   `json:"kind"`
	Took    bool   `json:"took"`
	Waiting int    `json:"waiting"` // notes that wait for it
	Error   string `json:"error,omitempty"`
}

// Test sends a test alert into every channel now, beside what waits there, and says which took it.
func (s *Service) Test(ctx context.Context) ([]Tried, error) {
	id := audit.NewID()
	list := []Tried{}
	n := Note{Sort: Tested, Title: "Test alert: nothing has happened", Level: finding.Informational, At: s.now()}
	for _, name := range slices.Sorted(maps.Keys(s.channels)) {
		list = append(list, Tried{Channel: name, Form: s.cfg.Plan.Channels[name].Form})
	}
	done := make(chan struct{})
	for i := range list {
		go func() {
			defer func() { done <- struct{}{} }()
			t, one := &list[i], n
			one.ID = hashOf(s.cfg.Alias, "test", id, t.Channel)
			if err := s.channels[t.Channel].attempt(ctx, one); err != nil {
				t.Error = title(err.Error())
			} else {
				t.Took = true
			}
		}()
	}
	for range list {
		<-done
	}
	for i := range list {
		var err error
		if list[i].Waiting, err = s.backlog(ctx, list[i].Channel); err != nil {
			return nil, err
		}
	}
	return list, nil
}
