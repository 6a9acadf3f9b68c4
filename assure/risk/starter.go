package risk

import (
	"bytes"
	"context"
	_ "embed" // the starter
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

//go:embed starter.yaml
var starter []byte

// unrated is why the starter's risks are mitigated, until somebody says what is done.
const unrated = "to be rated: say what is done about it, and what that leaves"

// days is within how many the starter's risks are to be rated.
const days = 30

// Begin keeps the risks that a small organisation may begin with, somebody's to rate, and leaves what is there already as it
// is. It gives what was kept.
func (s *Service) Begin(ctx context.Context, entry tutela.Entry, owner string) ([]Kept, error) {
	var all []struct {
		ID       string
		Title    string
		Asset    string
		Threat   string
		Inherent Rating
		Controls []string
	}
	d := yaml.NewDecoder(bytes.NewReader(starter))
	d.KnownFields(true)
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("starter: %w", err)
	}
	list := []Kept{}
	for _, r := range all {
		_, _, err := s.get(ctx, r.ID)
		if err == nil {
			continue
		}
		if !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		k, err := s.Put(ctx, entry, r.ID, 0, Risk{
			Title: r.Title, Asset: r.Asset, Threat: r.Threat, Inherent: r.Inherent, Residual: r.Inherent, Treatment: Mitigate, Reason: unrated,
			Owner: tutela.UserID(owner), Review: s.cfg.Clock().AddDate(0, 0, days), Controls: r.Controls,
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.ID, err)
		}
		list = append(list, k)
	}
	return list, nil
}
