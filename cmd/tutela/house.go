package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/server"
)

// house is a tutela.yaml of several tenants: one process and one listener, and for each tenant a
// folder that init made, with a whole system of its own in it.
type house struct {
	// Listen is the address to serve HTTPS on, for all of them.
	Listen string `yaml:"listen"`
	// Tenants are the folders of the tenants.
	Tenants []string `yaml:"tenants"`

	dir string
}

// readHouse reads a configuration of several tenants; several is false for that of one.
func readHouse(path string) (h house, several bool, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return h, false, nil //nolint:nilerr // readConfig tells what is wrong
	}
	var keys map[string]any
	if yaml.Unmarshal(b, &keys) != nil || keys["tenants"] == nil {
		return h, false, nil
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&h); err != nil {
		return h, true, usage("%s: %v", path, err)
	}
	h.dir = filepath.Dir(path)
	if h.Listen == "" {
		return h, true, usage("%s: listen is missing", path)
	}
	return h, true, nil
}

// configs reads the tenants' configurations. Two that share what keeps tenants apart are an error.
func (h house) configs() ([]config, error) {
	var list []config
	seen := map[string]tutela.Tenant{}
	for _, folder := range h.Tenants {
		c, err := readConfig(filepath.Join(h.dir, folder, configFile))
		if err != nil {
			return nil, err
		}
		parts, err := c.apart()
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			if other, taken := seen[part]; taken {
				return nil, usage("%s is of both %s and %s: tenants share nothing", part, other, c.Tenant)
			}
			seen[part] = c.Tenant
		}
		list = append(list, c)
	}
	return list, nil
}

// apart lists what a tenant must have for itself.
func (c config) apart() ([]string, error) {
	database, err := c.database()
	if err != nil {
		return nil, err
	}
	keys := c.Keys.within(c)
	if keys.Dir != "" {
		if keys.Dir, err = filepath.Abs(keys.Dir); err != nil {
			return nil, fmt.Errorf("find keys: %w", err)
		}
	}
	if database, err = absolute(database); err != nil {
		return nil, err
	}
	list := []string{"the tenant " + string(c.Tenant), "the origin " + c.Origin, "the address " + c.base(), keys.place(), database}
	for _, host := range c.Hosts {
		list = append(list, "the host "+strings.ToLower(host))
	}
	return list, nil
}

// absolute names a database without its secrets.
func absolute(database string) (string, error) {
	file, embedded := strings.CutPrefix(database, "sqlite:")
	if !embedded {
		before, after, found := strings.Cut(database, "@")
		if !found {
			after = before
		}
		return "the database " + after, nil
	}
	path, err := filepath.Abs(file)
	return "the database " + path, err
}

// home is the folder of the tenant that a command is about.
func (t target) home() (string, error) {
	h, several, err := readHouse(filepath.Join(t.Data, configFile))
	if err != nil || !several && t.Tenant == "" {
		return t.Data, err
	}
	if !several {
		c, err := readConfig(filepath.Join(t.Data, configFile))
		if err == nil && string(c.Tenant) != t.Tenant {
			err = usage("%s is the tenant %s", t.Data, c.Tenant)
		}
		return t.Data, err
	}
	list, err := h.configs()
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list, func(c config) bool { return string(c.Tenant) == t.Tenant })
	if i < 0 {
		return "", usage("%s has several tenants: name one of them by --tenant", t.Data)
	}
	return list[i].dir, nil
}

// tenants are those of a house that could be opened.
type tenants struct {
	systems []*system
	servers []*server.Server
	absent  map[string][]string // hosts by the tenants that could not
	failed  error
}

// serve opens every tenant and serves those that could be opened until ctx ends. One that could not
// be is answered 503 and makes the command end with its error; it does not keep the others.
func (h house) serve(ctx context.Context, c console) error {
	confs, err := h.configs()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(c.err, nil))
	harden(log)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", h.Listen)
	if err != nil {
		return usage("cannot listen on %s: %v", h.Listen, err)
	}
	return serveTenants(ctx, c, confs, listener, log)
}

func serveTenants(ctx context.Context, c console, confs []config, listener net.Listener, log *slog.Logger) error {
	all := &tenants{absent: map[string][]string{}}
	for _, conf := range confs {
		if err := all.open(ctx, conf, log); err != nil {
			all.absent[string(conf.Tenant)] = conf.Hosts
			all.failed = errors.Join(all.failed, fmt.Errorf("tenant %s: %w", conf.Tenant, err))
			fmt.Fprintf(c.err, "tutela: tenant %s is not served: %v\n", conf.Tenant, err)
		}
	}
	if len(all.systems) == 0 {
		return errors.Join(all.failed, listener.Close())
	}
	door, err := server.NewHouse(server.HouseConfig{Tenants: all.servers, Absent: all.absent, Log: log})
	if err != nil {
		return errors.Join(err, listener.Close(), all.close(ctx))
	}
	for _, s := range all.systems {
		fmt.Fprintf(c.err, "tutela: serving %s (tenant %s)\n", s.config.base(), s.config.Tenant)
	}
	return errors.Join(all.serve(ctx, door, listener), all.failed)
}

// open opens one tenant and starts what goes on beside its requests.
func (t *tenants) open(ctx context.Context, conf config, log *slog.Logger) error {
	s, err := openSystem(ctx, conf, "", log.With(slog.String("tenant", string(conf.Tenant))))
	if err != nil {
		return err
	}
	s.house = t
	srv, err := s.assemble(nil)
	if err == nil {
		err = s.ensureCLI(ctx) // tutela login
	}
	if err == nil {
		err = s.note(context.WithoutCancel(ctx), tutela.ActionStart)
	}
	if err != nil {
		return errors.Join(err, s.close(context.WithoutCancel(ctx)))
	}
	s.run(ctx)
	t.systems, t.servers = append(t.systems, s), append(t.servers, srv)
	return nil
}

// beside are the other tenants of a system's process, as a check asks for them.
func (t *tenants) beside(one *system) []identity.Neighbour {
	var list []identity.Neighbour
	for _, s := range t.systems {
		if s != one {
			list = append(list, identity.Neighbour{Host: s.config.Hosts[0], TLS: s.trust()})
		}
	}
	return list
}

// serve answers until ctx ends, then stops requests, and every tenant.
func (t *tenants) serve(ctx context.Context, door *server.House, listener net.Listener) error {
	tuneMemory()
	failed := make(chan error, 1)
	go func() { failed <- door.Serve(listener) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return errors.Join(err, door.Close(done), t.close(ctx))
}

// close closes every tenant, also where another one cannot be.
func (t *tenants) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var failed error
	for _, s := range t.systems {
		if err := errors.Join(s.note(ctx, tutela.ActionStop), s.close(ctx)); err != nil {
			failed = errors.Join(failed, fmt.Errorf("tenant %s: %w", s.config.Tenant, err))
		}
	}
	return failed
}
