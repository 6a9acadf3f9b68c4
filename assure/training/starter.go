package training

import (
	"context"
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

//go:embed starter/*.md
var starter embed.FS

// Begin keeps the modules that a small organisation may begin with, and leaves what is there already as it is. It gives what
// was kept.
func (s *Service) Begin(ctx context.Context, entry tutela.Entry) ([]Kept, error) {
	files, err := starter.ReadDir("starter")
	if err != nil {
		return nil, fmt.Errorf("starter: %w", err)
	}
	list := []Kept{}
	for _, f := range files {
		id := strings.TrimSuffix(f.Name(), ".md")
		_, _, err := s.module(ctx, id)
		if err == nil {
			continue
		}
		if !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		text, err := starter.ReadFile(path.Join("starter", f.Name()))
		if err != nil {
			return nil, fmt.Errorf("starter: %w", err)
		}
		k, err := s.Put(ctx, entry, id, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		list = append(list, k)
	}
	return list, nil
}
