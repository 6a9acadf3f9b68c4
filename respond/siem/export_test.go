package siem

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
)

// CEFOf is an entry in CEF.
func CEFOf(e tutela.Entry) (string, error) {
	ev, err := ofEntry(e)
	return ev.CEF, err
}

// Rewind puts a target's place back, as after a crash before it was written.
func (s *Service) Rewind(ctx context.Context, name string, to audit.Cursor) error {
	for _, t := range s.targets {
		if t.name == name {
			p, err := s.book.Read(ctx, t.place())
			if err != nil {
				return err
			}
			_, err = t.move(ctx, p, to)
			return err
		}
	}
	return nil
}
