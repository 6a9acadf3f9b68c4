package answer

import "context"

// Rewind has the next round look at the whole ledger again, as after a crash before any place was written.
func (s *Service) Rewind(ctx context.Context) error {
	p, err := s.book.Read(ctx, placeName)
	if err != nil {
		return err
	}
	_, err = s.move(ctx, p, 0)
	return err
}
