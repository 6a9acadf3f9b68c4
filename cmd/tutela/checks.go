package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/server"
)

// checks are those that the planes bring.
func (s *system) checks(srv *server.Server, authorization *oauth.Server, api *fhir.Handler) []tutela.Check {
	return slices.Concat(
		s.identity.Checks(identity.CheckConfig{
			Base: s.config.base(), TLS: s.trust(), Dormant: time.Duration(s.config.DormantDays) * 24 * time.Hour,
			TryOut: s.config.TryOut, KeySet: authorization.KeySet, Neighbours: s.neighbours,
		}),
		srv.Checks(server.CheckConfig{Base: s.config.base(), TLS: s.trust()}),
		s.records.Checks(records.CheckConfig{Call: s.directClient("assess").do, Dir: s.config.dir}),
		s.audit.Checks(),
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
	)
}

// neighbours are the other tenants that this process serves.
func (s *system) neighbours() []identity.Neighbour {
	if s.house == nil {
		return nil
	}
	return s.house.beside(s)
}

// assess runs the checks of every plane. Two assessments at once would find each other's traces.
func (s *system) assess(ctx context.Context) ([]assure.Result, error) {
	if !s.assessing.TryLock() {
		return nil, errs.New(errs.Conflict, "an assessment is under way; ask again when it has ended")
	}
	defer s.assessing.Unlock()
	return assure.New(s.audit, s.clock, s.planeChecks...).Run(ctx)
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
