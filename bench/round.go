package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tutela-health/tutela/store"
)

// How much one load does at most.
const (
	connections = 64
	createFor   = 4 * time.Second
	turns       = 4 // of the floor and of what is measured beside it, one after the other
	turnFor     = time.Second
	maxRequests = 200_000
)

// round is one system from its making to its end, with every floor beside it.
type round struct {
	data    data
	system  *system
	cluster *cluster // nil: SQLite
	logins  int      // people who sign in at once; 0: not in this round
	panels  bool     // search as a clinician among many others' records
	out     *results
}

// run measures one round on one engine.
func (r *round) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, r.system.stop()) }()
	for _, step := range []func(context.Context) error{r.load, r.create, r.readAndSearch, r.asPeople, r.besideLogins, r.besidePanels} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// load imports everything and, when the system has stopped, weighs the disk.
func (r *round) load(ctx context.Context) error {
	if err := r.system.start(ctx); err != nil {
		return err
	}
	empty, err := r.databaseSize(ctx)
	if err != nil {
		return err
	}
	speed, err := r.system.importFiles(ctx, r.data.folder)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	r.out.add("import", speed)
	if err := r.remember("memory after import"); err != nil {
		return err
	}
	if err := r.system.stop(); err != nil {
		return err
	}
	return r.weigh(ctx, empty)
}

// databaseSize is what a migrated database with nothing in it takes on PostgreSQL; SQLite's counts whole.
func (r *round) databaseSize(ctx context.Context) (int64, error) {
	if r.cluster == nil {
		return 0, nil
	}
	size, _, err := r.cluster.sizes(ctx, r.system.postgres)
	return size, err
}

// weigh holds what lies on disk against the compact JSON: SQLite's file and log, without the reserve
// beside them; PostgreSQL's database, less what it was when empty.
func (r *round) weigh(ctx context.Context, empty int64) error {
	compact := float64(r.data.compact)
	if r.cluster != nil {
		before, after, err := r.cluster.sizes(ctx, r.system.postgres)
		r.out.add("disk", float64(before-empty)/compact)
		r.out.add("disk after VACUUM", float64(after-empty)/compact)
		return err
	}
	files, err := filepath.Glob(r.system.file("tutela.db*"))
	if err != nil {
		return err
	}
	var total int64
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return err
		}
		total += info.Size()
	}
	r.out.add("disk", float64(total)/compact)
	return nil
}

// remember notes the server's memory in MiB.
func (r *round) remember(what string) error {
	now, most, err := memory(r.system.pid())
	r.out.add(what, float64(now)/(1<<20))
	r.out.add(what+", highest", float64(most)/(1<<20))
	return err
}

// create posts Observations, and then has the engine alone write what that wrote.
func (r *round) create(ctx context.Context) error {
	before, err := r.copyDatabase(ctx)
	if err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	if err := r.system.start(ctx); err != nil {
		return err
	}
	bodies, err := r.system.newObservations(ctx)
	if err != nil {
		return err
	}
	var requests [][]byte
	for _, b := range bodies {
		requests = append(requests, post(r.system.host(), fhir+"/Observation", r.system.token, b))
	}
	m, err := r.under(ctx, r.system.host(), r.system.pid(), requests, createFor)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	r.out.addLoad("create", m)
	if err := r.remember("memory creating"); err != nil {
		return err
	}
	if err := r.system.stop(); err != nil {
		return err
	}
	return r.createFloor(ctx, before, m)
}

func (r *round) createFloor(ctx context.Context, before string, m measured) error {
	all, err := written(ctx, before, r.databaseURL())
	if err != nil {
		return fmt.Errorf("read what was created: %w", err)
	}
	n := creates(all)
	if n < m.requests() {
		return fmt.Errorf("%d creates were acknowledged and %d are in the database", m.requests(), n)
	}
	r.out.add("creates in a commit", float64(n)/float64(len(all)))
	floor, err := replay(ctx, before, all)
	if err != nil {
		return fmt.Errorf("engine alone: %w", err)
	}
	r.out.add("create, engine alone", floor)
	r.out.add("create, share of the engine", m.perSecond()/floor)
	if r.cluster != nil {
		return r.cluster.drop(ctx, before)
	}
	return nil
}

func (r *round) databaseURL() string {
	if r.cluster != nil {
		return r.system.postgres
	}
	return string(store.SQLite) + ":" + r.system.file("tutela.db")
}

// readAndSearch asks by id and by identifier, each beside a floor that answers the same bytes.
func (r *round) readAndSearch(ctx context.Context) error {
	if err := r.system.start(ctx); err != nil {
		return err
	}
	for _, kind := range []struct {
		name  string
		paths func(context.Context) ([]string, error)
	}{{"read", r.system.readPaths}, {"search by identifier", r.system.identifierPaths}} {
		paths, err := kind.paths(ctx)
		if err != nil {
			return err
		}
		if err := r.beside(ctx, kind.name, paths); err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
	}
	return nil
}

// beside has floor and system take turns of a second, so that whatever else the machine does
// weighs on both alike.
func (r *round) beside(ctx context.Context, name string, paths []string) error {
	pages, err := r.system.pages(ctx, paths)
	if err != nil {
		return err
	}
	requests := gets(paths, r.system.token)
	var floor, secured measured
	err = withFloor(ctx, r.system, pages, func(address string, pid int) error {
		for range turns {
			m, err := r.under(ctx, address, pid, requests, turnFor)
			if err != nil {
				return fmt.Errorf("floor: %w", err)
			}
			floor.add(m)
			if m, err = r.under(ctx, r.system.host(), r.system.pid(), requests, turnFor); err != nil {
				return err
			}
			secured.add(m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.out.addLoad(name, secured)
	r.out.addLoad(name+", TLS floor", floor)
	r.out.add(name+", share of the floor", secured.perSecond()/floor.perSecond())
	return r.remember("memory under " + name)
}

func gets(paths []string, token string) [][]byte {
	var requests [][]byte
	for _, p := range paths {
		requests = append(requests, get("localhost", p, token))
	}
	return requests
}

// under puts a server under load and reckons what processor time that takes it.
func (r *round) under(ctx context.Context, address string, pid int, requests [][]byte, within time.Duration) (measured, error) {
	before, err := processorTime(pid)
	if err != nil {
		return measured{}, err
	}
	m, err := load{
		address: address, tls: r.system.tls, requests: requests,
		connections: connections, within: within, limit: maxRequests,
	}.run(ctx)
	if err != nil {
		return m, err
	}
	after, err := processorTime(pid)
	m.cpu = after - before
	return m, err
}
