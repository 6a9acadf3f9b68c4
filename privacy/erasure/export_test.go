package erasure

import (
	"context"
	"strings"

	"github.com/tutela-health/tutela"
)

// Pretend says that an erasure is done, and does nothing.
func (s *Service) Pretend(ctx context.Context, id string) error {
	e, err := s.Find(ctx, id)
	if err != nil {
		return err
	}
	e.State, e.Certificate = Done, &Certificate{Final: true}
	return s.save(ctx, s.entry(tutela.ActionErasureStep), &e)
}

// Again writes a second erasure of the same patient beside one, as a race would.
func (s *Service) Again(ctx context.Context, id string) error {
	e, err := s.Find(ctx, id)
	if err != nil {
		return err
	}
	name, err := s.cfg.Records.OpenNote(ctx, e.Patient, nameSubject(id), e.name)
	if err != nil {
		return err
	}
	e.ID, e.revision = strings.Repeat("f", 32), 0
	if e.name, err = s.cfg.Records.SealNote(ctx, e.Patient, nameSubject(e.ID), name); err != nil {
		return err
	}
	return s.save(ctx, s.entry(tutela.ActionErasureAsk), &e)
}
