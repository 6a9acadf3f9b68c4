package incident

import (
	"context"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Filter says which incidents a list holds. Its zero value holds all that are not over.
type Filter struct {
	State State
	Kind  Kind
	All   bool // those that are over too
	Limit int  // 0 means 200; at most 1000
}

// The sizes of a list.
const (
	defaultList = 200
	maxList     = 1000
)

// List gives incidents, the newest first. Nobody sees one that may be his own doing. The caller has decided that
// by may look.
func (s *Service) List(ctx context.Context, by tutela.Principal, f Filter) ([]Incident, error) {
	limit := defaultList
	if f.Limit > 0 {
		limit = min(f.Limit, maxList)
	}
	where, args := "", []any{int64(maxList)}
	if !f.All && f.State != Closed {
		where, args = ` WHERE state <> ?`, []any{rowClosed(), int64(maxList)}
	}
	all, err := s.rows(ctx, where+` ORDER BY opened DESC, id LIMIT ?`, args...)
	if err != nil {
		return nil, err
	}
	list := []Incident{}
	for _, in := range all {
		if !in.about(by) && (f.State == "" || in.State == f.State) && (f.Kind == "" || in.Kind == f.Kind) && len(list) < limit {
			list = append(list, in)
		}
	}
	return list, nil
}

// Whole is an incident with its timeline.
type Whole struct {
	Incident
	Timeline []Item `json:"timeline"`
}

// Find gives an incident with its timeline. What may be the caller's own doing is not there.
func (s *Service) Find(ctx context.Context, by tutela.Principal, id string) (Whole, error) {
	in, err := s.visible(ctx, by, id)
	if err != nil {
		return Whole{}, err
	}
	items, err := s.items(ctx, in)
	return Whole{in, items}, err
}

func (s *Service) visible(ctx context.Context, by tutela.Principal, id string) (Incident, error) {
	in, err := s.find(ctx, id)
	if err == nil && in.about(by) {
		err = notFound()
	}
	if err != nil {
		return Incident{}, err
	}
	return in, nil
}

// Hinders gives the open incident that is about a patient, whose evidence must not be destroyed; empty where there
// is none. Findings are looked at anew: they grow without an entry.
func (s *Service) Hinders(ctx context.Context, b tutela.Bucket) (string, error) {
	open, err := s.rows(ctx, ` WHERE state <> ? AND drill = 0 ORDER BY opened, id`, rowClosed())
	if err != nil {
		return "", err
	}
	for _, in := range open {
		for _, id := range in.Findings {
			f, err := s.cfg.Findings.Find(ctx, tutela.Principal{}, id)
			if errs.Is(err, errs.NotFound) {
				continue
			}
			if err != nil {
				return "", err
			}
			in.More = in.More || f.Touched > len(f.Patients) || slices.Contains(f.Patients, pseudonym(b))
		}
		if in.touches(pseudonym(b)) {
			return in.ID, nil
		}
	}
	return "", nil
}
