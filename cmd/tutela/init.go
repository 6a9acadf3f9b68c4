package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/tutela-health/tutela"
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
	Keys        string   `default:"keys/provider" help:"Directory of the local key provider: another volume than the data."`
}

// Help gives an example.
func (initCmd) Help() string {
	return `Example: tutela init --data /var/lib/tutela --tenant production --origin clinic.example/production \
  --host fhir.clinic.example --certificate tls.pem --key tls.key --keys /etc/tutela/keys

It makes no account, no password and no key that anyone could guess.`
}

// Run makes the system.
func (cmd initCmd) Run(ctx context.Context, c console) error {
	path := filepath.Join(cmd.Data, configFile)
	if _, err := readConfig(path); err == nil {
		return usage("%s exists: init makes new systems only", path)
	}
	conf := config{
		Tenant: tutela.Tenant(cmd.Tenant), Origin: cmd.Origin, Node: cmd.Node, Hosts: cmd.Host, Listen: cmd.Listen,
		URL: "https://" + cmd.Host[0], Postgres: cmd.Postgres, Certificate: cmd.Certificate, Key: cmd.Key, Keys: cmd.Keys, dir: cmd.Data,
	}
	if err := makeSystem(ctx, conf, ""); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "made %s\nnext: tutela serve --config %s\n", path, path)
	return err
}
