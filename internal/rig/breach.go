package rig

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/detect/intake/book"
	"github.com/tutela-health/tutela/respond/breach"
)

// Homes tells who pseudonyms stand for, as the records know.
func (r *Rig) Homes(ctx context.Context, g access.Grant, patients []tutela.Bucket) ([]breach.Home, error) {
	list, err := r.Records.Homes(ctx, g, patients)
	homes := make([]breach.Home, len(list))
	for i, h := range list {
		homes[i] = breach.Home(h)
	}
	return homes, err
}

func (r *Rig) breaches(c Config) *breach.Service {
	kept := book.New(book.Config{DB: r.DB, Audit: r.Audit, Clock: c.Clock, Notes: r.Records, Alias: r.Identity.Alias, Tokens: book.NewTokens(r.Identity.Alias, nil, "")})
	return breach.New(breach.Config{
		DB: r.DB, Notes: r.Records, Audit: r.Audit, People: r.Identity, Clock: c.Clock, Bucket: r.Records.Bucket, Homes: r.Homes,
		Elsewhere: func(ctx context.Context, b tutela.Bucket) (string, error) {
			id, err := kept.Patient(ctx, b)
			return id.Authority + "|" + id.Value, err
		},
		Keys: func(context.Context) (breach.KeyState, error) {
			return breach.KeyState{Provider: r.Ring.Provider().Name(), Apart: c.Apart}, nil
		},
	})
}
