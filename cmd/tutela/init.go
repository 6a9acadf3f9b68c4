package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/errs"
)

type initCmd struct {
	Data        string   `required:"" type:"path" help:"Directory to make the system in."`
	Tenant      string   `required:"" help:"Name of this environment, e.g. production; bound into every ciphertext, for good."`
	Origin      string   `required:"" help:"Name of the ledger to the world, e.g. clinic.example/production; for good."`
	Host        []string `required:"" help:"Host names under which it is reached."`
	Listen      string   `default:":8443" help:"Address to serve on."`
	Node        string   `default:"node-1" help:"Name of this process among those that share the database."`
	Postgres    string   `help:"File that holds the URL of a PostgreSQL database; the embedded SQLite otherwise."`
	Certificate string   `required:"" type:"existingfile" help:"TLS certificate chain, PEM."`
	Key         string   `required:"" type:"existingfile" help:"TLS private key, PEM."`
	Admin       string   `default:"admin" help:"Username of the first administrator, who is invited by a link."`
	Keys        string   `default:"keys/provider" help:"Directory of the local key provider: another volume than the data."`
	Provider    string   `type:"existingfile" help:"File that says which key provider to use instead, as keys of tutela.yaml would: an HSM (pkcs11), Vault or OpenBao (transit), or AWS KMS (awskms)."`
}

// Help gives an example.
func (initCmd) Help() string {
	return `Example: tutela init --data /var/lib/tutela --tenant production --origin clinic.example/production \
  --host fhir.clinic.example --certificate tls.pem --key tls.key --keys /etc/tutela/keys

It makes no account, no password and no key that anyone could guess. The link that it prints invites
the first administrator, once; while there is no account, the same command prints a new one.`
}

// Run makes the system, unless it is there, and invites the first administrator.
func (cmd initCmd) Run(ctx context.Context, c console) error {
	path := filepath.Join(cmd.Data, configFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := cmd.make(ctx); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "made %s\n", path)
	}
	conf, err := readConfig(path)
	if err != nil {
		return err
	}
	inv, err := cmd.invite(ctx, conf)
	if errs.Is(err, errs.Denied) {
		return usage("%s exists and has accounts: init makes new systems only", path)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "next: tutela serve --config %s\nthen open, as %s, until %s: %s\n",
		path, cmd.Admin, inv.Expires.Format(time.RFC3339), pages.InvitationURL(conf.base(), inv.Token))
	return err
}

func (cmd initCmd) make(ctx context.Context) error {
	settings := localKeys(cmd.Keys)
	if cmd.Provider != "" {
		var err error
		if settings, err = readProvider(cmd.Provider); err != nil {
			return err
		}
	}
	return makeSystem(ctx, config{
		Tenant: tutela.Tenant(cmd.Tenant), Origin: cmd.Origin, Node: cmd.Node, Hosts: cmd.Host, Listen: cmd.Listen,
		URL: "https://" + cmd.Host[0], Postgres: cmd.Postgres, Certificate: cmd.Certificate, Key: cmd.Key, Keys: settings, dir: cmd.Data,
	}, "")
}

// invite opens the stopped system for the first invitation.
func (cmd initCmd) invite(ctx context.Context, conf config) (identity.Invitation, error) {
	s, err := openSystem(ctx, conf, "-init", slog.New(slog.DiscardHandler))
	if err != nil {
		return identity.Invitation{}, err
	}
	inv, err := s.identity.FirstInvitation(ctx, identity.NewUser{Username: cmd.Admin, Roles: []string{string(access.RoleAdmin)}})
	return inv, errors.Join(err, s.close(ctx))
}
