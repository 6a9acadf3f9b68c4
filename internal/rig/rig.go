package rig

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/access/emergency"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/intake/book"
	"github.com/tutela-health/tutela/detect/intake/facts"
	"github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/detect/intake/reception"
	"github.com/tutela-health/tutela/detect/logs"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/privacy/deid"
	"github.com/tutela-health/tutela/privacy/erasure"
	"github.com/tutela-health/tutela/privacy/rights"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/holders"
	"github.com/tutela-health/tutela/respond/alert"
	"github.com/tutela-health/tutela/respond/answer"
	"github.com/tutela-health/tutela/respond/breach"
	"github.com/tutela-health/tutela/respond/incident"
	"github.com/tutela-health/tutela/respond/siem"
	"github.com/tutela-health/tutela/respond/tracker"
	"github.com/tutela-health/tutela/respond/trail"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
	"github.com/tutela-health/tutela/supply/evidence"
)

// Host is the rigged tenant's name, and Base the address of its FHIR API.
const (
	Host = "rig.test"
	Base = "https://" + Host + "/fhir/r4"
)

// Config says what a Rig differs in. Its zero value is SQLite on the machine's clock.
type Config struct {
	Tenant string // its name; its host is Tenant.test. Empty: "rig", at Host
	Engine store.Engine
	Dir    string // where its files lie; empty: in a folder of the test's own
	Clock  clock.Clock
	Log    *slog.Logger
	Beside *Rig                                                     // the same system, of which this is one more node; its tenant, engine and accounts are that one's
	Admit  func(client string, roles []string, address string) bool // identity's; nil admits from everywhere

	Apart bool // its keys are said to lie apart from its data

	Watch func() (detect.Watch, error) // detectors; nil has none

	Answers func() *answer.Policy // nil answers nothing
	Zone    *time.Location        // where days are counted; nil: UTC
	Alerts  *alert.Plan           // nil tells nobody
	Tracks  *tracker.Plan         // nil has no trackers
	Files   map[string][]byte     // that Alerts and Tracks name
	Sources []gate.Source         // systems that tell what happens in them

	// Fill puts into the migrated database what another system held, whose keys Provider wraps, and Ready
	// is called when its keys are open; where Fill is nil the system is a new one.
	Fill     func(ctx context.Context, db *store.DB) error
	Ready    func(ctx context.Context, db *store.DB, ring *keys.Ring) error
	Provider keys.Provider
}

// Rig is an opened system.
type Rig struct {
	DB       *store.DB
	Ring     *keys.Ring
	Audit    *audit.Log
	Records  *records.Store
	Identity *identity.Service
	Access   *access.Authorizer
	Handler  http.Handler

	Emergencies *emergency.Service
	Rights      *rights.Service
	Supply      *evidence.Service
	Backups     server.Backups
	Recovery    *holders.Service
	Breaches    *breach.Service
	Findings    *detect.Service // with the detectors of Config.Watch; it works when it is told to
	Answers     *answer.Service // by Config.Answers; it works when it is told to
	Alerts      *alert.Service  // by Config.Alerts; it works when it is told to
	Incidents   *incident.Service
	Register    *register.Book
	Export      *siem.Service    // to nobody
	Trackers    *tracker.Service // by Config.Tracks; it works when it is told to

	Told *reception.Reception // what Config.Sources tell: what they post is taken at once

	tenant  tutela.Tenant
	url     string // of its database
	node    string // this process, as the ledger names it
	filled  bool   // with what another system held, accounts among it
	changes *store.Invalidations
	server  *server.Server

	mu     sync.Mutex
	tokens map[string]string // guarded by mu
}

// Host is the tenant's name on the network.
func (r *Rig) Host() string { return string(r.tenant) + ".test" }

// Neighbours serves tenants from one House: from now on each is found by its host, as in one process.
func Neighbours(t testing.TB, rigs ...*Rig) {
	t.Helper()
	c := server.HouseConfig{Log: slog.New(slog.DiscardHandler)}
	for _, r := range rigs {
		c.Tenants = append(c.Tenants, r.server)
	}
	house, err := server.NewHouse(c)
	if err != nil {
		t.Fatalf("serve tenants together: %v", err)
	}
	for _, r := range rigs {
		r.Handler = house
	}
}

// Engines are those that every test of behaviour runs on.
func Engines() []store.Engine { return []store.Engine{store.SQLite, store.Postgres} }

// Each runs f against a fresh system on every engine.
func Each(t *testing.T, f func(t *testing.T, r *Rig)) {
	t.Helper()
	for _, engine := range Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f(t, Open(t, Config{Engine: engine}))
		})
	}
}

// Open makes a new system, which the test's end closes.
func Open(t testing.TB, c Config) *Rig {
	t.Helper()
	if c.Clock == nil {
		c.Clock = clock.System
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Rig{tokens: map[string]string{}, tenant: tutela.Tenant(cmp.Or(c.Tenant, "rig")), node: "rig"}
	if c.Beside != nil {
		r.tenant, r.node = c.Beside.tenant, c.Beside.node+"'"
	}
	if err := r.wire(t, c); err != nil {
		t.Fatalf("open rig: %v", err)
	}
	t.Cleanup(func() {
		if err := r.close(context.WithoutCancel(t.Context())); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Errorf("close rig: %v", err)
		}
	})
	return r
}

func (r *Rig) wire(t testing.TB, c Config) error {
	ctx := t.Context()
	dir := c.Dir
	if dir == "" {
		dir = t.TempDir()
	}
	switch {
	case c.Beside != nil:
		r.url = c.Beside.url
	case c.Engine == store.Postgres:
		r.url = testkit.Postgres(t)
	default:
		r.url = "sqlite:" + filepath.Join(dir, "rig.db")
	}
	var err error
	if r.DB, err = store.Open(ctx, store.Config{URL: r.url, Reserve: -1, MinFree: -1, Clock: c.Clock}); err != nil {
		return err
	}
	if err := r.DB.Migrate(ctx, Migrations()); err != nil {
		return err
	}
	if err := r.openKeys(ctx, filepath.Join(dir, "keys"), c); err != nil {
		return err
	}
	if err := r.openPlanes(ctx, c); err != nil {
		return err
	}
	r.serve(c)
	return nil
}

// Migrations are those of every plane.
func Migrations() []store.Migration {
	return slices.Concat(audit.Migrations(), records.Migrations(), identity.Migrations(), emergency.Migrations(), backup.Migrations(), holders.Migrations(), rights.Migrations(), erasure.Migrations(), evidence.Migrations(), detect.Migrations(), book.Migrations(), facts.Migrations(), logs.Migrations(), trail.Migrations(), answer.Migrations(), incident.Migrations(), alert.Migrations(), breach.Migrations(), register.Migrations(), tracker.Migrations())
}

func (r *Rig) openKeys(ctx context.Context, dir string, c Config) error {
	if c.Fill != nil {
		return r.fillKeys(ctx, c)
	}
	if c.Beside != nil {
		r.filled = true
		var err error
		r.Ring, err = keys.Open(ctx, keys.Config{Tenant: r.tenant, Shelf: r.DB, Provider: c.Beside.Ring.Provider(), Clock: c.Clock, Complete: true})
		return err
	}
	provider, err := keys.CreateLocal(dir)
	if err != nil {
		return err
	}
	k := keys.Config{Tenant: r.tenant, Shelf: r.DB, Provider: provider, Clock: c.Clock}
	if err := keys.Init(ctx, k); err != nil {
		return err
	}
	r.Ring, err = keys.Open(ctx, k)
	return err
}

// fillKeys opens the keys of a system that comes from elsewhere.
func (r *Rig) fillKeys(ctx context.Context, c Config) error {
	r.filled = true
	if err := c.Fill(ctx, r.DB); err != nil {
		return err
	}
	var err error
	if r.Ring, err = keys.Open(ctx, keys.Config{Tenant: r.tenant, Shelf: r.DB, Provider: c.Provider, Clock: c.Clock, Complete: true}); err != nil {
		return err
	}
	return c.Ready(ctx, r.DB, r.Ring)
}

func (r *Rig) openPlanes(ctx context.Context, c Config) error {
	var err error
	r.Audit, err = audit.Open(ctx, audit.Config{DB: r.DB, Keys: r.Ring, Tenant: r.tenant, Node: r.node, Origin: r.Host(), Clock: c.Clock, Log: c.Log})
	if err != nil {
		return err
	}
	if r.changes, err = r.DB.Watch(ctx); err != nil {
		return err
	}
	disguise, err := r.disguise(ctx, c)
	if err != nil {
		return err
	}
	r.Records, err = records.Open(ctx, records.Config{
		DB: r.DB, Ring: r.Ring, Audit: r.Audit, Clock: c.Clock, Fresh: r.changes.Fresh, Disguise: disguise,
		Staff: func(ctx context.Context) ([]tutela.Ref, error) { return r.Identity.Staff(ctx) },
	})
	if err != nil {
		return err
	}
	r.Identity, err = identity.Open(ctx, identity.Config{DB: r.DB, Ring: r.Ring, Audit: r.Audit, Clock: c.Clock, Fresh: r.changes.Fresh, Admit: c.Admit})
	if err != nil {
		return err
	}
	policies, err := access.Shipped()
	if err != nil {
		return err
	}
	r.Emergencies, err = emergency.New(emergency.Config{
		DB: r.DB, Audit: r.Audit, Clock: c.Clock, Fresh: r.changes.Fresh, Locate: r.Records.Bucket, Alias: r.Identity.Alias, Session: r.session,
	})
	if err != nil {
		return err
	}
	r.Rights = rights.New(rights.Config{DB: r.DB, Audit: r.Audit, Clock: c.Clock, Notes: r.Records, Fresh: r.changes.Fresh})
	r.Supply = evidence.New(evidence.Config{DB: r.DB, Audit: r.Audit, Identity: r.Identity, Notes: r.Records, Clock: c.Clock})
	if r.Told, err = r.reception(c); err != nil {
		return err
	}
	r.Findings = r.Detection("rig", c)
	r.Answers = r.Answering("rig", c)
	r.Identity.OnHold(r.Answers.Hold)
	r.Incidents = r.Incident("rig", c)
	r.Register = register.New(register.Config{DB: r.DB, Audit: r.Audit, Clock: c.Clock, Notes: r.Records, Alias: r.Identity.Alias})
	r.changes.Subscribe(answer.Topic, r.Answers.Forget)
	r.Breaches = r.breaches(c)
	if r.Alerts, err = r.Alerting("rig", c); err != nil {
		return err
	}
	if r.Trackers, err = r.Tracking("rig", c); err != nil {
		return err
	}
	if r.Export, err = siem.New(siem.Config{DB: r.DB, Audit: r.Audit, Clock: c.Clock, Findings: r.Findings, Alias: r.Identity.Alias, Log: c.Log}); err != nil {
		return err
	}
	r.Recovery = holders.New(holders.Config{DB: r.DB, Ring: r.Ring, Audit: r.Audit, Clock: c.Clock, Plain: true})
	r.Access = access.New(access.Config{
		Policies: policies, Locate: r.Records.Bucket, Relations: r.Records, Emergencies: r.Emergencies, Restrictions: r.Rights, Regime: consent.OptOut,
	})
	r.changes.Subscribe(store.TopicGenerations, func([]byte) { _ = r.Ring.Refresh(context.WithoutCancel(ctx)) })
	r.changes.Subscribe(identity.Topic, func([]byte) { r.Identity.Invalidate() })
	r.changes.Subscribe(records.Topic, func([]byte) { r.Records.Invalidate() })
	r.changes.Subscribe(records.TopicTies, r.Records.ForgetTies)
	r.changes.Subscribe(emergency.Topic, r.Emergencies.Forget)
	r.changes.Subscribe(rights.Topic, r.Rights.Forget)
	return nil
}

// reception takes what sources post. Nobody listens for others.
func (r *Rig) reception(c Config) (*reception.Reception, error) {
	g, err := gate.New(c.Sources, c.Clock)
	if err != nil {
		return nil, err
	}
	lines, err := logs.New(logs.Config{DB: r.DB, Audit: r.Audit, Notes: r.Records, Alias: r.Identity.Alias, Clock: c.Clock, Log: c.Log})
	if err != nil {
		return nil, err
	}
	tokens := book.NewTokens(r.Identity.Alias, nil, "")
	return &reception.Reception{
		Gate: g, Tokens: tokens, Clock: c.Clock, Log: c.Log, Logs: lines, Facts: &facts.Store{DB: r.DB, Notes: r.Records, Clock: c.Clock},
		Book: book.New(book.Config{DB: r.DB, Audit: r.Audit, Clock: c.Clock, Notes: r.Records, Alias: r.Identity.Alias, Tokens: tokens}),
	}, nil
}

// Detection is a detection service of a node of that name.
func (r *Rig) Detection(node string, c Config) *detect.Service {
	return detect.New(detect.Config{
		DB: r.DB, Audit: r.Audit, Clock: c.Clock, Notes: r.Records, Alias: r.Identity.Alias, Node: node, Log: c.Log,
		Streams: []detect.Stream{detect.Ledger(r.Audit), r.Told.Logs.Stream()}, Watch: c.Watch,
	})
}

// Answering answers findings on a node of that name.
func (r *Rig) Answering(node string, c Config) *answer.Service {
	policy := c.Answers
	if policy == nil {
		policy = func() *answer.Policy { return nil }
	}
	return answer.New(answer.Config{
		DB: r.DB, Audit: r.Audit, Clock: c.Clock, Notes: r.Records, People: r.Identity, Findings: r.Findings, Policy: policy,
		Fresh: r.changes.Fresh, Node: node, Log: c.Log,
	})
}

// Incident keeps incidents on a node of that name; it takes findings up when it is told to.
func (r *Rig) Incident(node string, c Config) *incident.Service {
	return incident.New(incident.Config{
		DB: r.DB, Audit: r.Audit, Clock: c.Clock, Notes: r.Records, Findings: r.Findings, Alias: r.Identity.Alias, People: r.Identity, Zone: c.Zone, Senders: []string{"clinic.example"}, Node: node, Log: c.Log,
	})
}

// Alerting tells people of findings on a node of that name.
func (r *Rig) Alerting(node string, c Config) (*alert.Service, error) {
	return alert.New(alert.Config{
		DB: r.DB, Audit: r.Audit, Clock: c.Clock, Notes: r.Records, Findings: r.Findings, Alias: r.Identity.Alias, Plan: c.Alerts, Node: node, Log: c.Log,
		Read: c.file,
	})
}

// Board shows how controls are known by some checks, of what is asked by the shipped catalogue.
func (r *Rig) Board(t testing.TB, now clock.Clock, checks ...tutela.Check) *control.Board {
	t.Helper()
	list, err := catalog.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	all, err := catalog.New(list...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := control.New(control.Config{Catalog: all, Checks: checks, Ledger: r.Audit, Register: r.Register, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// file is one that a plan names.
func (c Config) file(path string) ([]byte, error) {
	b, ok := c.Files[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return b, nil
}

// Tracking keeps tickets in step on a node of that name.
func (r *Rig) Tracking(node string, c Config) (*tracker.Service, error) {
	return tracker.New(tracker.Settings{
		DB: r.DB, Audit: r.Audit, Clock: c.Clock, Notes: r.Records, Findings: r.Findings, Incidents: r.Incidents, Alias: r.Identity.Alias,
		Plan: c.Tracks, Node: node, Log: c.Log, Read: c.file,
	})
}

// disguise de-identifies, under a key of the rig's own.
func (r *Rig) disguise(ctx context.Context, c Config) (records.Disguise, error) {
	const secret = "de-identification"
	if err := r.Ring.MakeSecret(ctx, secret); err != nil {
		return nil, err
	}
	key, err := r.Ring.FindSecret(ctx, secret)
	if err != nil {
		return nil, err
	}
	return deid.New(deid.Config{Key: key, Now: c.Clock})
}

// session tells emergencies of a login.
func (r *Rig) session(ctx context.Context, id string) (emergency.Login, error) {
	session, user, err := r.Identity.Session(ctx, id)
	return emergency.Login{User: user.ID, Proved: session.AuthTime}, err
}

func (r *Rig) serve(c Config) {
	r.Backups = r.backups(c)
	api := fhir.New(fhir.Config{Records: r.Records, Access: r.Access, Audit: r.Audit, Clock: c.Clock, Log: c.Log, Base: "https://" + r.Host() + "/fhir/r4"})
	r.server = server.New(server.Config{
		Tenant: string(r.tenant), Hosts: []string{r.Host()}, TLS: &tls.Config{MinVersion: tls.VersionTLS12}, Identity: r.Identity, Access: r.Access, Audit: r.Audit, FHIR: api, Clock: c.Clock, Log: c.Log,
		API: server.API{Bucket: r.Records.Bucket, Keys: r.DB.WrappedKeys, Provider: r.Ring.Provider().Name(), RebuildIndex: r.Records.Rebuild, Emergencies: r.Emergencies, Findings: r.Findings, Events: r.Told, Breaches: r.Breaches, Answers: r.Answers, Incidents: r.Incidents, Alerts: r.Alerts, Trackers: r.Trackers, Export: r.Export, Recovery: r.Recovery, KeyProvider: r.KeyProvider, MoveKeys: r.MoveKeys, Rights: r.Rights, Backups: r.Backups, Supply: r.Supply},
		// No rate: a test's clock may stand still, and then nothing would refill.
		Gateway: server.Gateway{Answers: r.Answers, Rates: server.Rates{Address: server.Rate{Unlimited: true}, Caller: server.Rate{Unlimited: true}}},
	})
	r.Handler = r.server.Handler()
}

// backups are those of a system that nobody backs up.
func (r *Rig) backups(c Config) server.Backups {
	b := backup.New(backup.Config{DB: r.DB, Ring: r.Ring, Audit: r.Audit, Tenant: r.tenant, Node: r.node, Clock: c.Clock, Log: c.Log})
	return server.Backups{State: b.State, Ask: func([]string) (int64, error) { return b.Ask(nil) }}
}

// KeyProvider is how a rigged provider, which is local, always is.
func (r *Rig) KeyProvider(ctx context.Context) (server.KeyProvider, error) {
	list, err := r.Ring.Provider().Generations(ctx)
	return server.KeyProvider{Provider: r.Ring.Provider().Name(), Answers: true, Answered: r.Ring.Health().Answered, Outage: 60, Generations: list}, err
}

// MoveKeys says what a system does whose configuration names no other provider.
func (*Rig) MoveKeys(context.Context, tutela.Entry) (server.KeyProvider, error) {
	return server.KeyProvider{}, errs.New(errs.Precondition, "the configuration names no other provider")
}

func (r *Rig) close(ctx context.Context) error {
	var err error
	if r.server != nil {
		err = r.server.Close(ctx)
	}
	if r.changes != nil {
		r.changes.Close()
	}
	if r.Ring != nil {
		r.Ring.Close()
	}
	if r.DB != nil {
		err = errors.Join(err, r.DB.Close())
	}
	return err
}

// Principal is who a rigged service is, for calls below HTTP.
func Principal() tutela.Principal {
	return tutela.Principal{Tenant: "rig", ID: "rig", Kind: tutela.ActorService,
		Roles: []string{string(access.RoleService)}, Scopes: []string{"system/*.cruds"}}
}
