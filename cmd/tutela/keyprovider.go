package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutela-health/tutela/server"
)

type keysProviderCmd struct {
	Show    keysProviderShowCmd    `cmd:"" default:"withargs" help:"Which provider it is, whether it answers, and its generations."`
	Migrate keysProviderMigrateCmd `cmd:"" help:"Move the keyring to another provider, while everything runs."`
}

type keysProviderShowCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (keysProviderShowCmd) Help() string {
	return "Example: tutela keys provider --data tutela-data\n\nExit code 1: the provider does not answer."
}

// Run shows the provider.
func (cmd keysProviderShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	p, body, err := client.keyProvider(ctx, http.MethodGet, "")
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printProvider(c, p)
	}
	if err == nil && !p.Answers {
		err = errFound
	}
	return err
}

// keyProvider asks for the provider, or for a deed on it.
func (cl *client) keyProvider(ctx context.Context, method, deed string) (p server.KeyProvider, body []byte, err error) {
	if body, err = cl.json(ctx, method, "/api/v1/keys/provider"+deed, nil); err != nil {
		return p, nil, err
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return p, nil, fmt.Errorf("decode answer: %w", err)
	}
	return p, body, nil
}

func printProvider(c console, p server.KeyProvider) error {
	state := "answers"
	switch {
	case p.Shut:
		state = "does not answer, and opened keys were let go of: requests fail (" + p.Failed + ")"
	case !p.Answers:
		state = fmt.Sprintf("does not answer since %s; opened keys live on for %d minutes (%s)", p.Answered.Format(time.RFC3339), p.Outage, p.Failed)
	}
	fmt.Fprintf(c.out, "provider     %s\nstate        %s\ngenerations  %s\n", p.Provider, state, numbers(p.Generations))
	if p.MovingFrom != "" {
		fmt.Fprintf(c.out, "moving from  %s, where generations are left: %s (go on with tutela keys provider migrate)\n", p.MovingFrom, numbers(p.Left))
	}
	return nil
}

func numbers(list []int) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Trim(fmt.Sprint(list), "[]")
}

type keysProviderMigrateCmd struct {
	target
	To string `type:"existingfile" help:"File that says which provider: what would stand below keys in tutela.yaml. Left out: go on with a move that was broken off."`
}

// Help gives an example.
func (keysProviderMigrateCmd) Help() string {
	return `Example: tutela keys provider migrate --to hsm.yaml --data tutela-data

The keyring is wrapped by the new provider, a row a generation, and then the old provider's keys are
destroyed: it cannot be undone. It is run on the machine, whose tutela.yaml it changes. Where several nodes
share the database, give each of the others the new keys, with the old ones as from, and start them anew first.
Keyrings in earlier backups were wrapped by the old provider: make a full backup afterwards.`
}

// Run names the new provider in tutela.yaml and has the server move to it.
func (cmd keysProviderMigrateCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	home, err := cmd.home()
	if err != nil {
		return err
	}
	before, err := os.ReadFile(filepath.Join(home, configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return usage("there is no %s in %s: run this on the server's machine, with --data beside --server", configFile, home)
	}
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if cmd.To != "" {
		to, err := readProvider(cmd.To)
		if err != nil {
			return err
		}
		if err := nameProvider(home, to); err != nil {
			return err
		}
	}
	was, _, err := client.keyProvider(ctx, http.MethodGet, "")
	if err != nil {
		return errors.Join(err, writePrivate(filepath.Join(home, configFile), before))
	}
	now, _, err := client.keyProvider(ctx, http.MethodPost, "/move")
	if err != nil {
		return cmd.broken(ctx, client, home, before, err)
	}
	_, err = fmt.Fprintf(c.out, "moved generations %s from %s to %s, and destroyed them there\nmake a full backup now: keyrings in earlier ones were wrapped by %s\n",
		numbers(now.Generations), was.Provider, now.Provider, was.Provider)
	return err
}

// nameProvider writes a provider into tutela.yaml, with the one before as what is moved from.
func nameProvider(home string, to providerSettings) error {
	var wrong error
	err := rewriteKeys(home, func(p providerSettings) providerSettings {
		if p.From != nil {
			wrong = usage("keys are being moved already: tutela keys provider migrate, without --to, goes on")
			return p
		}
		old, young := p.within(config{dir: home}), to.within(config{dir: home})
		if old.place() == young.place() {
			wrong = usage("keys are in that provider already")
			return p
		}
		to.From = &p
		if to.OutageMinutes == 0 {
			to.OutageMinutes = p.OutageMinutes
		}
		p.OutageMinutes = 0
		wrong = to.check()
		if wrong != nil {
			wrong = usage("%v", wrong)
			return p
		}
		return to
	})
	return errors.Join(wrong, err)
}

// broken tells a move that never began, whose configuration is taken back, from one to go on with.
func (cmd keysProviderMigrateCmd) broken(ctx context.Context, client *client, home string, before []byte, failed error) error {
	p, _, err := client.keyProvider(ctx, http.MethodGet, "")
	if err == nil && p.MovingFrom == "" {
		return errors.Join(failed, writePrivate(filepath.Join(home, configFile), before))
	}
	return usage("the move was broken off, and nothing is lost: %v; go on with tutela keys provider migrate --data %s", failed, cmd.Data)
}
