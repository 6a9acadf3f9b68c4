package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// packaged is what assess takes for an auditor's package.
type packaged struct {
	Package  string `type:"path" placeholder:"FILE.zip" help:"Try nothing: write an auditor's package instead; nothing may be there. As the auditor."`
	From     string `help:"The package's period begins on this day (2026-10-01, UTC); left out: with the ledger."`
	To       string `help:"And ends before this day; left out: now."`
	Complete bool   `help:"Open every entry of the period, whatever their number (else up to 50,000)."`
	Sample   bool   `help:"Open a sample, and what the tables need."`
	Word     string `help:"A word of the auditor's that the sample is drawn by too."`
}

// take asks a server for a package and writes it, whole or not at all.
func (p packaged) take(ctx context.Context, c console, client *client) (err error) {
	q := url.Values{}
	for name, day := range map[string]string{"from": p.From, "to": p.To} {
		if day == "" {
			continue
		}
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return usage("--%s is a day such as 2026-10-01, and %q is none", name, day)
		}
		q.Set(name, at.Format(time.RFC3339))
	}
	switch {
	case p.Complete && p.Sample:
		return usage("a package is --complete or a --sample, not both")
	case p.Complete:
		q.Set("show", "complete")
	case p.Sample:
		q.Set("show", "sample")
	}
	if p.Word != "" {
		q.Set("word", p.Word)
	}
	if _, err := os.Stat(p.Package); !errors.Is(err, fs.ErrNotExist) {
		return usage("%s is there already", p.Package)
	}
	part, err := os.CreateTemp(filepath.Dir(p.Package), ".package-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(part.Name()) }() // it is gone where it was renamed
	n, err := client.download(ctx, http.MethodPost, "/api/v1/packages?"+q.Encode(), part)
	if closed := part.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(part.Name(), p.Package); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s, %d bytes\nverify it by: tutela-verify --key KEY %s\nwhere KEY is a file with what %s/ledger/key says\n", p.Package, n, p.Package, client.base)
	return err
}

// download writes what a call answers.
func (cl *client) download(ctx context.Context, method, path string, w io.Writer) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, method, cl.base+path, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+cl.token)
	res, err := cl.answer(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	n, err := io.Copy(w, res.Body)
	if err != nil {
		return n, fmt.Errorf("the answer was cut off: %w", err)
	}
	return n, nil
}
