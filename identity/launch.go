package identity

import (
	"context"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// launchLife is how long an application may take from its launch to asking for a code.
const launchLife = 5 * time.Minute

// Launch is what an EHR has open as it starts an application (SMART App Launch 2.2, "Launch App:
// EHR Launch"). It is one person's, and used once.
type Launch struct {
	User      tutela.UserID    `json:"user"`
	Client    string           `json:"client"`
	Patient   tutela.PatientID `json:"patient,omitempty"`
	Encounter string           `json:"encounter,omitempty"`
	Banner    bool             `json:"banner,omitempty"` // the application must show whose chart it is
}

// StartLaunch keeps a launch for a person, and gives what the EHR hands to the application.
func (s *Service) StartLaunch(ctx context.Context, by tutela.Principal, l Launch) (string, error) {
	c, err := s.Client(ctx, l.Client)
	if err != nil {
		return "", err
	}
	if by.Kind != tutela.ActorPerson || !c.Grants(GrantCode) || !slices.Contains(c.Scopes, "launch") {
		return "", errs.New(errs.Denied, "a person launches an application that is registered to be launched")
	}
	a, err := s.accountByID(ctx, by.ID) // by.Patient may be the context of the EHR's own token
	if err != nil {
		return "", err
	}
	if a.Patient != "" && l.Patient != a.Patient {
		return "", errs.New(errs.Denied, "a patient launches an application with the own chart only")
	}
	l.User = by.ID
	text := randomText(24)
	claim, err := putItem(ctx, s, itemLaunch, item[Launch]{Name: hashName(text), Value: l}, string(by.ID), s.clock().Add(launchLife))
	if err != nil {
		return "", err
	}
	return text, s.commit(ctx, store.Op{Claims: []store.Claim{claim}}, s.aboutClient(tutela.ActionLaunch, by, l.Client))
}

// Launch finds a launch for the person and the application that it was made for.
func (s *Service) Launch(ctx context.Context, text string, user tutela.UserID, client string) (Launch, error) {
	it, found, err := loadItem[Launch](ctx, s, itemLaunch, hashName(text))
	if err == nil && (!found || it.Value.User != user || it.Value.Client != client) {
		err = errs.New(errs.NotFound, "the launch is not known, has expired or was used")
	}
	if err != nil {
		return Launch{}, err
	}
	return it.Value, nil
}
