package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
	"github.com/tutela-health/tutela/supply/trial"
)

// checks are those that the planes bring.
func (s *system) checks(srv *server.Server, authorization *oauth.Server, api *fhir.Handler) []tutela.Check {
	return slices.Concat(
		s.identity.Checks(identity.CheckConfig{
			Base: s.config.base(), TLS: s.trust(), Dormant: time.Duration(s.config.DormantDays) * 24 * time.Hour,
			TryOut: s.config.TryOut, KeySet: authorization.KeySet, Neighbours: s.neighbours,
		}),
		srv.Checks(server.CheckConfig{Base: s.config.base(), TLS: s.trust(), Application: cliClient, Redirect: cliRedirect}),
		s.records.Checks(records.CheckConfig{Call: s.directClient("assess").do, Dir: s.config.dir}),
		s.audit.Checks(),
		s.db.Checks(),
		s.ring.Checks(),
		machineChecks(s.config, store.Room),
		trial.Checks(trial.Config{Clock: s.clock}),
		s.supply.Checks(),
		[]tutela.Check{s.scheduleWatch().Check()},
		s.access.Checks(),
		api.Checks(),
		s.emergencies.Checks(s.access.Policies),
		s.rights.Checks(),
		s.breaches().Checks(),
		s.recovery.Checks(),
		s.erasures.Checks(),
		s.detection.Checks(),
		s.response.incidents.Checks(),
		s.response.checks(s),
		s.backups.Checks(s.backupChecks()),
		s.intake.gate.Checks(),
		s.packages.Checks(),
		s.risks.Checks(),
		s.vendors.Checks(),
		s.reviews.Checks(),
		s.gaps.Checks(),
		s.policies.Checks(),
		s.training.Checks(),
	)
}

// neighbours are the other tenants that this process serves.
func (s *system) neighbours() []identity.Neighbour {
	if s.house == nil {
		return nil
	}
	return s.house.beside(s)
}

// assessFor is the longest that an assessment takes, and so for how long a node that was killed during one keeps others from theirs.
const assessFor = 10 * time.Minute

// assess runs the checks of every plane.
func (s *system) assess(ctx context.Context) (list []assure.Result, err error) {
	err = s.alone(ctx, func(ctx context.Context) error {
		list, err = s.assessor().Beside(s.served.Load).Run(ctx)
		return err
	})
	return list, err
}

func (s *system) assessor() *assure.Assessor {
	return assure.New(s.audit, s.clock, s.planeChecks...)
}

// scheduleWatch is what is known of the schedule.
func (s *system) scheduleWatch() assure.Watch {
	return assure.Watch{
		Checks: func() []tutela.Check { return s.planeChecks }, Clock: s.clock, Since: s.clock(),
		Newest: func(ctx context.Context) (map[string]tutela.Evidence, error) { return s.controls.Tried(ctx) },
	}
}

// schedule has checks tried again before their evidence expires.
func (s *system) schedule() assure.Schedule {
	return assure.Schedule{Assessor: s.assessor(), Newest: s.controls.Tried, Alone: s.alone, Log: s.log}
}

// board shows how controls are known, by the regulations that are shipped and those of the organisation's own.
func (s *system) board() (*control.Board, error) {
	list, err := catalog.Shipped()
	if err != nil {
		return nil, err
	}
	for _, file := range s.config.Catalogs {
		own, err := readCatalogs(s.config.path(file))
		if err != nil {
			return nil, usage("catalogs: %s: %s", file, errs.Public(err))
		}
		list = append(list, own...)
	}
	all, err := catalog.New(list...)
	if err != nil {
		return nil, usage("catalogs: %s", errs.Public(err))
	}
	return control.New(control.Config{Catalog: all, Checks: s.planeChecks, Ledger: s.audit, Register: s.register, Clock: s.clock})
}

// alone runs what assesses. Two assessments at once, here or at another node, would find each other's traces.
func (s *system) alone(ctx context.Context, f func(context.Context) error) (err error) {
	underWay := errs.New(errs.Conflict, "an assessment is under way; ask again when it has ended")
	if !s.assessing.TryLock() {
		return underWay
	}
	defer s.assessing.Unlock()
	lease, err := s.db.Acquire(ctx, "assessment", s.config.Node, assessFor+time.Minute)
	if errs.Is(err, errs.Conflict) {
		return underWay
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.db.Release(context.WithoutCancel(ctx), lease)) }()
	ctx, cancel := context.WithTimeout(ctx, assessFor)
	defer cancel()
	return f(ctx)
}

// trust is whom a client of this system trusts: the authorities of the machine, the system's own,
// and whatever the server's certificate file itself names.
func (s *system) trust() *tls.Config {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without authorities
	}
	for _, path := range []string{s.config.path(caFile), s.config.path(s.config.Certificate)} {
		if text, err := os.ReadFile(path); err == nil {
			pool.AppendCertsFromPEM(text)
		}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
}
