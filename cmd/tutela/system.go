package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/emergency"
	"github.com/tutela-health/tutela/access/label"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/dossier/binder"
	"github.com/tutela-health/tutela/assure/duty"
	"github.com/tutela-health/tutela/assure/policy"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/assure/remedy"
	"github.com/tutela-health/tutela/assure/review"
	"github.com/tutela-health/tutela/assure/risk"
	"github.com/tutela-health/tutela/assure/training"
	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/intake/book"
	"github.com/tutela-health/tutela/detect/intake/facts"
	"github.com/tutela-health/tutela/detect/logs"
	"github.com/tutela-health/tutela/detect/rules"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/privacy/erasure"
	"github.com/tutela-health/tutela/privacy/rights"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/holders"
	"github.com/tutela-health/tutela/respond/alert"
	"github.com/tutela-health/tutela/respond/answer"
	"github.com/tutela-health/tutela/respond/breach"
	"github.com/tutela-health/tutela/respond/incident"
	"github.com/tutela-health/tutela/respond/tracker"
	"github.com/tutela-health/tutela/respond/trail"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/evidence"
)

// system is an opened Tutela: its planes, wired by hand.
type system struct {
	config   config
	role     string
	readOnly bool     // of the ledger
	house    *tenants // those that one process serves, this one among them; nil: it is alone
	fresh    bool     // a new system, whose secrets are yet to be made
	clock    clock.Clock
	log      *slog.Logger
	db       *store.DB
	provider *keys.Switch
	ring     *keys.Ring
	audit    *audit.Log
	identity *identity.Service
	records  *records.Store
	access   *access.Authorizer
	gateway  server.Gateway

	emergencies *emergency.Service
	rights      *rights.Service
	erasures    *erasure.Service
	supply      *evidence.Service
	backups     *backup.Service
	recovery    *holders.Service
	detection   *detect.Service
	response    *response
	register    *register.Book
	runbooks    *incident.Book
	intake      *intakeDesk
	rules       *rules.Book
	moving      sync.Mutex       // lets one move of keys run at a time; guards keys
	keys        providerSettings // in use: those of the configuration, or what they were moved to since

	changes *store.Invalidations // what other nodes changed

	assessing   sync.Mutex   // lets one assessment run at a time
	served      atomic.Int64 // requests
	planeChecks []tutela.Check
	controls    *control.Board // of planeChecks
	packages    *binder.Binder
	risks       *risk.Service
	vendors     *vendor.Service
	reviews     *review.Service
	duties      *duty.Service
	gaps        *remedy.Service
	policies    *policy.Service
	training    *training.Service

	background sync.WaitGroup
	stop       context.CancelFunc
	held       []io.Closer // what claim locked
}

// migrations are those of every plane, in one series.
func migrations() []store.Migration {
	var all []store.Migration
	for _, plane := range [][]store.Migration{audit.Migrations(), records.Migrations(), identity.Migrations(), emergency.Migrations(), backup.Migrations(), holders.Migrations(), rights.Migrations(), erasure.Migrations(), evidence.Migrations(), detect.Migrations(), book.Migrations(), facts.Migrations(), logs.Migrations(), trail.Migrations(), answer.Migrations(), incident.Migrations(), alert.Migrations(), breach.Migrations(), register.Migrations(), tracker.Migrations()} {
		all = append(all, plane...)
	}
	return all
}

// initSystem makes the database and the first keys of a new system, and its ledger's first entry.
func initSystem(ctx context.Context, c config) error {
	db, err := openDatabase(ctx, c)
	if err != nil {
		return err
	}
	provider, err := c.createProvider(ctx)
	if err == nil {
		err = keys.Init(ctx, keys.Config{Tenant: c.Tenant, Shelf: db, Provider: provider, Clock: clock.System})
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	s, err := (&system{config: c, fresh: true, log: slog.New(slog.DiscardHandler)}).open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(s.note(ctx, tutela.ActionTenantInit), s.close(ctx))
}

// note writes what the system itself did.
func (s *system) note(ctx context.Context, action tutela.Action) error {
	_, err := s.audit.Append(ctx, tutela.Entry{
		Actor: systemActor("node"), Action: action, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "node", ID: s.config.Node, Detail: version().Version}, PolicyVersion: s.access.Version(),
	}, nil)
	return err
}

func openDatabase(ctx context.Context, c config) (*store.DB, error) {
	url, err := c.database()
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Config{URL: url, Clock: clock.System})
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := db.Migrate(ctx, migrations()); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate database: %w", err), db.Close())
	}
	return db, nil
}

// openSystem opens every plane. role tells apart processes that share a store: "" is the server,
// a command names itself.
func openSystem(ctx context.Context, c config, role string, log *slog.Logger) (*system, error) {
	return (&system{config: c, log: log, role: role}).open(ctx)
}

// lookAt opens every plane for a command that judges the ledger: also one that was tampered with,
// which openSystem refuses.
func lookAt(ctx context.Context, c config, role string, log *slog.Logger) (*system, error) {
	return (&system{config: c, log: log, role: role, readOnly: true}).open(ctx)
}

func (s *system) open(ctx context.Context) (*system, error) {
	c := s.config
	if s.clock == nil {
		s.clock = clock.System
	}
	var err error
	if !s.readOnly {
		if err := s.claim(); err != nil {
			return nil, err
		}
	}
	if s.db, err = openDatabase(ctx, c); err != nil {
		return nil, errors.Join(err, s.release())
	}
	if err := s.wire(ctx); err != nil {
		return nil, errors.Join(err, s.db.Close(), s.release())
	}
	return s, nil
}

func (s *system) wire(ctx context.Context) error {
	c := s.config
	var err error
	if s.gateway, err = c.Gateway.build(); err != nil {
		return err
	}
	provider, err := c.openProvider(ctx)
	if err != nil {
		return fmt.Errorf("open key provider: %w", err)
	}
	s.provider, s.keys = keys.NewSwitch(provider), c.Keys
	if s.ring, err = keys.Open(ctx, keys.Config{Tenant: c.Tenant, Shelf: s.db, Provider: s.provider, Clock: s.clock, Complete: !s.fresh}); err != nil {
		return fmt.Errorf("open keys: %w", err)
	}
	if s.audit, err = audit.Open(ctx, s.ledger()); err != nil {
		return err
	}
	if s.changes, err = s.db.Watch(ctx); err != nil {
		return fmt.Errorf("watch other nodes: %w", err)
	}
	disguise, err := s.disguise(ctx)
	if err != nil {
		s.changes.Close()
		return err
	}
	s.records, err = records.Open(ctx, records.Config{
		DB: s.db, Ring: s.ring, Audit: s.audit, Clock: s.clock, Fresh: s.changes.Fresh, Disguise: disguise,
		Staff: func(ctx context.Context) ([]tutela.Ref, error) { return s.identity.Staff(ctx) },
	})
	if err != nil {
		s.changes.Close()
		return fmt.Errorf("open records: %w", err)
	}
	s.identity, err = identity.Open(ctx, s.people())
	if err != nil {
		s.changes.Close()
		return fmt.Errorf("open identity: %w", err)
	}
	s.supply = evidence.New(evidence.Config{DB: s.db, Audit: s.audit, Identity: s.identity, Notes: s.records, Clock: s.clock, Scanned: func(ctx context.Context, base tutela.Entry, repository string, scan attest.Scan) error {
		return s.gaps.Scanned(ctx, base, repository, scan)
	}})
	s.recovery = holders.New(holders.Config{DB: s.db, Ring: s.ring, Audit: s.audit, Clock: s.clock, Plain: c.TryOut})
	if err := s.decide(); err != nil {
		s.changes.Close()
		return err
	}
	if s.intake, err = s.openIntake(); err != nil {
		s.changes.Close()
		return err
	}
	s.detection = s.detect()
	s.register = register.New(register.Config{DB: s.db, Audit: s.audit, Clock: s.clock, Notes: s.records, Alias: s.identity.Alias})
	if s.response, err = s.respond(); err != nil {
		s.changes.Close()
		return err
	}
	if s.backups, err = s.backupService(); err != nil && !s.readOnly {
		s.changes.Close()
		return err
	}
	s.changes.Subscribe(identity.Topic, func([]byte) { s.identity.Invalidate() })
	s.changes.Subscribe(records.Topic, func([]byte) { s.records.Invalidate() })
	s.changes.Subscribe(store.TopicGenerations, func([]byte) { s.forgetGenerations() })
	s.changes.Subscribe(records.TopicTies, s.records.ForgetTies)
	s.changes.Subscribe(emergency.Topic, s.emergencies.Forget)
	s.changes.Subscribe(rights.Topic, s.rights.Forget)
	s.changes.Subscribe(answer.Topic, s.response.answers.Forget)
	return nil
}

// decide wires what decisions are made of.
func (s *system) decide() error {
	var err error
	if s.emergencies, err = s.glass(); err != nil {
		return err
	}
	policies, err := s.config.policies()
	if err != nil && !s.readOnly { // who only looks at the ledger decides nothing, and without policies everything is denied
		return err
	}
	s.rights = rights.New(rights.Config{DB: s.db, Audit: s.audit, Clock: s.clock, Notes: s.records, Fresh: s.changes.Fresh})
	s.access = access.New(access.Config{
		Policies: policies, Locate: s.records.Bucket, Relations: s.records, Emergencies: s.emergencies, Restrictions: s.rights, Regime: s.config.regime(),
	})
	s.erasures = erasure.New(erasure.Config{
		DB: s.db, Audit: s.audit, Records: s.records, Access: s.access, Keys: s.ring, Clock: s.clock, Node: s.config.Node,
		Wraps: s.outstanding, Backed: s.backed, Held: func(ctx context.Context) ([]int, error) { return s.provider.Generations(ctx) },
		Open: s.hindered, Wait: s.config.eraseAfter(), Rotate: s.config.Keys.rotation(), Retain: s.config.Erasure.Retain,
	})
	return nil
}

// people says how identity works here. Passkeys are bound to the host of the public address; an
// IP address cannot have any (WebAuthn, 5.1.2: the RP ID is a domain).
func (s *system) people() identity.Config {
	c := identity.Config{DB: s.db, Ring: s.ring, Audit: s.audit, Clock: s.clock, Fresh: s.changes.Fresh, Admit: s.gateway.Networks.Admit}
	c.Labels = label.Set(label.All).Needs()
	for _, r := range access.Roles() {
		c.Roles = append(c.Roles, string(r))
	}
	for _, r := range access.Privileged() {
		c.Privileged = append(c.Privileged, string(r))
	}
	if u, err := url.Parse(s.config.base()); err == nil && net.ParseIP(u.Hostname()) == nil {
		c.RPID, c.Origins = u.Hostname(), []string{s.config.base()}
	}
	return c
}

func (s *system) ledger() audit.Config {
	return audit.Config{
		DB: s.db, Keys: s.ring, Tenant: s.config.Tenant, Node: s.config.Node + s.role, Origin: s.config.Origin,
		Clock: s.clock, Log: s.log, ReadOnly: s.readOnly,
	}
}

// run starts what goes on beside requests: the sequencer, rebuilds of the index, deleting what
// expired, and taking up changed policies.
func (s *system) run(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	s.background.Go(func() { s.records.Run(ctx, s.config.Node, s.log) })
	s.background.Go(func() { s.identity.Run(ctx, s.log) })
	s.background.Go(func() { s.keepKeys(ctx) })
	s.background.Go(func() { s.erasures.Run(ctx, s.log) })
	s.background.Go(func() { s.detection.Run(ctx) })
	s.background.Go(func() { keepRoom(ctx) })
	s.background.Go(func() { s.intake.run(ctx, s.log) })
	s.background.Go(func() { s.response.run(ctx, s.log) })
	s.background.Go(func() { s.watchProvider(ctx) })
	s.background.Go(func() { s.schedule().Run(ctx) })
	s.background.Go(func() { s.follow(ctx) })
	s.background.Go(func() { s.backUp(ctx) })
	if !s.config.TryOut {
		s.background.Go(func() { s.warnOfRecovery(ctx) })
	}
	if s.config.Respond.Incidents.Runbooks != "" {
		s.background.Go(func() { s.followRunbooks(ctx) })
	}
	if s.config.Detect.Rules != "" {
		s.background.Go(func() { s.followRules(ctx) })
	}
	if s.config.Policies != "" {
		s.background.Go(func() { s.followPolicies(ctx) })
	}
	s.background.Go(func() {
		if err := s.audit.Run(ctx); err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "the ledger is no longer sequenced", slog.String("error", err.Error()))
		}
	})
}

// close ends what runs, brings the ledger up to date and closes the planes.
func (s *system) close(ctx context.Context) error {
	if s.stop != nil {
		s.stop()
	}
	s.background.Wait()
	err := errors.Join(s.sequence(ctx), s.audit.Release(ctx))
	s.changes.Close()
	s.ring.Close()
	return errors.Join(err, s.db.Checkpoint(ctx), s.db.Close(), s.release())
}

// sequence brings every pending entry into the tree.
func (s *system) sequence(ctx context.Context) error {
	for {
		n, err := s.audit.Sequence(ctx)
		if errs.Is(err, errs.Conflict) {
			return nil // another node sequences
		}
		if err != nil || n == 0 {
			return err
		}
	}
}
