package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/privacy/deid"
	"github.com/tutela-health/tutela/records"
)

// deidentification is `deidentify` of tutela.yaml: what those see who get de-identified records.
type deidentification struct {
	// FreeText is keep for notes, comments and texts, without what patterns recognise in them; they are
	// removed where it is left out. Names stay in what is kept.
	FreeText string `yaml:"free_text,omitempty"`
	// CodeSystems are systems of codes of this organisation whose codes tell nobody's name or number.
	CodeSystems []string `yaml:"code_systems,omitempty"`
}

// deidentifySecret is the system secret that pseudonyms and the moving of dates come of.
const deidentifySecret = "de-identification"

// check refuses what is not offered.
func (d deidentification) check() error {
	if d.FreeText != "" && d.FreeText != "keep" {
		return errors.New("deidentify.free_text is keep, or left out")
	}
	return nil
}

// disguise de-identifies for those who see nothing else. Who only looks at the ledger has none.
func (s *system) disguise(ctx context.Context) (records.Disguise, error) {
	if s.readOnly {
		return nil, nil
	}
	if err := s.ring.MakeSecret(ctx, deidentifySecret); err != nil {
		return nil, fmt.Errorf("make the secret of de-identification: %w", err)
	}
	key, err := s.ring.FindSecret(ctx, deidentifySecret)
	if err != nil {
		return nil, err
	}
	c := s.config.Deidentify
	return deid.New(deid.Config{Key: key, Now: clock.System, Text: c.FreeText == "keep", Systems: c.CodeSystems})
}
