package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/risk"
	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/server"
)

type serveCmd struct {
	Config string `required:"" type:"path" help:"The tutela.yaml that init made."`
}

// Help gives an example.
func (serveCmd) Help() string { return "Example: tutela serve --config /etc/tutela/tutela.yaml" }

// Run serves until a signal.
func (cmd serveCmd) Run(ctx context.Context, c console) error {
	if h, several, err := readHouse(cmd.Config); several || err != nil {
		if err != nil {
			return err
		}
		return h.serve(ctx, c)
	}
	conf, err := readConfig(cmd.Config)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(c.err, nil))
	harden(log)
	s, err := openSystem(ctx, conf, "", log)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", conf.Listen)
	if err != nil {
		return errors.Join(usage("cannot listen on %s: %v", conf.Listen, err), s.close(context.WithoutCancel(ctx)))
	}
	srv, err := s.assemble(nil)
	if err == nil {
		err = s.ensureCLI(ctx) // tutela login
	}
	if err != nil {
		return errors.Join(err, listener.Close(), s.close(context.WithoutCancel(ctx)))
	}
	fmt.Fprintf(c.err, "tutela: serving %s\n", conf.base())
	return s.serve(ctx, srv, listener)
}

// grace is how long requests may take to finish after a signal.
const grace = 3 * time.Second

// assemble makes the HTTP server.
func (s *system) assemble(tryOut *server.TryOut) (*server.Server, error) {
	tls, err := serverTLS(s.config.path(s.config.Certificate), s.config.path(s.config.Key))
	if err != nil {
		return nil, err
	}
	api := s.fhir()
	people, err := s.pages(api)
	if err != nil {
		return nil, err
	}
	shown, err := s.console(people)
	if err != nil {
		return nil, err
	}
	authorization := s.oauth(people)
	s.packages = s.binder()
	s.risks = risk.New(risk.Config{Register: s.register, Clock: s.clock, Board: func() *control.Board { return s.controls }, Person: s.identity.PersonNamed,
		Checks:  func() []tutela.Check { return s.planeChecks },
		Vendors: func(ctx context.Context) (map[string]string, error) { return s.vendors.Troubles(ctx) },
		Gaps:    func(ctx context.Context) (map[string]bool, error) { return s.gaps.Open(ctx) },
	})
	if s.vendors, err = vendor.New(vendor.Config{Register: s.register, Clock: s.clock, Person: s.identity.PersonNamed, Seal: s.packages.State}); err != nil {
		return nil, err
	}
	s.govern()
	label := ""
	if s.house != nil {
		label = string(s.config.Tenant)
	}
	s.gateway.Answers = s.response.answers
	srv := server.New(server.Config{
		Served: &s.served,
		Tenant: label, Hosts: s.config.Hosts, TLS: tls, Identity: s.identity, Access: s.access, Audit: s.audit,
		FHIR: api, API: s.api(api), Gateway: s.gateway, Pages: people, Console: shown, OAuth: authorization, SCIM: s.scim(), Clock: s.clock, Log: s.log, TryOut: tryOut,
		Ready: s.ready,
	})
	s.planeChecks = s.checks(srv, authorization, api)
	s.controls, err = s.board()
	return srv, err
}

// serve answers until ctx ends, then stops in order: requests, background work, planes.
func (s *system) serve(ctx context.Context, srv *server.Server, listener net.Listener) error {
	tuneMemory()
	if err := s.note(context.WithoutCancel(ctx), tutela.ActionStart); err != nil { // a signal may be here already
		return errors.Join(err, listener.Close(), s.close(context.WithoutCancel(ctx)))
	}
	s.run(ctx)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err = errors.Join(err, srv.Close(done), s.note(context.WithoutCancel(ctx), tutela.ActionStop))
	return errors.Join(err, s.close(context.WithoutCancel(ctx)))
}

func (s *system) fhir() *fhir.Handler {
	return fhir.New(fhir.Config{
		Records: s.records, Access: s.access, Audit: s.audit, Clock: s.clock, Log: s.log,
		Base: s.config.base() + "/fhir/r4", OAuth: fhir.OAuthEndpoints(oauth.EndpointsOf(s.config.base())),
	})
}

func (s *system) api(records *fhir.Handler) server.API {
	return server.API{
		Base: s.config.base(), Bucket: s.records.Bucket, Provider: s.provider.Name(),
		Keys: s.db.WrappedKeys, Assess: s.assess,
		RebuildIndex: s.records.Rebuild, Emergencies: s.emergencies, Findings: s.detection, Events: s.intake.reception, Breaches: s.breaches(), Sources: s.intake.gate.States, Answers: s.response.answers, Incidents: s.response.incidents, Alerts: s.response.alerts, Trackers: s.response.trackers, Export: s.response.export, Controls: func() *control.Board { return s.controls }, Packages: s.packages, Risks: s.risks, Vendors: s.vendors, Reviews: s.reviews, Duties: s.duties, Gaps: s.gaps, Policies: s.policies, Training: s.training, Recovery: s.recovery, KeyProvider: s.keyProvider, MoveKeys: s.moveKeys, Rights: s.rights, Backups: s.backupAPI(), Search: searcher(records),
		Erasures: s.erasures, Supply: s.supply, Generations: s.db.Generations, OldKeys: s.ring.Outdated, RotateKeys: s.ring.Rotate, RotateIndex: s.records.RotateIndex,
		AgreeToDestroy: s.db.AgreeToDestroy, DestroyAfter: s.config.destroyAfter(),
		IndexState: func(ctx context.Context) (server.IndexState, error) {
			st, err := s.records.IndexState(ctx)
			return server.IndexState(st), err
		},
	}
}
