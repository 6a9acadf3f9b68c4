package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/book"
	"github.com/tutela-health/tutela/detect/intake/facts"
	"github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/detect/intake/reception"
	"github.com/tutela-health/tutela/detect/intake/tail"
	"github.com/tutela-health/tutela/detect/logs"
	"github.com/tutela-health/tutela/internal/clock"
)

// intakeConfig says which other systems tell what happens in them.
type intakeConfig struct {
	// Syslog is the address to take audit messages on, by syslog over TLS (RFC 5425); usually port 6514.
	Syslog string `yaml:"syslog,omitempty"`
	// HL7 is the address to take HL7 v2 messages on, by MLLP over TLS; usually port 2575.
	HL7 string `yaml:"hl7,omitempty"`
	// ClientCA is the PEM file of the authorities that sign sources' certificates.
	ClientCA string `yaml:"client_ca,omitempty"`
	// TimeZone is that of HL7 times without an offset; UTC when it is left out.
	TimeZone string `yaml:"time_zone,omitempty"`
	// Authorities are the names of who assigns patient numbers, by what sources call them.
	Authorities map[string]string `yaml:"authorities,omitempty"`
	// KeepDays is how long lines of other systems' logs are kept; 400 when it is left out.
	KeepDays int `yaml:"keep_days,omitempty"`
	// Sources are the systems that may send.
	Sources []sourceConfig `yaml:"sources,omitempty"`
}

// sourceConfig is one system that may send.
type sourceConfig struct {
	Name string `yaml:"name"`
	// Certificate is the common name of the certificate that it proves.
	Certificate string `yaml:"certificate,omitempty"`
	// Networks are where it sends from.
	Networks []string `yaml:"networks,omitempty"`
	// Client is the OAuth client id by which it posts to /api/v1/events.
	Client string `yaml:"client,omitempty"`
	// File is a log file that it writes on this machine, which is followed.
	File string `yaml:"file,omitempty"`
	// Readers are the roles that may see its events: auditor, privacy. Both when it is left out.
	Readers []string `yaml:"readers,omitempty"`
	// Authority is whose patient numbers those are that name no authority.
	Authority string `yaml:"authority,omitempty"`
	// SilentMinutes is how long it may say nothing before that is a finding of assess; 0 for ever.
	SilentMinutes int `yaml:"silent_minutes,omitempty"`
	// PerSecond is how many messages a second are read of it; 20,000 when it is left out.
	PerSecond int `yaml:"per_second,omitempty"`
}

// check builds everything that can be built of a configuration alone.
func (c intakeConfig) check() error {
	if _, err := c.gate(); err != nil {
		return err
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return fmt.Errorf("time_zone is none: %s", c.TimeZone)
	}
	listens := c.Syslog != "" || c.HL7 != ""
	if listens && len(c.Sources) == 0 {
		return fmt.Errorf("it listens and nobody may send: name sources")
	}
	if listens && c.Syslog == c.HL7 {
		return fmt.Errorf("syslog and hl7 need an address each")
	}
	if c.KeepDays < 0 {
		return fmt.Errorf("keep_days is a number from 0 up")
	}
	for _, s := range c.Sources {
		for _, role := range s.Readers {
			if role != string(access.RoleAuditor) && role != string(access.RolePrivacy) {
				return fmt.Errorf("source %s: readers are auditor and privacy, and no %s", s.Name, role)
			}
		}
		if s.Certificate != "" && c.ClientCA == "" {
			return fmt.Errorf("source %s proves a certificate: name client_ca", s.Name)
		}
	}
	return nil
}

func (c intakeConfig) gate() (*gate.Gate, error) {
	list := make([]gate.Source, len(c.Sources))
	for i, s := range c.Sources {
		if s.SilentMinutes < 0 || s.PerSecond < 0 {
			return nil, fmt.Errorf("source %s: silent_minutes and per_second are numbers from 0 up", s.Name)
		}
		list[i] = gate.Source{Name: s.Name, Certificate: s.Certificate, Authority: s.Authority, Silent: time.Duration(s.SilentMinutes) * time.Minute, Rate: s.PerSecond, Client: s.Client, File: s.File, Readers: s.Readers}
		for _, text := range s.Networks {
			n, err := netip.ParsePrefix(text)
			if err != nil {
				return nil, fmt.Errorf("source %s: %s is no network", s.Name, text)
			}
			list[i].Networks = append(list[i].Networks, n)
		}
	}
	return gate.New(list, clock.System)
}

// intakeDesk is what a system takes in.
type intakeDesk struct {
	config    intakeConfig
	gate      *gate.Gate
	facts     *facts.Store
	book      *book.Book
	queue     *book.Queue
	logs      *logs.Store
	lines     *logs.Queue
	tails     []*tail.Tail
	reception *reception.Reception
	tls       func() (*tls.Config, error)
}

func (s *system) openIntake() (*intakeDesk, error) {
	c := s.config.Intake
	if s.config.TryOut { // what the try-out's loader imports
		c.Sources = append(slices.Clone(c.Sources), sourceConfig{Name: "import", Client: "loader"})
	}
	g, err := c.gate()
	if err != nil {
		return nil, usage("intake: %v", err)
	}
	place, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, usage("intake: %v", err)
	}
	tokens := book.NewTokens(s.identity.Alias, c.Authorities, "")
	n := &intakeDesk{config: c, gate: g, facts: &facts.Store{DB: s.db, Notes: s.records, Clock: clock.System, Alias: s.identity.Alias}, tls: s.intakeTLS}
	n.book = book.New(book.Config{
		DB: s.db, Audit: s.audit, Clock: clock.System, Notes: s.records, Alias: s.identity.Alias, Tokens: tokens,
	})
	n.queue = book.NewQueue(n.book, s.log)
	n.logs, err = logs.New(logs.Config{
		DB: s.db, Audit: s.audit, Notes: s.records, Alias: s.identity.Alias, Clock: clock.System, Log: s.log, Keep: time.Duration(c.KeepDays) * 24 * time.Hour,
	})
	if err != nil {
		return nil, err
	}
	n.lines = logs.NewQueue(n.logs)
	n.reception = &reception.Reception{
		Gate: g, Records: n.queue, Book: n.book, Facts: n.facts, Lines: n.lines, Logs: n.logs, Tokens: tokens, Place: place, Clock: clock.System, Log: s.log,
	}
	for _, d := range g.Files() {
		n.tails = append(n.tails, &tail.Tail{Path: s.config.path(d.File), Source: d, Keeps: n.reception, Places: n.logs, Log: s.log})
	}
	return n, nil
}

// intakeTLS is the server's certificate, and whose clients' certificates are believed. A source that is known by its
// network alone needs none.
func (s *system) intakeTLS() (*tls.Config, error) {
	c, err := serverTLS(s.config.path(s.config.Certificate), s.config.path(s.config.Key))
	if err != nil {
		return nil, err
	}
	c = intake.Secure(c)
	if s.config.Intake.ClientCA == "" {
		return c, nil
	}
	text, err := os.ReadFile(s.config.path(s.config.Intake.ClientCA))
	if err != nil {
		return nil, fmt.Errorf("read client_ca: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !c.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("client_ca holds no certificate")
	}
	return c, nil
}

// run listens until ctx ends, then writes what waits. An address that cannot be listened on is told, and tried again
// every minute: what else the system does goes on.
func (n *intakeDesk) run(ctx context.Context, log *slog.Logger) {
	var doors, desk sync.WaitGroup
	written, closed := context.WithCancel(context.WithoutCancel(ctx))
	desk.Go(func() { n.queue.Run(written) })
	desk.Go(func() { n.lines.Run(written) })
	doors.Go(func() { n.logs.Run(ctx) })
	for _, t := range n.tails {
		doors.Go(func() { t.Run(ctx) })
	}
	for address, serve := range map[string]func(context.Context, net.Listener) error{n.config.Syslog: n.reception.Syslog, n.config.HL7: n.reception.HL7} {
		if address != "" {
			doors.Go(func() { n.listen(ctx, address, serve, log) })
		}
	}
	<-ctx.Done()
	doors.Wait() // nothing is put after that
	closed()
	desk.Wait()
}

func (n *intakeDesk) listen(ctx context.Context, address string, serve func(context.Context, net.Listener) error, log *slog.Logger) {
	for ctx.Err() == nil {
		err := n.once(ctx, address, serve)
		if ctx.Err() != nil {
			return
		}
		log.LogAttrs(ctx, slog.LevelError, "nothing is taken in; trying again in a minute", slog.String("address", address), slog.Any("error", err))
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
		}
	}
}

func (n *intakeDesk) once(ctx context.Context, address string, serve func(context.Context, net.Listener) error) error {
	secure, err := n.tls()
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return serve(ctx, tls.NewListener(l, secure))
}
