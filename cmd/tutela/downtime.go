package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strings"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/recovery/downtime"
)

type downtimeCmd struct {
	Create downtimeCreateCmd `cmd:"" help:"Keep the essential charts of a ward's patients in a file."`
	Open   downtimeOpenCmd   `cmd:"" help:"Show the charts of such a file; needs no server."`
	Report downtimeReportCmd `cmd:"" help:"Send the log of a file into the ledger, once the server is back."`
}

// passphraseFile is where a passphrase comes from: no argument, which other people could see.
type passphraseFile struct {
	Passphrase string `required:"" type:"existingfile" help:"File with the passphrase in its first line, at least 12 characters."`
}

func (p passphraseFile) read() (string, error) {
	text, err := os.ReadFile(p.Passphrase)
	if err != nil {
		return "", fmt.Errorf("read passphrase: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

type downtimeCreateCmd struct {
	target
	passphraseFile
	Ward  string `required:"" help:"Ward or department; the caller's own."`
	To    string `required:"" type:"path" help:"The file to make."`
	Hours int    `default:"24" help:"For how long it opens, 168 at most."`
}

// Help gives an example.
func (downtimeCreateCmd) Help() string {
	return `Example: tutela downtime create --ward ward-1 --to ward-1.downtime --passphrase pass.txt --as nurse --data tutela-data

It holds allergies, active problems and prescriptions, observations of 30 days, vaccinations, care teams and
current visits of the patients whom the caller treats. Each is in the ledger as a disclosure.`
}

// Run asks for the charts and seals them.
func (cmd downtimeCreateCmd) Run(ctx context.Context, c console) error {
	passphrase, err := cmd.read()
	if err != nil {
		return err
	}
	if _, err := os.Stat(cmd.To); err == nil {
		return usage("%s is there already: its log belongs to it, so make another", cmd.To)
	}
	if err := downtime.CheckPassphrase(passphrase); err != nil {
		return err // before any chart leaves
	}
	client, err := cmd.connect(ctx, "nurse")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/downtime", map[string]any{"ward": cmd.Ward, "hours": cmd.Hours})
	if err != nil {
		return err
	}
	var x downtime.Extract
	if err := json.Unmarshal(body, &x); err != nil {
		return fmt.Errorf("decode charts: %w", err)
	}
	file, err := downtime.Seal(x, passphrase)
	if err != nil {
		return err
	}
	if err := writePrivate(cmd.To, file); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%d patients of %s are in %s until %s\n", len(x.Charts), x.Ward, cmd.To, x.Expires.Local().Format("2006-01-02 15:04"))
	return err
}

type downtimeOpenCmd struct {
	passphraseFile
	File string `arg:"" type:"existingfile" help:"What create made."`
	By   string `required:"" help:"Your name, for the log."`
	To   string `type:"path" help:"Write HTML there (mode 0600); standard output otherwise."`
}

// Help gives an example.
func (downtimeOpenCmd) Help() string {
	return `Example: tutela downtime open ward-1.downtime --passphrase pass.txt --by "R. Ames" --to charts.html

Each opening is a line in the log beside the file. Destroy the page after use: nothing ends it.`
}

// Run notes the opening, then shows the charts.
func (cmd downtimeOpenCmd) Run(_ context.Context, c console) error {
	f, err := cmd.unlock(cmd.File)
	if err != nil {
		return err
	}
	now := clock.System()
	charts, err := f.Open(now)
	if err != nil {
		return err
	}
	if err := f.Note(downtime.LogPath(cmd.File), now, cmd.By, machine()); err != nil {
		return err
	}
	if cmd.To == "" {
		return f.WriteHTML(c.out, charts)
	}
	out, err := os.OpenFile(cmd.To, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return errors.Join(f.WriteHTML(io.Writer(out), charts), out.Close())
}

func (p passphraseFile) unlock(path string) (*downtime.File, error) {
	passphrase, err := p.read()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read extract: %w", err)
	}
	return downtime.Unlock(text, passphrase)
}

// machine names this machine and the account on it, as far as they are known.
func machine() string {
	host, _ := os.Hostname() // a machine without a name
	if u, err := user.Current(); err == nil {
		return u.Username + "@" + host
	}
	return host
}

type downtimeReportCmd struct {
	target
	passphraseFile
	File string `arg:"" type:"existingfile" help:"What create made; its log lies beside it."`
}

// Help gives an example.
func (downtimeReportCmd) Help() string {
	return "Example: tutela downtime report ward-1.downtime --passphrase pass.txt --as nurse --data tutela-data"
}

// Run holds the log to its chain and sends it.
func (cmd downtimeReportCmd) Run(ctx context.Context, c console) error {
	f, err := cmd.unlock(cmd.File)
	if err != nil {
		return err
	}
	list, err := f.Log(downtime.LogPath(cmd.File))
	if err != nil {
		return err
	}
	openings := make([]map[string]any, len(list))
	for i, o := range list {
		openings[i] = map[string]any{"at": o.At, "who": o.Who, "on": o.On}
	}
	client, err := cmd.connect(ctx, "nurse")
	if err != nil {
		return err
	}
	path := "/api/v1/downtime/" + url.PathEscape(f.ID) + "/report"
	if _, err := client.json(ctx, http.MethodPost, path, map[string]any{"openings": openings}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%d openings are in the ledger\n", len(list))
	return err
}
