package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"crypto/rand"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/sample"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/server"
)

type devCmd struct {
	Data     string `default:"tutela-data" type:"path" help:"Where the system lives; made on first use."`
	Addr     string `default:"localhost:8443" help:"Address to serve HTTPS on; port 0 takes a free one."`
	Postgres string `help:"URL of an empty PostgreSQL database, for first use; the embedded SQLite otherwise."`
	Patients int    `default:"12" help:"Sample patients to make when the store holds none."`
}

// Help gives an example.
func (devCmd) Help() string {
	return "Example: tutela dev --data /tmp/try --patients 0, then: tutela import --data /tmp/try FOLDER"
}

const devFile = "dev.json"

// devInfo is dev.json: how to reach a running try-out system, for its owner only.
type devInfo struct {
	URL        string                `json:"url"`
	FHIR       string                `json:"fhir"`
	CA         string                `json:"ca"`
	PID        int                   `json:"pid"`
	Secret     string                `json:"secret"` // for POST /api/v1/tryout/token: services
	Identities map[string]credential `json:"identities"`
	Treated    []string              `json:"treated,omitempty"` // patients whom physician and nurse treat
	Settled    bool                  `json:"settled"`           // as many as they will treat
}

// Run makes the system on first use and serves it until a signal.
func (cmd devCmd) Run(ctx context.Context, c console) error {
	fresh, err := cmd.prepare(ctx)
	if err != nil {
		return err
	}
	conf, err := readConfig(filepath.Join(cmd.Data, configFile))
	if err != nil {
		return err
	}
	if !conf.TryOut {
		return usage("%s is no try-out system: start it with tutela serve", cmd.Data)
	}
	if cmd.Postgres != "" && !fresh {
		return usage("%s exists already: --postgres counts on first use only", cmd.Data)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cmd.Addr)
	if err != nil {
		return usage("cannot listen on %s: %v (choose another with --addr)", cmd.Addr, err)
	}
	_ = hardenMemory() // as far as the machine of a try-out lets
	conf.URL = "https://" + net.JoinHostPort(hostOf(cmd.Addr), portOf(listener))
	s, err := openSystem(ctx, conf, "", slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	err = s.ensureCLI(ctx)
	if err == nil && fresh {
		err = s.createTryOut(ctx)
	}
	if err != nil {
		return errors.Join(err, listener.Close(), s.close(context.WithoutCancel(ctx)))
	}
	return cmd.serve(ctx, c, s, listener)
}

// prepare makes what is missing of the directory; fresh tells whether it made a new system.
func (cmd devCmd) prepare(ctx context.Context) (fresh bool, err error) {
	_, err = os.Stat(filepath.Join(cmd.Data, configFile))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, makeSystem(ctx, tryOutConfig(cmd.Data, cmd.Addr, "localhost/tryout"), cmd.Postgres)
}

// tryOutConfig is what a try-out system starts from; origin names its ledger.
func tryOutConfig(dir, addr, origin string) config {
	return config{
		Tenant: "tryout", Origin: origin, Node: "node-1", Hosts: []string{"localhost", "127.0.0.1", "::1"},
		Listen: addr, Certificate: certificateTLS, Key: keyTLS, Keys: localKeys("keys/provider"), TryOut: true,
		Gateway: tryOutGateway(), dir: dir,
	}
}

// makeSystem makes directory, certificates, database and keys; the configuration comes last, so
// that a directory without one is not yet a system.
func makeSystem(ctx context.Context, conf config, postgres string) error {
	if err := os.MkdirAll(conf.dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	for _, folder := range conf.keyFolders() {
		if _, err := os.Stat(folder); err == nil {
			return usage("%s exists, and %s does not: a start was broken off, or the directory is in use; choose another, or remove it if nothing was ever stored",
				folder, filepath.Join(conf.dir, configFile))
		}
	}
	if err := os.MkdirAll(conf.keysFolder(), 0o700); err != nil {
		return fmt.Errorf("make keys directory: %w", err)
	}
	if postgres != "" {
		conf.Postgres = postgresURL
		if err := writePrivate(conf.path(postgresURL), []byte(postgres+"\n")); err != nil {
			return err
		}
	}
	if conf.Certificate == certificateTLS {
		if err := makeCertificates(conf.dir, conf.Hosts, clock.System()); err != nil {
			return err
		}
	}
	if err := initSystem(ctx, conf); err != nil {
		return err
	}
	return conf.write()
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host == "" || host == "0.0.0.0" || host == "::" {
		return "localhost"
	}
	return host
}

func portOf(l net.Listener) string {
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return ""
	}
	return port
}

// serve runs the system, with dev.json there while it is ready.
func (cmd devCmd) serve(ctx context.Context, c console, s *system, listener net.Listener) error {
	secret := make([]byte, 24)
	_, _ = rand.Read(secret) // never fails: it ends the process instead
	t := &tryOut{s: s, path: filepath.Join(cmd.Data, devFile), info: devInfo{
		URL: s.config.base(), FHIR: s.config.base() + "/fhir/r4", CA: filepath.Join(cmd.Data, caFile), PID: os.Getpid(),
		Secret: base64.RawURLEncoding.EncodeToString(secret),
	}}
	srv, err := s.assemble(&server.TryOut{Secret: t.info.Secret})
	if err == nil {
		err = t.write(ctx)
	}
	if err != nil {
		return errors.Join(err, listener.Close(), s.close(context.WithoutCancel(ctx)))
	}
	work, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { t.follow(work, c, cmd.Patients) })
	t.greet(c, cmd.Data)
	err = s.serve(ctx, srv, listener)
	stop()
	done.Wait()
	return errors.Join(err, os.Remove(t.path))
}

// tryOut keeps dev.json true.
type tryOut struct {
	s    *system
	path string
	info devInfo
	seen int // patients when care last looked, counted no further than it needs
}

func (t *tryOut) write(ctx context.Context) error {
	var err error
	if t.info.Identities, err = t.s.credentials(ctx); err != nil {
		return err
	}
	text, err := json.MarshalIndent(t.info, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", devFile, err)
	}
	return writePrivate(t.path, append(text, '\n'))
}

func (t *tryOut) greet(c console, dir string) {
	fmt.Fprintf(c.out, `Tutela is ready (a try-out system in %s).
  FHIR     %s
  sign in  %s/login (as any of the identities)
  how to   %s (identities, certificate authority)
  token    tutela token --data %s --as physician
  check    tutela audit verify --data %s
`, dir, t.info.FHIR, t.info.URL, t.path, dir, dir)
}

// follow makes sample patients where none are, and gives the try-out patient a chart as soon as
// there is one.
func (t *tryOut) follow(ctx context.Context, c console, patients int) {
	linked := t.info.Identities["patient"].Patient != ""
	if !linked && patients > 0 {
		if err := t.samples(ctx, c, patients); err != nil && ctx.Err() == nil {
			fmt.Fprintln(c.err, "tutela: no sample patients:", err)
		}
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for !linked || len(t.info.Treated) < teams {
		var err error
		if linked, err = t.meet(ctx, linked); err != nil && ctx.Err() == nil {
			fmt.Fprintln(c.err, "tutela: no try-out patient yet:", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// samples loads invented patients through the API, as an import would.
func (t *tryOut) samples(ctx context.Context, c console, n int) error {
	if has, err := t.s.records.HasAny(ctx, "Patient"); err != nil || has {
		return err
	}
	client := t.s.directClient("dev")
	count := 0
	for bundle := range sample.Patients(n, 1) {
		if err := client.transaction(ctx, bundle); err != nil {
			return err
		}
		count++
	}
	fmt.Fprintf(c.out, "  patients %d invented ones are in the store\n", count)
	return nil
}

// lookEvery is how often a try-out system looks for its first patients.
const lookEvery = 100 * time.Millisecond

// meet links the try-out identities to the first patients, as they come.
func (t *tryOut) meet(ctx context.Context, linked bool) (bool, error) {
	if !linked {
		var err error
		if linked, err = t.link(ctx); err != nil || !linked {
			return false, err
		}
	}
	changed, err := t.care(ctx)
	if err == nil && changed {
		err = t.write(ctx)
	}
	return linked, err
}

// link makes the first patient the try-out patient.
func (t *tryOut) link(ctx context.Context) (bool, error) {
	has, err := t.s.records.HasAny(ctx, "Patient")
	if err != nil || !has {
		return false, err
	}
	rec, err := t.s.firstPatient(ctx)
	if err != nil {
		return false, err
	}
	if records.Invented(rec.Ref.ID) {
		return false, nil // an assessment's, gone in a moment
	}
	if err := t.s.identity.LinkPatient(ctx, systemActor("dev"), "patient", rec.Ref); err != nil {
		return false, err
	}
	return true, t.write(ctx)
}

// firstPatient finds the patient who came first, and says so in the ledger.
func (s *system) firstPatient(ctx context.Context) (*records.Record, error) {
	p := tutela.Principal{Tenant: s.config.Tenant, ID: "tutela-dev", Kind: tutela.ActorSystem,
		Roles: []string{string(access.RoleService)}, Scopes: []string{"system/Patient.rs"}}
	g, err := s.access.Authorize(ctx, p, access.Request{Action: tutela.ActionSearch, Type: "Patient"})
	if err != nil {
		return nil, err
	}
	rec, err := s.records.First(ctx, g, "Patient")
	if err != nil {
		return nil, err
	}
	touched := records.Touch(rec)
	_, err = s.audit.Append(ctx, tutela.Entry{Actor: systemActor("dev"), Action: tutela.ActionSearch, Type: "Patient",
		Outcome: tutela.OutcomeSuccess, Basis: g.Basis(), Patients: touched.Patients}, touched.Sections(""))
	return rec, err
}
